"""Runs that died without tidying up: each holds a lock while it lives, and the next start clears what lies unheld.

Only processes are ended whose environment says that they work in the directory of such a run.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import canaries, standins
from harness.diskspace import demand_files
from harness.errors import TestbedError
from harness.running import marks, processes
from harness.running.removal import remove
from harness.verdict.archive import LOCK, SCRATCH_PREFIX, clear_away, make_scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

_SCRATCH = re.compile(rf"{SCRATCH_PREFIX}[a-z0-9_]{{8}}")  # anything else may be somebody's own
_NOTE = Path(standins.DIRECTORY, "made.txt")
_PERSISTENCE_SECONDS = 3.0  # for what still writes while it dies


def new_scratch() -> Path:
    """Make the directory in which a run works, and hold its lock for as long as this process lives.

    Raises:
        TestbedError: it cannot be made.
    """
    demand_files(Path(tempfile.gettempdir()))
    while not _claim(scratch := make_scratch()):
        pass  # another start took it for one of a dead run: for a moment it is like one
    return scratch


def join(scratch: Path) -> Path:
    """Work in the directory of a run that goes on in another process.

    Raises:
        TestbedError: it has died, so early that the kernel does not see to it.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError), _unheld(scratch / LOCK):
            raise TestbedError("whoever started this session has died")
    return scratch


def leave(scratch: Path) -> None:
    """Let a run's directory stand, for people to look at."""
    (scratch / LOCK).unlink(missing_ok=True)


def note_made(scratch: Path, directory: Path) -> None:
    """Write down that a run made a directory outside, which is to go with it if nothing comes into it."""
    (scratch / _NOTE).write_bytes(os.fsencode(directory))


def clear() -> None:
    """Remove what runs that died left among the temporary files, and end what they left running."""
    if sys.platform == "win32":
        return
    for scratch in Path(tempfile.gettempdir()).resolve().glob(f"{SCRATCH_PREFIX}*"):
        with contextlib.suppress(OSError), _unheld(scratch / LOCK):
            _bury(scratch)
        if _SCRATCH.fullmatch(scratch.name):
            with contextlib.suppress(OSError):  # it is none, or there is something in it
                scratch.rmdir()


def remove_scratch(scratch: Path) -> None:
    """Remove a run's directory, whatever permissions are in it, the lock last."""
    with contextlib.suppress(OSError):
        for path in scratch.iterdir():
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):
                    remove(path)
    clear_away(scratch)


def _claim(scratch: Path) -> bool:
    """Hold the lock; False if the directory has gone meanwhile."""
    if sys.platform == "win32":
        return True
    lock = scratch / LOCK
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)  # closed by the end of this process
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except FileNotFoundError:
        return False
    except OSError:  # a full disk will be told by whoever needs it
        return True
    return lock.exists()


def _bury(scratch: Path) -> None:
    canaries.beside(scratch).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # none was made, or it is in use
        Path(os.fsdecode((scratch / _NOTE).read_bytes())).rmdir()
    deadline = time.monotonic() + _PERSISTENCE_SECONDS
    while scratch.exists() and time.monotonic() < deadline:
        processes.end(processes.described(marks.working_below(scratch)), grace=0)
        remove_scratch(scratch)


@contextlib.contextmanager
def _unheld(lock: Path) -> Iterator[None]:
    """Hold the lock of a run of our own user that died; OSError if there is none, or it lives."""
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.getuid():
            raise PermissionError(lock)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.stat()  # or somebody else was faster
        yield
    finally:
        os.close(descriptor)
