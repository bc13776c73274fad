"""Self-tests of archives that set out to do harm: refused with a line, and nothing of them is written anywhere."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError
from harness.release.artifact import identify, names
from harness.tests.release.projects import member, pack_sdist, pack_tarball, pack_wheel

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "odd-1.0-py3-none-any.whl"
SDIST = "odd-1.0.tar.gz"
NPM = "odd-1.0.0.tgz"
MIB = 1 << 20


def refusal(path: Path) -> str:
    """The one line with which a file is refused."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(ArtifactError) as caught:
        identify(path)
    assert sorted(path.parent.rglob("*")) == before
    return caught.value.message


def pack_npm(path: Path, *members: tarfile.TarInfo) -> Path:
    """A package of npm with these members."""
    return pack_tarball(path, "package/package.json", '{"name": "odd", "version": "1.0.0"}', *members)


def link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.SYMTYPE, target)


@pytest.mark.parametrize(
    ("members", "unsafe"),
    [
        ((member("../evil"),), "../evil"),
        ((member("/etc/evil"),), "/etc/evil"),
        ((link("top/link", "../../elsewhere"),), "top/link"),
        ((member("top/hard", tarfile.LNKTYPE, "/etc/passwd"),), "top/hard"),
        ((member("top/device", tarfile.CHRTYPE),), "top/device"),
        ((member("top/disk", tarfile.BLKTYPE),), "top/disk"),
        ((member("top/pipe", tarfile.FIFOTYPE),), "top/pipe"),
        ((link("top/a", "."), link("top/b", "a/a/../../..")), "top/b"),
        ((link("top/a", "."), member("top/a/evil")), "top/a/evil"),
        ((link("top/a", "."), member("top/hard", tarfile.LNKTYPE, "top/a/x")), "top/hard"),
    ],
    ids=[
        "traversal",
        "absolute",
        "link out",
        "hard link out",
        "character device",
        "block device",
        "pipe",
        "links that lead out together",
        "file through a link",
        "hard link through a link",
    ],
)
def test_what_is_not_safe_in_a_tarball_is_refused(
    tmp_path: Path, members: tuple[tarfile.TarInfo, ...], unsafe: str
) -> None:
    for path in (pack_sdist(tmp_path / SDIST, *members), pack_npm(tmp_path / NPM, *members)):
        assert refusal(path) == f"'{path.name}' holds a member that is not safe to unpack: '{unsafe}'"


def test_links_to_links_in_the_same_tree_are_fine(tmp_path: Path) -> None:
    links = (link("odd-1.0/lib.so", "lib.so.1"), link("odd-1.0/lib.so.1", "lib.so.1.0"), member("odd-1.0/lib.so.1.0"))

    assert "odd-1.0/lib.so" in names(identify(pack_sdist(tmp_path / SDIST, *links)))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_what_is_no_file_in_a_wheel_is_refused(tmp_path: Path, kind: int) -> None:
    special = zipfile.ZipInfo("odd/special")
    special.external_attr = (kind | 0o644) << 16
    path = pack_wheel(tmp_path / WHEEL)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(special, "/dev/null")

    assert refusal(path) == f"'{WHEEL}' holds a member that is not safe to unpack: 'odd/special'"


@pytest.mark.parametrize(
    ("first", "second", "collision"),
    [
        ("top/Data.txt", "top/data.txt", "'top/Data.txt' and 'top/data.txt'"),
        ("Top/one", "top/two", "'Top' and 'top'"),
        ("top/caf\u00e9", "top/cafe\u0301", "'top/caf\u00e9' and 'top/cafe\u0301'"),
    ],
    ids=["files", "directories", "accents"],
)
def test_names_that_collide_are_refused(tmp_path: Path, first: str, second: str, collision: str) -> None:
    complaint = f"holds {collision}, which are one name to many disks"
    wheel = pack_wheel(tmp_path / WHEEL, {first: "", second: ""})
    sdist = pack_sdist(tmp_path / SDIST, member(first), member(second))
    npm = pack_npm(tmp_path / NPM, member(first), member(second))

    assert [refusal(path) for path in (wheel, sdist, npm)] == [f"'{n}' {complaint}" for n in (WHEEL, SDIST, NPM)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_wheel_with_a_file_twice_is_refused(tmp_path: Path) -> None:
    path = pack_wheel(tmp_path / WHEEL)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("odd/data.txt", "something else")

    assert refusal(path) == f"'{WHEEL}' holds 'odd/data.txt' more than once"


def test_a_wheel_that_swells_is_refused(tmp_path: Path) -> None:
    path = pack_wheel(tmp_path / WHEEL)
    with (
        zipfile.ZipFile(path, "a", compression=zipfile.ZIP_DEFLATED) as archive,
        archive.open("odd/zeros", "w") as stream,
    ):
        for _ in range(300):
            stream.write(bytes(MIB))

    assert refusal(path).startswith(f"'{WHEEL}' unpacks to more than 100 times its size: ")


@pytest.mark.parametrize("pack", [pack_sdist, pack_npm])
def test_a_tarball_that_swells_is_refused(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    path = tmp_path / (SDIST if pack is pack_sdist else NPM)
    hole = tmp_path / "hole"
    with hole.open("wb") as stream:
        os.truncate(stream.fileno(), 300 * MIB)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(hole, "odd-1.0/zeros")
    hole.unlink()

    assert f"'{path.name}' unpacks to more than 100 times its size" in refusal(path)


def test_what_is_empty_and_small_is_fine(tmp_path: Path) -> None:
    path = pack_wheel(tmp_path / WHEEL)
    with zipfile.ZipFile(path, "a", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("odd/zeros", bytes(50 * MIB))

    assert identify(path).name == "odd"
