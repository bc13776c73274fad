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
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from harness.running import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

DEFAULT_LIMIT = 8 << 20  # bytes a stream

_DRAIN_SECONDS = 0.2  # a stream that is still open by then is held by something else than the command
_REAP_SECONDS = 1.0
_SLICE_SECONDS = 0.5  # a signal that comes just before a wait does not interrupt it, but is seen after it
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


def execute(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    timeout: float,
    limit: int = DEFAULT_LIMIT,
) -> CompletedCommand:
    """Run a program in a session of its own, with standard input closed, for at most `timeout` seconds.

    It is over when the program has ended, whatever its children do; what runs on is for
    `processes.find`. A stream of more than `limit` bytes is a flood, and ends the program too.

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

    run = _Run(start, limit)
    try:
        run.begin()
        run.watch(timeout)
    finally:  # an interrupt ends the command as well
        timed_out = not run.wake.is_set()
        run.end(environment.get(processes.MARKER, ""), ignore)
    return run.result(tuple(argv), timed_out=timed_out)


class _Run:
    """A process and the threads that wait for it and for its output.

    Threads, because waiting with a timeout would poll, and reading without them could block for as
    long as a grandchild has the pipe; starting in one keeps signals, which the main thread gets, from
    cutting the start in two. They are daemons: the harness may end before the grandchild.
    """

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], limit: int) -> None:
        self.wake = threading.Event()  # something has happened: the end, or a flood
        self._start = start
        self._limit = limit
        self._attended = threading.Event()
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._streams: tuple[_Stream, ...] = ()
        self._failure: BaseException | None = None
        self._started_at = time.monotonic()
        self._seconds = 0.0

    def begin(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def watch(self, seconds: float) -> None:
        """Wait up to `seconds` for something to happen."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.wake.wait(min(left, _SLICE_SECONDS)):
            pass

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

    def end(self, marker: str, ignore: Collection[int]) -> None:
        """End the process, if it has not ended, and all that it started."""
        self._attended.wait()
        if self._process is not None and not self._ended.is_set():
            processes.end_command(self._process.pid, marker, ignore=ignore)
            self._ended.wait(_REAP_SECONDS)

    def result(self, argv: tuple[str, ...], *, timed_out: bool) -> CompletedCommand:
        if self._process is None:
            raise cast("BaseException", self._failure)
        deadline = time.monotonic() + _DRAIN_SECONDS
        (stdout, stdout_bytes), (stderr, stderr_bytes) = (each.collect(deadline) for each in self._streams)
        flooded = any(each.flooded for each in self._streams)
        return CompletedCommand(
            argv=argv,
            exit_code=None if timed_out or flooded else self._process.returncode,
            seconds=self._seconds or time.monotonic() - self._started_at,
            stdout=stdout,
            stderr=stderr,
            stdout_bytes=stdout_bytes,
            stderr_bytes=stderr_bytes,
            timed_out=timed_out,
            flooded=flooded,
        )


class _Stream:
    """What came through one pipe: its first `limit` bytes and the number of all."""

    def __init__(self, pipe: IO[bytes], limit: int, on_flood: Callable[[], None]) -> None:
        self._pipe = pipe
        self._limit = limit
        self._on_flood = on_flood
        self._chunks: list[bytes] = []
        self._total = 0
        self.flooded = False
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        with self._pipe:
            while chunk := self._pipe.read(_CHUNK_BYTES):
                if self._total < self._limit:
                    self._chunks.append(chunk[: self._limit - self._total])
                self._total += len(chunk)
                if self._total > self._limit and not self.flooded:
                    self.flooded = True
                    self._on_flood()

    def collect(self, deadline: float) -> tuple[str, int]:
        """Give the text so far and the number of bytes; the thread may be left to a grandchild."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        kept, total = b"".join(tuple(self._chunks)), self._total
        return kept.decode("utf-8", "backslashreplace").replace(os.linesep, "\n"), total
