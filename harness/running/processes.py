"""Finds and ends what a command left running.

Owns the question which processes are a sandbox's: on Linux the descendants of this process, orphans
included, which the kernel hands to it as their "subreaper"; where there is no such thing, those that
carry the sandbox's mark in their environment as well. Starting commands is the business of `command`
and `terminal`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shlex
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import psutil

from harness.running import marks
from harness.running.children import children_of
from harness.running.filetree import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

MARKER = marks.MARKER

_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
_STOP_SECONDS = 2.0  # for a tree that grows faster than it can be stopped
_KILL_SECONDS = 0.5  # a killed process is gone at once, but for one that hangs in the kernel
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

# Commands in progress: whoever waits for one must be the one to reap it, and it is no leftover yet.
# With the lock, no other thread sees a program that has been started and is not among them.
_supervised: set[int | None] = set()
_left: set[int] = set()  # what `find` has found: no program that somebody waits for
_census = threading.RLock()


class _Started(Protocol):
    @property
    def pid(self) -> int | None: ...


Program = TypeVar("Program", bound=_Started)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftover:
    """A process that should be gone: its command line, ready to read, and its start in epoch seconds."""

    pid: int
    command: str
    created: float
    process: psutil.Process = field(compare=False, repr=False)  # knows when a pid has been reused

    def __str__(self) -> str:
        return f"{self.pid}: {self.command}"


def become_subreaper() -> bool:
    """Have orphaned descendants handed to this process from now on; False where that does not exist."""
    return _LIBC is not None and _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def children() -> frozenset[int]:
    """Give the pids of this process's children, for `find` to ignore."""
    return frozenset(children_of(os.getpid()))


def grandchildren(pid: int) -> frozenset[int]:
    """Give the pids of the children of a process's children."""
    return frozenset(inner for outer in children_of(pid) for inner in children_of(outer))


@contextlib.contextmanager
def supervised(start: Callable[[], Program]) -> Iterator[Program]:
    """Start a program that somebody waits for; within, `find` keeps off it and its descendants."""
    with _census:
        program = start()
        _supervised.add(program.pid)
    try:
        yield program
    finally:
        _supervised.discard(program.pid)


def find(marker: str, *, ignore: Collection[int] = ()) -> tuple[Leftover, ...]:
    """List what runs for the sandbox `marker`, except the processes `ignore` and their descendants.

    Orphans that have ended meanwhile are reaped on the way.
    """
    with _census:
        found = _leftovers(marker, ignore)
        _left.update(found)
        return described(found)


def settle(marker: str, seconds: float, *, ignore: Collection[int] = ()) -> tuple[Leftover, ...]:
    """Wait up to `seconds` until nothing of the sandbox runs any more, and give what still does."""
    deadline = time.monotonic() + seconds
    left = find(marker, ignore=ignore)
    pauses = _pauses()
    while left and time.monotonic() < deadline:
        time.sleep(next(pauses))
        left = find(marker, ignore=ignore)
    return left


def tree(pid: int) -> tuple[Leftover, ...]:
    """List the process and its descendants."""
    return described({pid} | _descendants(pid))


def end(leftovers: Iterable[Leftover], *, grace: float = 1.0) -> None:
    """End these processes and their descendants: first asked to, killed after `grace` seconds."""
    doomed = _with_descendants(leftovers)
    _signal(doomed, psutil.Process.terminate)
    survivors = _with_descendants(_alive_after(grace, doomed))
    _signal(survivors, psutil.Process.kill)
    _alive_after(_KILL_SECONDS, survivors)


