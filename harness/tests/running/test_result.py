"""Self-tests of what a result says about how a command ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.running.command import CompletedCommand
from harness.running.filetree import difference, snapshot
from harness.running.result import CommandResult

if TYPE_CHECKING:
    from harness.running.network import Kind


def a_result(
    directory: Path, *, exit_code: int | None, stdout: str = "", network: Kind = "outer", **how: bool
) -> CommandResult:
    """A command that ended like this."""
    tree = snapshot(directory)
    completed = CompletedCommand(
        argv=("odd", "two words"),
        exit_code=exit_code,
        seconds=1.5,
        stdout=stdout,
        stderr="",
        stdout_bytes=len(stdout),
        stderr_bytes=0,
        timed_out=how.get("timed_out", False),
        flooded=how.get("flooded", False),
    )
    nothing = difference(tree, tree)
    return CommandResult(
        completed=completed,
        sandbox=Path("/kept"),
        environment={},
        network=network,
        changes=nothing,
        tree=(),
        left_running=(),
        installation_changes=nothing,
    )


def test_each_ending_in_words(tmp_path: Path) -> None:
    assert a_result(tmp_path, exit_code=3).ending == "exit code 3"
    assert a_result(tmp_path, exit_code=-11).ending == "crashed by signal 11"
    assert a_result(tmp_path, exit_code=None, flooded=True).ending == "flooded its output, and was ended"
    assert a_result(tmp_path, exit_code=None, timed_out=True).ending == "hung: ended at its deadline after 1.5 s"


def test_the_whole_story(tmp_path: Path) -> None:
    assert str(a_result(tmp_path, exit_code=0, stdout="one\ntwo\n")).splitlines() == [
        "command: /kept/run.sh odd 'two words'",
        "exit code 0, 1.50 s",
        "stdout:",
        "  one",
        "  two",
        "stderr: (nothing)",
        "changed on disk: (nothing)",
        "left running: (nothing)",
    ]


@pytest.mark.parametrize(("lines", "last"), [(40, "  x"), (41, "  ... and 1 more lines")])
def test_a_long_stream_is_cut(tmp_path: Path, lines: int, last: str) -> None:
    told = str(a_result(tmp_path, exit_code=0, stdout="x\n" * lines)).splitlines()

    assert told[told.index("stderr: (nothing)") - 1] == last
