"""Installations that outlive their run, for the next one on the same file: where they lie, and that they are unchanged.

An environment cannot be moved, so it is made where it stays. One that was changed is left to whoever still runs
it, and another is made beside it. How an artifact is installed is for `release.installation`.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from harness.release import interpreters
from harness.running import filetree
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.release.installation import Installation

_FORMAT = 3  # of a record
_RECORD = "record.pickle"
_UNFINISHED = "unfinished"
# What reading a file that is no record, or one of another version of this harness, can end in.
_UNREADABLE = (
    OSError,
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    AttributeError,
    ImportError,
    TypeError,
    ValueError,
)
_PLENTY = 5  # so many are kept, and those that somebody may still be using
_IN_USE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What makes two installations the same; `python` and `node` are what the user asked for, "" for the default."""

    sha256: str
    installer: str
    python: str
    node: str

    def __str__(self) -> str:
        """Name it; an interpreter that was replaced at its place is another one."""
        interpreter = Path(interpreters.find(self.python) or self.python or sys.executable).resolve()
        state = interpreter.stat() if interpreter.is_file() else None
        replaced = (state.st_size, state.st_mtime_ns) if state else ()
        facts = (_FORMAT, self.sha256, self.installer, str(interpreter), replaced, self.node, platform.platform())
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An installation with its history: `since` is when an earlier run made it, "" for one of this run.

    `remark` says what became of one that could not be used.
    """

    installation: Installation
    since: str = ""
    remark: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    """What an installation was when it was made, at `moment` in epoch seconds."""

    installation: Installation
    root: Path
    tree: filetree.Snapshot
    moment: float


def install_or_reuse(key: Key, shelf: Path, make: Callable[[Path], Installation]) -> Kept:
    """Give the kept installation of that key, if it is what it was, else have `make` put one into a new directory.

    Whatever `make` raises leaves nothing behind.
    """
    place = shelf / str(key)
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(shelf / f"{place.name}.lock"):
        _clear(shelf, keep=place)
        found = _read(place / _RECORD)
        changed, record = _verified(found) if found is not None else ("", None)
        since = _written(record.moment) if record is not None else ""
        record = record or _make(place, make)
        # Our own file, in the user's own cache, beside programs that will be run just the same.
        write_whole(place / _RECORD, pickle.dumps(record))
    remark = f"anew, since the kept installation was changed: '{changed}'" if changed else ""
    return Kept(installation=record.installation, since=since, remark=remark)


def _verified(record: _Record) -> tuple[str, _Record | None]:
    """The first path that is not as it was, or the record as it is now: what had to be read need not be again."""
    now = filetree.snapshot(record.root, previous=record.tree)
    if changes := filetree.difference(record.tree, now):
        return min(changes.paths), None
    return "", replace(record, tree=now)


def _make(place: Path, make: Callable[[Path], Installation]) -> _Record:
    directory = Path(tempfile.mkdtemp(prefix="", dir=place))
    try:
        root = directory / "environment"
        (directory / _UNFINISHED).touch()
        installation = make(root)
        (directory / _UNFINISHED).unlink()
        return _Record(installation=installation, root=root, tree=filetree.snapshot(root), moment=time.time())
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _read(path: Path) -> _Record | None:
    """A record, if there is one that can be read."""
    with contextlib.suppress(*_UNREADABLE):
        record = pickle.loads(path.read_bytes())  # noqa: S301 -- our own file
        return record if isinstance(record, _Record) else None
    return None


def _clear(shelf: Path, *, keep: Path) -> None:
    """Remove what nobody can be using any more: of the keys the oldest, of a key all but the recorded directory."""
    now = time.time()
    places = sorted((path for path in shelf.iterdir() if path.is_dir() and path != keep), key=_used, reverse=True)
    for path in places[_PLENTY - 1 :]:
        if now - _used(path) > _IN_USE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
            path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    for path in _replaced(keep):
        # Whoever makes one holds the lock: what is not finished now never will be.
        is_dead = (path / _UNFINISHED).exists() or not any(path.iterdir())
        if is_dead or now - path.stat().st_mtime > _IN_USE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _replaced(place: Path) -> Iterator[Path]:
    record = _read(place / _RECORD)
    for path in place.iterdir():
        if path.is_dir() and (record is None or path != record.root.parent):
            yield path


def _used(place: Path) -> float:
    record = place / _RECORD
    return (record if record.is_file() else place).stat().st_mtime


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=timezone.utc).isoformat(timespec="seconds")