def is_busy(pid: int) -> bool:
    """Tell whether a process has something to do, and waits for nobody."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() == psutil.STATUS_RUNNING
    return False


def members(pid: int, marker: str, *, ignore: Collection[int]) -> frozenset[int]:
    """Give the pids of a command in progress and of all that it started, orphans included."""
    with _census:
        return frozenset({pid} | _descendants(pid) | _leftovers(marker, ignore))


def strays(marker: str, *, ignore: Collection[int]) -> frozenset[int]:
    """Give the pids of what runs for the sandbox though nobody waits for it, as `find` does, but reap none.

    So another thread may ask while this process waits for a program of its own.
    """
    with _census:
        return frozenset(_leftovers(marker, ignore))


def end_strays(marker: str, *, ignore: Collection[int]) -> None:
    """End them without asking first."""
    _stop(lambda: strays(marker, ignore=ignore))
    end(described(strays(marker, ignore=ignore)), grace=0)


def stop(pid: int, marker: str, *, ignore: Collection[int]) -> None:
    """Have a command in progress, and all that it started, stand still."""
    _stop(lambda: members(pid, marker, ignore=ignore))


def _stop(members: Callable[[], frozenset[int]]) -> None:
    """Have them all stand still: what multiplies outruns who ends it."""
    stopped: set[int] = set()
    deadline = time.monotonic() + _STOP_SECONDS
    while (fresh := members() - stopped) and time.monotonic() < deadline:
        stopped |= fresh
        for each in fresh:
            with contextlib.suppress(psutil.Error):
                psutil.Process(each).suspend()


def end_command(pid: int, marker: str, *, ignore: Collection[int], at_once: bool = False) -> None:
    """End a command in progress and all that it started, within 2 seconds, or without asking first."""
    if at_once:
        stop(pid, marker, ignore=ignore)
        end((*tree(pid), *find(marker, ignore=ignore)), grace=0)
        return
    end((*tree(pid), *find(marker, ignore=ignore)))
    # What was started or orphaned while the first round went on has had its chance.
    end(find(marker, ignore=ignore), grace=0)


def reap(*, ignore: Collection[int]) -> None:
    """Bury the orphans of a command in progress that have ended, as `init` would: to others they still seem to run.

    What was found before, and left to run, is buried as well; any other child of this process is somebody's
    who waits for it.
    """
    with _census:
        for pid in (children_of(os.getpid()) - set(ignore)) | _left:
            _bury(pid)


def _bury(pid: int) -> None:
    """Reap a child that nobody waits for, if it has ended; forget what is no child of this process."""
    with _census:
        if pid in _supervised or os.name != "posix":
            return
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                return
        _left.discard(pid)


def _is_subreaper() -> bool:
    answer = ctypes.c_int(0)
    if _LIBC is not None:  # pragma: no branch - only Linux gets to the tests' hosts
        _LIBC.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


def _descendants(pid: int, skip: Collection[int] = ()) -> set[int]:
    """Walk twice: an orphan that changes its parent during the one is in the other."""
    return _walk(pid, skip) | _walk(pid, skip)


def _walk(pid: int, skip: Collection[int]) -> set[int]:
    found: set[int] = set()
    pending = [pid]
    while pending:
        fresh = children_of(pending.pop()) - found - set(skip)
        found |= fresh
        pending.extend(fresh)
    return found


def _leftovers(marker: str, ignore: Collection[int]) -> set[int]:
    """What nobody waits for: orphans that came to this process, or what carries the mark where none come."""
    skip = {pid for pid in (*ignore, *_supervised) if pid is not None}
    found = _descendants(os.getpid(), skip)
    if not _is_subreaper():
        others = skip.union({os.getpid()}, *(_descendants(pid) for pid in skip))
        found |= marks.marked(marker) - others
    return found


def described(pids: Iterable[int]) -> tuple[Leftover, ...]:
    """Tell what these are, those left out that have ended."""
    described = (_describe(pid) for pid in sorted(pids))
    return tuple(leftover for leftover in described if leftover is not None)


def _describe(pid: int) -> Leftover | None:
    try:
        process = psutil.Process(pid)
        if not _is_alive(process):
            return None
        return Leftover(pid=pid, command=_command_line(process), created=process.create_time(), process=process)
    except psutil.NoSuchProcess:
        return None


def _command_line(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.AccessDenied):
        if any(words := process.cmdline()):
            return printable(shlex.join(words))
    return process.name()


def _is_alive(process: psutil.Process) -> bool:
    """Tell whether it runs; if it has ended and is an orphan in this process's care, reap it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return True
    _bury(process.pid)
    return False


def _with_descendants(leftovers: Iterable[Leftover]) -> set[Leftover]:
    alive = [leftover for leftover in leftovers if _is_alive(leftover.process)]
    return set(alive).union(*(described(_descendants(leftover.pid)) for leftover in alive))


def _signal(leftovers: Iterable[Leftover], send: Callable[[psutil.Process], None]) -> None:
    for leftover in leftovers:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            send(leftover.process)


def _alive_after(seconds: float, leftovers: Iterable[Leftover]) -> list[Leftover]:
    """Wait up to `seconds` for all to end, and give those that have not."""
    deadline = time.monotonic() + seconds
    alive = [leftover for leftover in leftovers if _is_alive(leftover.process)]
    pauses = _pauses()
    while alive and time.monotonic() < deadline:
        time.sleep(next(pauses))
        alive = [leftover for leftover in alive if _is_alive(leftover.process)]
    return alive


def _pauses() -> Iterator[float]:
    """Short at first, for what ends at once; then such that waiting takes no noticeable part of a core."""
    pause = 0.001
    while True:
        yield pause
        pause = min(pause * 1.5, 0.02)
