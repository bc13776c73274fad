"""Runs one step of a build or an install, with a deadline, and keeps what it said.

Owns the step's process tree and its log, in which no secret stays; what a failed step means is for
`blaming`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.errors import HarnessError, TestbedError, UsageError
from harness.masking import Mask
from harness.release.fetching import are_fetching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POLL_SECONDS = 0.02
TAIL_LINES = 40

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# A `CalledProcessError` only repeats that a command failed, after that command has said why.
_EXCEPTION = re.compile(r"^\s*(?!\S*CalledProcessError)(?:[A-Za-z_][\w.]*(?:Error|Exception)): \S.*$")
_CAUSE = re.compile(r"^\s*(?:cause: |[├╰]─▶ )(?P<text>.*)$")
_ERROR = re.compile(r"^\s*(?:error:|\u00d7)\s*(?P<text>\S.*)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """How a step ended: `exit_code` is None when it was ended at its deadline.

    `was_fetching` says whether an installer itself was at work then, and nothing that the release brought.
    """

    argv: tuple[str, ...]
    exit_code: int | None
    seconds: float
    output: str
    was_fetching: bool = False

    @property
    def tail(self) -> str:
        """The last lines of the output, as evidence."""
        return "\n".join(self.output.rstrip().splitlines()[-TAIL_LINES:])

    @property
    def key_line(self) -> str:
        """The line of the output that says best why the step failed."""
        lines = self.output.splitlines()
        reasons = [reason for number, _ in enumerate(lines) if (reason := _reason(lines, number))]
        errors = [match["text"] for line in lines if (match := _ERROR.match(line))]
        said = [line for line in lines if line.strip()]
        candidates = reasons[-1:] or errors[-1:] or said[-1:] or [f"it said nothing (exit code {self.exit_code})"]
        return " ".join(candidates[0].split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What several steps run in: their whole environment, the deadline of each in seconds, one log for all."""

    environment: Mapping[str, str]
    timeout: float
    log: Path

    def with_variables(self, variables: Mapping[str, str]) -> Surroundings:
        """The same with more variables."""
        return replace(self, environment={**self.environment, **variables})

    def run(self, argv: Sequence[str]) -> StepResult:
        """Run a step in an empty directory: installers read settings from a project that they stand in."""
        with tempfile.TemporaryDirectory() as elsewhere:
            return self.run_in(Path(elsewhere), argv)

    def run_in(self, directory: Path, argv: Sequence[str]) -> StepResult:
        """Run a step in a directory; as of `run_step`."""
        return run_step(argv, environment=self.environment, cwd=directory, timeout=self.timeout, log=self.log)


def _reason(lines: Sequence[str], number: int) -> str:
    """The exception, or the whole paragraph of a cause, that starts on this line."""
    if _EXCEPTION.match(lines[number]):
        return lines[number]
    cause = _CAUSE.match(lines[number])
    if cause is None:
        return ""
    paragraph = [cause["text"]]
    for line in lines[number + 1 :]:
        if not line.startswith("  ") or _CAUSE.match(line) or not line.strip():
            break
        paragraph.append(line)
    return " ".join(paragraph)


def run_step(
    argv: Sequence[str], *, environment: Mapping[str, str], cwd: Path, timeout: float, log: Path
) -> StepResult:
    """Run a command to its end, or to its deadline in seconds; its output is appended to `log`.

    Output goes straight to the file: nothing that the command leaves behind can hold a pipe open.
    """
    started = time.monotonic()
    with log.open("ab") as stream:
        offset = stream.tell()
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        finished = was_fetching = False
        try:
            finished = _wait(process, timeout)
            was_fetching = not finished and are_fetching(_members(process.pid))
        finally:
            if not finished:
                _end(process)
            # What is a secret by its name may have come to the step by another.
            _mask(log, offset, Mask.of({**os.environ, **environment}))
    return StepResult(
        argv=tuple(argv),
        exit_code=process.wait() if finished else None,
        seconds=time.monotonic() - started,
        output=_read(log, offset),
        was_fetching=was_fetching,
    )


def writing_failed(error: OSError, place: Path) -> HarnessError:
    """Whose fault it is that nothing can be written to a place that the user chose."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return TestbedError(f"the disk of '{place}' is full")
    return UsageError(f"cannot write to '{place}': {error.strerror or error}")


def _wait(process: subprocess.Popen[bytes], timeout: float) -> bool:
    # `Popen.wait(timeout)` polls at up to 50 ms, which would be a good part of a warm install.
    waiter = threading.Thread(target=process.wait, daemon=True)
    waiter.start()
    waiter.join(timeout)
    return not waiter.is_alive()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole tree: politely, so that installers tidy up, then for good."""
    for action, seconds in ((psutil.Process.terminate, 2.0), (psutil.Process.kill, 1.0)):
        members = _members(process.pid)
        for member in members:
            with contextlib.suppress(psutil.NoSuchProcess):
                action(member)
        _await_end(members, seconds)
    process.wait()


def _await_end(members: Sequence[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(_runs(member) for member in members) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _runs(member: psutil.Process) -> bool:
    # An orphan that its new parent does not reap stays a zombie for ever.
    try:
        return member.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _members(pid: int) -> list[psutil.Process]:
    """The process, its descendants, and those of its session whose parent is gone."""
    return [member for member in psutil.process_iter() if member.pid == pid or _belongs(member, pid)]


def _belongs(member: psutil.Process, pid: int) -> bool:
    try:
        if sys.platform != "win32" and os.getsid(member.pid) == pid:
            return True
        return any(parent.pid == pid for parent in member.parents())
    except (psutil.Error, OSError):
        return False


def _mask(log: Path, offset: int, mask: Mask) -> None:
    """Take secrets out of what a step has written."""
    with log.open("r+b") as stream:
        stream.seek(offset)
        said = stream.read().decode("utf-8", "surrogateescape")
        if mask.hides(said):
            stream.seek(offset)
            stream.truncate()
            stream.write(mask(said).encode("utf-8", "surrogateescape"))


def _read(log: Path, offset: int) -> str:
    with log.open("rb") as stream:
        stream.seek(offset)
        return _COLOUR.sub("", stream.read().decode("utf-8", errors="backslashreplace"))
