"""Self-tests of dialogues on a pseudo-terminal, with real programs."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from harness.running import processes
from harness.running.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASKS = "printf 'Continue? '; read answer; echo \"got $answer\"; exit 4"
DEAF_AT_FIRST = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("Continue?", flush=True)
until = time.monotonic() + 0.5
while time.monotonic() < until:
    pass
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.stdin.readline()
"""
IGNORES_ALL = "trap '' TERM HUP INT; echo ready; while :; do sleep 1; done"


class Desk:
    """Where terminals stand: one directory and one mark."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.before = processes.children()
        self.environment = {"PATH": os.environ["PATH"], processes.MARKER: uuid.uuid4().hex}

    def shell(self, script: str, *, timeout: float = 60, limit: int = 1 << 20) -> Terminal:
        """Run a shell script on a terminal."""
        return Terminal(
            ["/bin/sh", "-c", script],
            cwd=self.directory,
            environment=self.environment,
            timeout=timeout,
            limit=limit,
        )

    def left_running(self) -> tuple[processes.Leftover, ...]:
        """List what was started here and runs on."""
        return processes.find(self.environment[processes.MARKER], ignore=self.before)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Terminals of which nothing runs on after the test."""
    processes.become_subreaper()
    desk = Desk(tmp_path)
    yield desk
    processes.end(desk.left_running(), grace=0)


def test_a_dialogue_is_held_and_leaves_what_was_on_the_screen(desk: Desk) -> None:
    with desk.shell(ASKS) as terminal:
        asked = terminal.expect(r"Continue\? ")
        terminal.send_line("no")
        completed = terminal.finish()

    assert asked == "Continue? "
    assert (completed.exit_code, completed.timed_out, completed.flooded) == (4, False, False)
    assert (completed.stdout, completed.stderr) == ("Continue? no\ngot no\n", "")
    assert completed.stdout_bytes == len("Continue? no\r\ngot no\r\n")
    assert terminal.finish() is completed


def test_text_is_given_from_one_match_to_the_next(desk: Desk) -> None:
    with desk.shell("echo one; echo two; echo three") as terminal:
        assert terminal.expect("one") == "one"
        assert terminal.expect("thr") == "\ntwo\nthr"


def test_the_program_has_a_terminal_of_that_size(desk: Desk) -> None:
    with desk.shell("test -t 0 && test -t 1 && test -t 2 && stty size && echo >/dev/tty works") as terminal:
        completed = terminal.finish()

    assert (completed.exit_code, completed.stdout) == (0, "24 80\nworks\n")


def test_the_program_gets_this_environment_and_directory(desk: Desk) -> None:
    with desk.shell('echo "${HOME-none}"; pwd -P') as terminal:
        assert terminal.finish().stdout == f"none\n{desk.directory.resolve()}\n"


def test_control_c_is_pressed_when_the_program_waits(desk: Desk) -> None:
    with desk.shell(f"exec {sys.executable} -c '{DEAF_AT_FIRST}'", timeout=20) as terminal:
        terminal.expect("Continue")
        terminal.interrupt()
        result = terminal.finish()

    assert not result.timed_out
    assert result.exit_code == -signal.SIGINT


def test_control_c_interrupts(desk: Desk) -> None:
    with desk.shell("echo ready; exec sleep 300") as terminal:
        terminal.expect("ready")
        terminal.interrupt()
        completed = terminal.finish()

    assert (completed.exit_code, completed.timed_out) == (-signal.SIGINT, False)


def test_what_is_not_printed_fails_with_the_screen(desk: Desk) -> None:
    with desk.shell("echo something else") as terminal, pytest.raises(AssertionError) as failure:
        terminal.expect("Continue")

    assert str(failure.value) == "expected on the terminal: 'Continue', actual:\nsomething else\n"


def test_a_hang_is_ended_at_the_deadline(desk: Desk) -> None:
    with desk.shell(f"({IGNORES_ALL}) & {IGNORES_ALL}", timeout=0.5) as terminal:
        completed = terminal.finish()

    assert (completed.exit_code, completed.timed_out) == (None, True)
    assert completed.stdout.startswith("ready\n")
    assert desk.left_running() == ()


def test_waiting_for_what_never_comes_ends_at_the_deadline(desk: Desk) -> None:
    with desk.shell("exec sleep 300", timeout=0.5) as terminal:
        with pytest.raises(AssertionError, match="Continue"):
            terminal.expect("Continue")
        completed = terminal.finish()

    assert completed.timed_out


def test_a_program_that_leaves_its_terminal_has_its_deadline_still(desk: Desk) -> None:
    with desk.shell("exec sleep 300 <&- >&- 2>&-", timeout=0.5) as terminal:
        completed = terminal.finish()

    assert (completed.exit_code, completed.timed_out) == (None, True)


def test_a_program_is_over_when_it_has_ended_although_a_child_holds_the_terminal(desk: Desk) -> None:
    with desk.shell("trap '' HUP; sleep 300 & echo parent") as terminal:
        completed = terminal.finish()

    assert (completed.exit_code, completed.stdout, completed.timed_out) == (0, "parent\n", False)
    assert len(desk.left_running()) == 1


def test_a_flood_is_ended_and_its_beginning_kept(desk: Desk) -> None:
    with desk.shell("exec yes", limit=9_000) as terminal:
        completed = terminal.finish()

    assert (completed.exit_code, completed.flooded, completed.timed_out) == (None, True, False)
    assert completed.stdout == "y\n" * 3_000


def test_a_flood_is_not_what_was_expected(desk: Desk) -> None:
    with desk.shell("exec yes", limit=9_000) as terminal:
        with pytest.raises(AssertionError, match="Continue"):
            terminal.expect("Continue")
        completed = terminal.finish()

    assert completed.flooded


def test_leaving_early_ends_the_program(desk: Desk) -> None:
    with desk.shell(ASKS) as terminal:
        terminal.expect("Continue")

    assert desk.left_running() == ()
    assert terminal.finish().exit_code == -signal.SIGTERM


@pytest.mark.parametrize("program", ["missing-program", "/missing/program"])
def test_a_missing_program_is_the_callers_error(desk: Desk, program: str) -> None:
    with pytest.raises(FileNotFoundError, match=program):
        Terminal([program], cwd=desk.directory, environment=desk.environment, timeout=60)


def test_a_missing_directory_is_the_callers_error(desk: Desk) -> None:
    missing = desk.directory / "missing"

    with pytest.raises(NotADirectoryError, match="missing"):
        Terminal(["true"], cwd=missing, environment=desk.environment, timeout=60)


def test_a_null_byte_is_the_callers_error(desk: Desk) -> None:
    with pytest.raises(ValueError, match="null"):
        Terminal(["echo", "\0"], cwd=desk.directory, environment=desk.environment, timeout=60)
