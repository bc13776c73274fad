"""Runs a program on pipes, with a deadline and bounded output.

Owns that a run always ends and always leaves a result: a hang, a flood, a crash and a child that keeps
the pipes open are results, not exceptions. Which environment and directory a program gets, and what
to think of the result, is for others.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

from harness.running import processes
from harness.running.limits import FIRST_LOOK_SECONDS
from harness.running.network import OUTER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from harness.running.limits import Watch
    from harness.running.network import Network

DEFAULT_LIMIT = 8 << 20  # bytes a stream

_DRAIN_SECONDS = 0.2  # a stream that is still open by then is held by something else than the command
_REAP_SECONDS = 1.0
_SLICE_SECONDS = 0.05  # a daemon that the command ends is buried by then; and a signal just before a wait is seen
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletedCommand:
    """How a command went; `exit_code` is negative after a signal, and None if the harness had to end it."""

    argv: tuple[str, ...]
    exit_code: int | None
    seconds: float
    stdout: str
    stderr: str
    stdout_bytes: int
    stderr_bytes: int
    timed_out: bool = False
    flooded: bool = False
    excess: str = ""  # of what it took more than it may


def execute(  # noqa: PLR0913 - all but the first have names
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    timeout: float,
    limit: int = DEFAULT_LIMIT,
    watch: Watch | None = None,
    network: Network = OUTER,
) -> CompletedCommand:
    """Run a program in a session of its own, with standard input closed, for at most `timeout` seconds.

    It is over when the program has ended, whatever its children do; what runs on is for
    `processes.find`. A stream of more than `limit` bytes is a flood, and ends the program too, as does
    what `watch` finds.

    Raises:
        OSError: the program cannot be started (`FileNotFoundError`, `PermissionError`, …).
    """
    ignore = processes.children()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )

    family = Family(marker=environment.get(processes.MARKER, ""), ignore=ignore, watch=watch)
    run = _Run(lambda: network.within(start), limit, family)
    try:
        run.begin()
        run.attend(timeout)
    finally:  # an interrupt ends the command as well
        timed_out = not (run.wake.is_set() or run.excess)
        run.end()
    return run.result(tuple(argv), timed_out=timed_out)


@dataclass(kw_only=True, slots=True)
class Family:
    """The processes that a command starts, those `ignore` aside, and who watches what they take."""

    marker: str
    ignore: Collection[int]
    watch: Watch | None
    _next_look: float = field(default_factory=lambda: time.monotonic() + FIRST_LOOK_SECONDS)

    def look(self, pid: int) -> str:
        """Bury who has ended; and when it is time, say what the rest have too much of."""
        processes.reap(ignore=self.ignore)
        if self.watch is None or time.monotonic() < self._next_look:
            return ""
        excess = self.watch.look(lambda: processes.members(pid, self.marker, ignore=self.ignore))
        self._next_look = time.monotonic() + self.watch.pause
        return excess

    def end(self, pid: int, *, at_once: bool = False) -> None:
        """End them all."""
        processes.end_command(pid, self.marker, ignore=self.ignore, at_once=at_once)


class _Run:
    """A process and the threads that wait for it and for its output.

    Threads, because waiting with a timeout would poll, and reading without them could block for as
    long as a grandchild has the pipe; starting in one keeps signals, which the main thread gets, from
    cutting the start in two. They are daemons: the harness may end before the grandchild.
    """

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], limit: int, family: Family) -> None:
        self.wake = threading.Event()  # something has happened: the end, or a flood
        self.excess = ""
        self._start = start
        self._limit = limit
        self._family = family
        self._attended = threading.Event()
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._streams: tuple[_Stream, ...] = ()
        self._failure: BaseException | None = None
        self._started_at = time.monotonic()
        self._seconds = 0.0

    def begin(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def attend(self, seconds: float) -> None:
        """Wait up to `seconds` for something to happen."""
        deadline = time.monotonic() + seconds
        while not self.excess and (left := deadline - time.monotonic()) > 0:
            if self.wake.wait(min(left, _SLICE_SECONDS)):
                return
            if self._process is not None:
                self.excess = self._family.look(self._process.pid)

    def _work(self) -> None:
        try:
            with processes.supervised(self._start) as process:
                self._attend(process)
        except BaseException as error:  # noqa: BLE001 - it is the caller's, and raised there
            self._failure = error
        finally:
            for event in (self._attended, self._ended, self.wake):
                event.set()

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        pipes = cast("tuple[IO[bytes], ...]", (process.stdout, process.stderr))
        self._streams = tuple(_Stream(pipe, self._limit, self.wake.set) for pipe in pipes)
        self._process = process
        self._attended.set()
        process.wait()
        self._seconds = time.monotonic() - self._started_at

    def end(self) -> None:
        """End the process, if it has not ended, and all that it started."""
        self._attended.wait()
        if self._process is not None and (self.excess or not self._ended.is_set()):
            self._family.end(self._process.pid, at_once=bool(self.excess))
            self._ended.wait(_REAP_SECONDS)

    def result(self, argv: tuple[str, ...], *, timed_out: bool) -> CompletedCommand:
        if self._process is None:
            raise cast("BaseException", self._failure)
        deadline = time.monotonic() + _DRAIN_SECONDS
        (stdout, stdout_bytes), (stderr, stderr_bytes) = (each.collect(deadline) for each in self._streams)
        flooded = any(each.flooded for each in self._streams)
        return CompletedCommand(
            argv=argv,
            exit_code=None if timed_out or flooded or self.excess else self._process.returncode,
            seconds=self._seconds or time.monotonic() - self._started_at,
            stdout=stdout,
            stderr=stderr,
            stdout_bytes=stdout_bytes,
            stderr_bytes=stderr_bytes,
            timed_out=timed_out,
            flooded=flooded,
            excess=self.excess,
        )


class _Stream:
    """What came through one pipe: its first `limit` bytes and the number of all."""

    def __init__(self, pipe: IO[bytes], limit: int, on_flood: Callable[[], None]) -> None:
        self._pipe = pipe
        self._limit = limit
        self._on_flood = on_flood
        self._kept = bytearray()  # not the pieces: they can be single bytes, each an object
        self._total = 0
        self.flooded = False
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        with self._pipe:
            while chunk := self._pipe.read(_CHUNK_BYTES):
                if self._total < self._limit:
                    self._kept += chunk[: self._limit - self._total]
                self._total += len(chunk)
                if self._total > self._limit and not self.flooded:
                    self.flooded = True
                    self._on_flood()

    def collect(self, deadline: float) -> tuple[str, int]:
        """Give the text so far and the number of bytes; the thread may be left to a grandchild."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        kept, total = bytes(self._kept), self._total
        self._kept = bytearray()  # megabytes, perhaps, that nobody asks for again
        return kept.decode("utf-8", "backslashreplace").replace(os.linesep, "\n"), total
