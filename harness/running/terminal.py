"""Runs a program on a pseudo-terminal and holds a dialogue with it.

Owns the conversation and its deadline. The result is the same value as that of a command on pipes;
a terminal has one stream only, which counts as standard output.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import threading
import time
import warnings
from typing import TYPE_CHECKING, cast

from harness.running import processes
from harness.running.command import DEFAULT_LIMIT, CompletedCommand, Family
from harness.running.network import OUTER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pexpect
    from typing_extensions import Self

    from harness.running.limits import Watch
    from harness.running.network import Network

_POLL_SECONDS = 0.05  # only for a terminal that a grandchild holds open: otherwise its end wakes us
_SLICE_SECONDS = 0.05
_REST_SECONDS, _LOOK_SECONDS = 2.0, 0.005  # until a program waits for whoever sits at its terminal
_READ_BYTES = 1 << 16


class Terminal:
    """A program at work on a terminal; leaving the `with` block ends it and all that it started.

    Raises:
        OSError: the program cannot be started (`FileNotFoundError` if it is missing or not executable).
    """

    def __init__(  # noqa: PLR0913 - all but the first have names
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        timeout: float,
        size: tuple[int, int] = (24, 80),
        limit: int = DEFAULT_LIMIT,
        watch: Watch | None = None,
        network: Network = OUTER,
    ) -> None:
        self._argv = tuple(argv)
        marker = environment.get(processes.MARKER, "")
        self._family = Family(marker=marker, ignore=processes.children(), watch=watch)
        self._excess = ""
        self._screen = _Transcript(limit)
        self._timed_out = False
        self._result: CompletedCommand | None = None
        self._cleanup = contextlib.ExitStack()
        self._started_at = time.monotonic()
        self._spawn = self._cleanup.enter_context(
            processes.supervised(lambda: network.within(lambda: _spawn(self._argv, cwd, environment, size)))
        )
        self._spawn.logfile_read = self._screen
        self._pid = cast("int", self._spawn.pid)
        self._cleanup.callback(self._spawn.close)
        # The library blocks in places that a deadline of its own does not reach.
        self._over = threading.Event()
        self._watchdog = threading.Thread(target=self._guard, args=(timeout,), daemon=True)
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._result is None:
            self._end()
            self.finish()

    def expect(self, pattern: str) -> str:
        """Wait for what matches the regular expression; give what was printed since the last match, up to it.

        Raises:
            AssertionError: the program ended, or was ended at its deadline, and did not print it.
        """
        if not self._read_until(re.compile(pattern, re.DOTALL)):
            raise AssertionError(f"expected on the terminal: '{pattern}', actual:\n{self._screen.text()}")
        return _lines(f"{self._spawn.before}{self._spawn.after}")

    def send_line(self, text: str) -> None:
        """Type a line, and the return key."""
        self._spawn.sendline(text)

    def interrupt(self) -> None:
        """Press Ctrl-C, as people do, when the program waits for them.

        Between its question and its reading of the answer many a program would hear of an interrupt only
        after that answer, and no person is quick enough to meet that moment.
        """
        deadline = time.monotonic() + _REST_SECONDS
        while processes.is_busy(self._pid) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        self._spawn.sendintr()

    def finish(self) -> CompletedCommand:
        """Wait for the program's end, type nothing more, and give everything that was on the screen."""
        if self._result is None:
            self._read_until(None)
            self._spawn.wait()  # it can give up its terminal and work on
            self._over.set()
            self._watchdog.join()
            self._cleanup.close()
            self._result = self._judge()
        return self._result

    def _read_until(self, pattern: re.Pattern[str] | None) -> bool:
        """Read up to the pattern; false when the program's end comes first."""
        import pexpect  # noqa: PLC0415 - not available on Windows

        wanted: list[re.Pattern[str] | type[pexpect.EOF | pexpect.TIMEOUT]] = [pexpect.TIMEOUT, pexpect.EOF]
        wanted += [pattern] if pattern else []
        try:
            while not (index := self._spawn.expect_list(wanted, timeout=_POLL_SECONDS)):
                pass
        except _FloodError:
            self._end()
            return False
        return wanted[index] is pattern

    def _guard(self, seconds: float) -> None:
        """End the program at its deadline, or when it takes too much."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._excess:
            if self._over.wait(min(left, _SLICE_SECONDS)):
                return
            self._excess = self._family.look(self._pid)
        self._timed_out = not self._excess and bool(processes.tree(self._pid))
        self._end()

    def _end(self) -> None:
        self._family.end(self._pid, at_once=bool(self._excess))

    def _judge(self) -> CompletedCommand:
        status, killed_by = self._spawn.exitstatus, self._spawn.signalstatus
        ended_by_harness = self._timed_out or self._screen.flooded or self._excess
        return CompletedCommand(
            argv=self._argv,
            exit_code=None if ended_by_harness else -killed_by if killed_by else status,
            seconds=time.monotonic() - self._started_at,
            stdout=self._screen.text(),
            stderr="",
            stdout_bytes=self._screen.total,
            stderr_bytes=0,
            timed_out=self._timed_out,
            flooded=self._screen.flooded,
            excess=self._excess,
        )


class _FloodError(Exception):
    """More came than anybody will read."""


class _Transcript:
    """Everything that was on the screen, as the library's log file."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[str] = []
        self.total = 0
        self.flooded = False

    def write(self, text: str) -> None:
        self._parts.append(text[: self._limit - self.total])
        self.total += len(text.encode("utf-8", "surrogateescape"))
        if self.total > self._limit:
            self.flooded = True
            raise _FloodError

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def text(self) -> str:
        return _lines("".join(self._parts))


def _lines(text: str) -> str:
    return re.sub(r"\r+\n", "\n", text)


def _spawn(
    argv: tuple[str, ...], cwd: Path, environment: Mapping[str, str], size: tuple[int, int]
) -> pexpect.spawn[str]:
    import pexpect  # noqa: PLC0415 - not available on Windows

    _refuse_what_fails_after_the_fork(argv, cwd, environment)
    try:
        with warnings.catch_warnings():
            # A fork among threads is deprecated; this one goes on to the new program at once.
            warnings.simplefilter("ignore", DeprecationWarning)
            spawned = pexpect.spawn(
                argv[0],
                list(argv[1:]),
                cwd=os.fspath(cwd),
                env=dict(environment),
                dimensions=size,
                encoding="utf-8",
                codec_errors="backslashreplace",
                maxread=_READ_BYTES,
                preexec_fn=_heed_interrupts,
            )
    except pexpect.ExceptionPexpect as error:
        raise FileNotFoundError(errno.ENOENT, "cannot be started on a terminal", argv[0]) from error
    spawned.delaybeforesend = None
    spawned.ptyproc.delayafterclose = 0  # type: ignore[attr-defined]  # the stubs lack it
    return spawned


def _heed_interrupts() -> None:
    # Whoever started this process in the background may have had it, and its children, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _refuse_what_fails_after_the_fork(argv: tuple[str, ...], cwd: Path, environment: Mapping[str, str]) -> None:
    """Refuse what would raise in the child, where it would be a second copy of this process that sees it."""
    if any("\0" in word for word in (*argv, *environment, *environment.values())):
        raise ValueError("embedded null byte")
    if not (cwd.is_dir() and os.access(cwd, os.X_OK)):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(cwd))
