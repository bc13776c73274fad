"""Self-tests of writing in one step."""

from __future__ import annotations

import errno
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
