"""Canaries: what stands in places that no run has any business in, and must still stand there when it has ended.

A file of ours in the directory of temporary files; in the user's home and the checkout the names that are there,
and the content of the few files that other programs let alone. Names may come, and most files may change:
other programs do that while a smoke runs.
"""

from __future__ import annotations

import contextlib
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Written by their owner's hand, and by programs that add themselves to every shell.
_STEADY = (
    ".bash_profile",
    ".bashrc",
    ".gnupg/gpg.conf",
    ".netrc",
    ".profile",
    ".pypirc",
    ".ssh/authorized_keys",
    ".ssh/config",
    ".zprofile",
    ".zshenv",
    ".zshrc",
)
_PASSING = (".lock", ".tmp", ".swp", ".new", ".old", "~")  # names that programs make to take them away again
_PASSING_STARTS = ("pytest-cache-files-", ".coverage.", ".#", ".goutputstream-")  # the same, by how they begin
_OF_RUNS = {".smoke", ".pytest_cache", "dist"}  # of the checkout: other runs work there

_State = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Canaries:
    """What stood where when a run began."""

    planted: Path
    states: Mapping[Path, _State]

    @classmethod
    def place(cls, home: Path, checkout: Path, scratch: Path) -> Canaries:
        """Look at both places, and leave a file beside `scratch`."""
        planted = beside(scratch)
        with contextlib.suppress(OSError):  # a full disk will be told by whoever needs it
            planted.touch()
        named = [*_names(home), *(path for path in _names(checkout) if path.name not in _OF_RUNS)]
        steady = [home / name for name in _STEADY]
        states = {path: _kind(path) for path in named} | {path: _content(path) for path in (planted, *steady)}
        return cls(planted=planted, states={path: state for path, state in states.items() if state})

    def disturbed(self) -> str:
        """Say in a line what is no longer as it was, or ""; the file of ours goes."""
        said = ""
        for path, before in self.states.items():
            after = _kind(path) if len(before) == 1 else _content(path)
            if after != before:
                said = said or f"what no run works with was {'changed' if after else 'removed'}: '{path}'"
        with contextlib.suppress(OSError):
            self.planted.unlink()
        return said


def beside(scratch: Path) -> Path:
    """The file that stands for what others have in the directory of temporary files."""
    return scratch.with_name(f"canary-of-{scratch.name}")


def _names(directory: Path) -> list[Path]:
    try:
        names = [path for path in directory.iterdir() if not path.name.startswith(_PASSING_STARTS)]
        return [path for path in names if not path.name.endswith(_PASSING)]
    except OSError:
        return []


def _kind(path: Path) -> _State:
    try:
        return (stat.S_IFMT(path.lstat().st_mode),)
    except OSError:
        return ()


def _content(path: Path) -> _State:
    try:
        status = path.lstat()
    except OSError:
        return ()
    return (status.st_mode, status.st_size, status.st_mtime_ns)
