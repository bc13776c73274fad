"""Self-tests of archives that hold more than they seem to: where the bounds are."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from harness.release.members import complaint
from harness.tests.release.projects import pack_wheel

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "odd-1.0-py3-none-any.whl"
SDIST = "odd-1.0.tar.gz"
MIB = 1 << 20
LARGE = 256 * MIB


def pack_zeros(path: Path, size: int, *, noise: int = 0) -> int:
    """A wheel with so many bytes that compress, and some that do not; gives the bytes of all its members."""
    pack_wheel(path)
    with zipfile.ZipFile(path, "a", compression=zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        wheel.writestr("odd/noise", os.urandom(noise))
        room = size - sum(entry.file_size for entry in wheel.infolist())
        with wheel.open("odd/zeros", "w") as stream:
            for start in range(0, room, MIB):
                stream.write(bytes(min(MIB, room - start)))
    return size


@pytest.mark.parametrize(("size", "is_fine"), [(LARGE, True), (LARGE + 1, False)])
def test_a_wheel_may_unpack_to_so_much_whatever_its_size(tmp_path: Path, size: int, *, is_fine: bool) -> None:
    swelling = f"unpacks to more than 100 times its size: {size} bytes or more"

    pack_zeros(tmp_path / WHEEL, size)

    assert complaint(tmp_path / WHEEL) == ("" if is_fine else swelling)


def test_a_large_wheel_may_unpack_to_more(tmp_path: Path) -> None:
    pack_zeros(tmp_path / WHEEL, LARGE + MIB, noise=3 * MIB)

    assert complaint(tmp_path / WHEEL) == ""


def test_what_is_large_and_does_not_compress_is_fine(tmp_path: Path) -> None:
    path = pack_wheel(tmp_path / WHEEL)
    with zipfile.ZipFile(path, "a") as wheel, wheel.open("odd/zeros", "w") as stream:  # stored as it is
        for _ in range(257):
            stream.write(bytes(MIB))

    assert complaint(path) == ""


def test_a_tarball_is_read_no_further_than_it_must(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("odd-1.0/zeros")
    entry.size = 300 * MIB
    with tarfile.open(tmp_path / SDIST, "w:gz", compresslevel=1) as archive:
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))

    assert complaint(tmp_path / SDIST) == f"unpacks to more than 100 times its size: {LARGE + MIB} bytes or more"
