"""Runs that died without tidying up: each holds a lock while it lives, and the next start clears what lies unheld.

Only processes are ended that carry the mark of a sandbox of such a run, or are a worker that it wrote down.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness import canaries
from harness.running import processes
from harness.running.removal import remove
from harness.verdict.archive import SCRATCH_PREFIX, make_scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

LOCK = "run.lock"

WORKER = "exec(eval(sys.stdin.readline()))"  # how xdist starts them
_CLOCK_SECONDS = 1.0  # two clocks tell when a process began and when a file was written


def new_scratch() -> Path:
    """Make the directory in which a run works, and hold its lock for as long as this process lives.

    Raises:
        TestbedError: it cannot be made.
    """
    scratch = make_scratch()
    _claim(scratch)
    return scratch


def _claim(scratch: Path) -> None:
    if sys.platform == "win32":
        return
    # Elsewhere first: with its own name it would lie there unheld for a moment.
    unfinished = scratch / f".{LOCK}"
    with contextlib.suppress(OSError):  # a full disk will be told by whoever needs it
        descriptor = os.open(unfinished, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unfinished.rename(scratch / LOCK)


def leave(scratch: Path) -> None:
    """Let a run's directory stand, for people to look at."""
    (scratch / LOCK).unlink(missing_ok=True)


def clear() -> None:
    """Remove what runs that died left among the temporary files, and end what they left running."""
    if sys.platform == "win32":
        return
    for lock in Path(tempfile.gettempdir()).resolve().glob(f"{SCRATCH_PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), _unheld(lock) as is_dead:
            if is_dead:
                processes.end(_processes_of(lock.parent), grace=0)
                remove(lock.parent)
                canaries.beside(lock.parent).unlink(missing_ok=True)


@contextlib.contextmanager
def _unheld(lock: Path) -> Iterator[bool]:
    """Hold a lock that is our own user's and nobody's else."""
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.getuid():
            yield False
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock.exists()  # or somebody else was faster
    finally:
        os.close(descriptor)


def _processes_of(scratch: Path) -> tuple[processes.Leftover, ...]:
    workers = [pid for path in scratch.glob("*.pid") if _is_worker(pid := int(path.stem), path.stat().st_mtime)]
    return (*processes.marked_below(str(scratch)), *processes.described(workers))


def _is_worker(pid: int, noted: float) -> bool:
    """Whether a process is the one that wrote itself down then, and no later one of the same number."""
    try:
        process = psutil.Process(pid)
        return process.create_time() < noted + _CLOCK_SECONDS and any(WORKER in word for word in process.cmdline())
    except psutil.Error:
        return False
