"""What a command may take of the machine, on the whole tree of its processes, and whether it takes more.

Limits of the kernel's count a single process, and do nothing for root. So somebody looks now and then, with
what is here; ending the tree is for `command` and `terminal`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from harness.running.filetree import Snapshot

FIRST_LOOK_SECONDS = 0.3  # most commands are over by then, and nobody has looked

_PAUSE_SECONDS = 0.1
_PAUSES_A_LOOK = 10  # looking takes no more than a tenth of a core, however large the tree is
_BLOCK_BYTES = 4096  # what an entry takes at least: a million empty files are a full disk as well
_UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "bytes": 1}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bytes of memory, processes at once, bytes by which the files of a sandbox may grow; all for one command."""

    memory: int = 2 << 30
    processes: int = 512
    disk: int = 1 << 30


USUAL = Limits()
HEAVY = Limits(memory=8 << 30, disk=16 << 30)  # for what installs and loads a machine-learning library


@dataclass(kw_only=True, slots=True)
class Watch:
    """Whether a command keeps within its limits; `already` are the bytes in its directory before it began."""

    limits: Limits
    directory: Path
    already: int
    pause: float = field(default=_PAUSE_SECONDS, init=False)  # seconds to the next look

    def look(self, members: Callable[[], Collection[int]]) -> str:
        """Say what the processes `members` have too much of, or ""."""
        started = time.monotonic()
        pids = members()
        excess = self._processes(len(pids)) or self._memory(pids) or self._disk()
        self.pause = max(_PAUSE_SECONDS, _PAUSES_A_LOOK * (time.monotonic() - started))
        return excess

    def judge(self, after: Snapshot) -> str:
        """Say whether a command that has ended wrote too much, or ""."""
        return self._written(size_of(after) - self.already)

    def _processes(self, number: int) -> str:
        return f"ran more than {self.limits.processes} processes at once" if number > self.limits.processes else ""

    def _memory(self, pids: Collection[int]) -> str:
        limit = self.limits.memory
        # What processes share is counted once only by the second, which takes the kernel a hundred times as long.
        too_much = sum(map(_resident, pids)) > limit and sum(map(_proportional, pids)) > limit
        return f"used more than {_readable(limit)} of memory" if too_much else ""

    def _disk(self) -> str:
        return self._written(sum(map(_charged, _sizes(self.directory))) - self.already)

    def _written(self, size: int) -> str:
        return f"wrote more than {_readable(self.limits.disk)} to disk" if size > self.limits.disk else ""


def size_of(tree: Snapshot) -> int:
    """The bytes of a tree, as a watch counts them."""
    return sum(_charged(entry.size) for entry in tree.values())


def _charged(size: int) -> int:
    return max(size, _BLOCK_BYTES)


def _sizes(directory: Path) -> Iterator[int]:
    """The size of each file, and 0 for each other entry; what vanishes meanwhile is none."""
    yield 0
    pending = [os.fspath(directory)]
    while pending:
        try:
            with os.scandir(pending.pop()) as found:
                children = list(found)
        except OSError:
            continue
        for child in children:
            if child.is_dir(follow_symlinks=False):
                pending.append(child.path)
            yield _size(child)


def _size(child: os.DirEntry[str]) -> int:
    try:
        return child.stat(follow_symlinks=False).st_size if child.is_file(follow_symlinks=False) else 0
    except OSError:
        return 0


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _proportional(pid: int) -> int:
    try:
        told = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return _resident(pid)
    return int(getattr(told, "pss", 0) or told.uss)


def _readable(size: int) -> str:
    unit = next(unit for unit, factor in _UNITS.items() if size >= factor)
    return f"{size / _UNITS[unit]:g} {unit}"
