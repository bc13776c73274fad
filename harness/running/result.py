"""What one command did, as a value: exit code, streams, the tree's changes, what it left running.

A result is what a case judges and what evidence is made of; it holds no opinion of its own.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.running.command import CompletedCommand
    from harness.running.filetree import TreeDiff
    from harness.running.network import Kind
    from harness.running.processes import Leftover
    from harness.running.treeview import Row

REPLAY = "run.sh"  # in a kept sandbox: runs its arguments in the sandbox's environment and directory


class InvariantBroken(AssertionError):  # noqa: N818 -- reads as the finding that it is
    """A command did what no command may do; `clause` is the id of the promise that it breaks."""

    def __init__(self, clause: str, what: str) -> None:
        super().__init__(what)
        self.clause = clause


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandResult:
    """One command, run and observed; paths in `changes` and `tree` are relative to the sandbox."""

    completed: CompletedCommand
    sandbox: Path
    environment: Mapping[str, str]
    network: Kind
    changes: TreeDiff
    tree: tuple[Row, ...]
    left_running: tuple[Leftover, ...]
    installation_changes: TreeDiff

    @property
    def exit_code(self) -> int | None:
        """As the shell sees it; negative after a signal, None when it had to be ended."""
        return self.completed.exit_code

    @property
    def stdout(self) -> str:
        """Standard output, or all that a terminal showed."""
        return self.completed.stdout

    @property
    def stderr(self) -> str:
        """Standard error; empty on a terminal."""
        return self.completed.stderr

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return self.completed.seconds

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of standard output."""
        return tuple(self.stdout.splitlines())

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        if self.completed.timed_out:
            return f"hung: ended at its deadline after {self.duration:.1f} s"
        if self.completed.flooded:
            return "flooded its output, and was ended"
        if self.completed.excess:
            return f"{self.completed.excess}, and was ended"
        if self.exit_code is not None and self.exit_code < 0:
            return f"crashed by signal {-self.exit_code}"
        return f"exit code {self.exit_code}"

    @property
    def pasteable(self) -> str:
        """The command as one line for a POSIX shell; it works in a sandbox that was kept."""
        return shlex.join([str(self.sandbox / REPLAY), *self.completed.argv])

    @property
    def headline(self) -> str:
        """The command and its end in a line, for those that are not the point."""
        return f"{shlex.join(self.completed.argv)} -- {self.ending}, {self.duration:.2f} s"

    def __str__(self) -> str:
        """The whole story, as a release engineer reads it in a failure."""
        parts = [
            f"command: {self.pasteable}",
            *(["network: only loopback"] if self.network == "loopback" else []),
            f"{self.ending}, {self.duration:.2f} s",
            _block("stdout", self.stdout),
            _block("stderr", self.stderr),
            _block("changed on disk", self.changes.render()),
            _block("left running", "\n".join(map(str, self.left_running))),
        ]
        return "\n".join(parts)


_SHOWN_LINES = 40


def _block(title: str, text: str) -> str:
    lines = text.rstrip("\n").splitlines()
    if not lines:
        return f"{title}: (nothing)"
    hidden = len(lines) - _SHOWN_LINES
    shown = lines[:_SHOWN_LINES] + ([f"... and {hidden} more lines"] if hidden > 0 else [])
    return "\n".join([f"{title}:", *(f"  {line}" for line in shown)])
