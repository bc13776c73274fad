"""Self-tests of writing in one step."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

import pytest

from harness.wholefile import write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old, and longer")

    write_whole(target, b"new")

    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(OSError, match=r".") as raised:
        write_whole(target, b"new")

    assert raised.value.errno in {errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY}
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_writer_left_goes_and_what_one_at_work_has_stays(tmp_path: Path) -> None:
    long_ago = time.time() - 3600
    others = [".target.txt-1234", ".target-old-1234", "target-1234", ".target-ABC"]
    for name in (".target-1234", ".target-ab_d3fgh", *others):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / ".target-5678").touch()

    write_whole(tmp_path / "target", b"new")

    assert {path.name for path in tmp_path.iterdir()} == {"target", ".target-5678", *others}
