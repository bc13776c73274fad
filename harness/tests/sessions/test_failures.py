"""Self-tests of what a failure says, and of the ways on that it names."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout

MISBEHAVED = '''
@pytest.mark.required
def test_warns_twice(odd):
    """It warns on standard output."""
    odd("write", "first")
    result = odd("warn", "be careful")
    assert result.stdout == "be careful", f"the warning is not on stdout, but '{result.stderr.strip()}' on stderr"
'''
CRASHING = '''
@pytest.mark.required
def test_never_crashes(odd):
    """It never crashes."""
    odd("--version")


@pytest.mark.required
def test_no_traceback(odd):
    """It prints no traceback."""
    odd("--version")


@pytest.mark.required
def test_survives(odd):
    """It survives."""
    odd("crash")
'''
LINGERING = '''
@pytest.fixture
def background(sandbox):
    yield
    sandbox.run("/bin/sh", "-c", "/bin/sleep 600 & exit 0", leaves_processes=True)


@pytest.mark.required
def test_ends(background, odd):
    """It ends."""
    odd("--version")
'''
CONFUSED = '''
@pytest.mark.required
def test_is_clear(odd):
    """It is clear."""
    raise ValueError("nobody understands this")
'''
IN_ORDER = (
    "promise: ",
    "instead: ",
    "case: ",
    "before: ",
    "command: ",
    "exit code 3, ",
    "stdout: ",
    "stderr:",
    "changed on disk: ",
    "left running: ",
    "kept: ",
    "replay: ",
)


def test_a_failure_tells_its_story_in_order(checkout: Checkout) -> None:
    checkout.add_cases(MISBEHAVED)
    lines = checkout.smoke().stdout.splitlines()

    told = [next(start for start in IN_ORDER if line.startswith(start)) for line in lines if line.startswith(IN_ORDER)]
    assert told == list(IN_ORDER)
    assert "promise: It warns on standard output." in lines
    assert "instead: the warning is not on stdout, but 'be careful' on stderr" in lines
    assert lines[lines.index("stderr:") + 1] == "  be careful"


@pytest.mark.usefixtures("on_each_rung")
def test_the_kept_command_runs_again(checkout: Checkout) -> None:
    checkout.add_cases(MISBEHAVED)
    (command,) = checkout.smoke().lines("command: ")
    words = ["/bin/sh", "-c", command.removeprefix("command: ")]
    again = subprocess.run(words, check=False, capture_output=True, text=True)

    assert (again.returncode, again.stdout, again.stderr) == (3, "", "be careful\n")


def test_the_kept_sandbox_is_as_the_case_left_it(checkout: Checkout) -> None:
    checkout.add_cases(MISBEHAVED)
    (kept,) = checkout.smoke().lines("kept: ")

    assert (Path(kept.removeprefix("kept: ")) / "root" / "first").read_text() == "something"
    assert len(checkout.left_behind) == 1


def test_the_replay_runs_the_one_case(checkout: Checkout) -> None:
    checkout.add_cases(MISBEHAVED)
    (replay,) = checkout.smoke("--contract", "odd-1").lines("replay: ")
    words = shlex.split(replay.removeprefix("replay: "))
    assert words[:3] == ["python", "-m", "pytest"]
    again = checkout.run(*words[3:])

    assert (again.verdict, again.exit_code) == ("failed", 1), again.output
    assert again.outcomes == {
        "warns_twice": "failed",
        **dict.fromkeys(("builds", "installs", "starts", "says_its_version"), "not-selected"),
    }


def test_a_breach_fails_the_case_under_the_id_of_the_invariant(checkout: Checkout) -> None:
    checkout.add_cases(CRASHING)
    run = checkout.smoke()

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert run.lines("promise: ") == ["promise: It prints no traceback. [no_traceback]"]
    assert run.lines("instead: ") == ["instead: printed a traceback"]
    assert (run.outcomes["survives"], run.outcomes["no_traceback"]) == ("failed", "failed")
    assert run.outcomes["never_crashes"] == "passed"


@pytest.mark.usefixtures("on_each_rung")
def test_what_a_case_leaves_running_is_ended_and_its_sandbox_kept(checkout: Checkout) -> None:
    checkout.add_cases(LINGERING)
    run = checkout.smoke()

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert "instead: left running: " in run.stdout
    (kept,) = run.lines("kept: ")
    assert Path(kept.removeprefix("kept: "), "run.sh").is_file()
    assert len(checkout.left_behind) == 1


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_mistake_in_a_case_shows_where(checkout: Checkout, workers: tuple[str, ...]) -> None:
    checkout.add_cases(CONFUSED)
    run = checkout.smoke(*workers)

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert re.search(r"smoke/test_more\.py:\d+: ValueError", run.stdout), run.stdout
    assert "ValueError: nobody understands this" in run.stdout


def test_this_interpreter_is_the_default(checkout: Checkout) -> None:
    installation = checkout.smoke().document["installation"]

    assert isinstance(installation, dict)
    assert installation["python"] == ".".join(map(str, sys.version_info[:3]))
