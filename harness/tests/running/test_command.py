"""Self-tests of running commands on pipes, with real programs that misbehave."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from harness.running import processes
from harness.running.command import CompletedCommand, execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

IGNORES_TERM = "trap '' TERM; echo ready; while :; do sleep 1; done"
DAEMON = """
import os, sys, time
if os.fork(): print("parent", flush=True); time.sleep(60)
os.setsid()
if os.fork(): os._exit(0)
os.execve("/bin/sh", ["sh", "-c", "trap '' TERM; while :; do /bin/sleep 1; done"], {})
"""


class Runner:
    """Runs commands in one directory under one mark."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.before = processes.children()
        self.environment = {"PATH": os.environ["PATH"], processes.MARKER: uuid.uuid4().hex}

    def run(self, *argv: str, timeout: float = 60, limit: int = 1 << 20) -> CompletedCommand:
        """Run a program."""
        return execute(argv, cwd=self.directory, environment=self.environment, timeout=timeout, limit=limit)

    def shell(self, script: str, *, timeout: float = 60, limit: int = 1 << 20) -> CompletedCommand:
        """Run a shell script."""
        return self.run("/bin/sh", "-c", script, timeout=timeout, limit=limit)

    def left_running(self) -> tuple[processes.Leftover, ...]:
        """List what was started here and runs on."""
        return processes.find(self.environment[processes.MARKER], ignore=self.before)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    """Commands of which nothing runs on after the test."""
    processes.become_subreaper()
    runner = Runner(tmp_path)
    yield runner
    processes.end(runner.left_running(), grace=0)


def test_a_command_leaves_its_exit_code_and_both_streams(runner: Runner) -> None:
    completed = runner.shell("echo out; echo err >&2; exit 3")

    assert completed.argv == ("/bin/sh", "-c", "echo out; echo err >&2; exit 3")
    assert (completed.exit_code, completed.stdout, completed.stderr) == (3, "out\n", "err\n")
    assert (completed.stdout_bytes, completed.stderr_bytes) == (4, 4)
    assert not completed.timed_out
    assert not completed.flooded
    assert 0 < completed.seconds < 60


def test_a_command_gets_this_environment_and_directory_and_nothing_on_standard_input(runner: Runner) -> None:
    runner.environment["ONLY"] = "this"

    completed = runner.run(
        sys.executable,
        "-c",
        "import os, sys; print(os.getcwd(), os.environ.get('HOME'), os.environ['ONLY'], sys.stdin.read())",
    )

    assert completed.stdout.split() == [str(runner.directory.resolve()), "None", "this"]


def test_a_command_leads_a_session_of_its_own(runner: Runner) -> None:
    completed = runner.run(sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())")

    assert completed.stdout == "True\n"


def test_a_program_is_looked_up_on_the_path_that_it_gets(runner: Runner) -> None:
    program = runner.directory / "only-here"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    runner.environment["PATH"] = str(runner.directory)

    assert runner.run("only-here").stdout == "found\n"


def test_a_crash_by_signal_is_a_result(runner: Runner) -> None:
    assert runner.shell("kill -SEGV $$").exit_code == -signal.SIGSEGV


def test_a_missing_program_is_the_callers_error(runner: Runner) -> None:
    with pytest.raises(FileNotFoundError, match="missing-program"):
        runner.run("missing-program")


def test_a_file_that_is_no_program_is_the_callers_error(runner: Runner) -> None:
    (runner.directory / "data").touch(mode=0o644)

    with pytest.raises(PermissionError, match="data"):
        runner.run(str(runner.directory / "data"))


def test_bytes_that_are_not_utf_8_can_be_read(runner: Runner) -> None:
    completed = runner.shell(r"printf 'caf\351 \303\251'")

    assert completed.stdout == "caf\\xe9 é"
    assert completed.stdout_bytes == 7


def test_a_command_is_over_when_it_has_ended_although_a_child_holds_its_pipes(runner: Runner) -> None:
    completed = runner.shell("sleep 300 & echo parent")

    assert (completed.exit_code, completed.stdout, completed.timed_out) == (0, "parent\n", False)
    assert len(runner.left_running()) == 1


def test_a_hang_is_ended_at_the_deadline_and_keeps_what_was_printed(runner: Runner) -> None:
    completed = runner.shell("echo before; exec sleep 300", timeout=0.5)

    assert (completed.exit_code, completed.timed_out, completed.stdout) == (None, True, "before\n")
    assert 0.5 <= completed.seconds < 60


def test_at_the_deadline_the_whole_tree_is_ended_even_if_it_ignores_requests(runner: Runner) -> None:
    completed = runner.shell(f"({IGNORES_TERM}) & {IGNORES_TERM}", timeout=0.5)

    assert completed.timed_out
    assert runner.left_running() == ()


def test_at_the_deadline_a_daemon_without_environment_is_ended(runner: Runner) -> None:
    completed = runner.run(sys.executable, "-I", "-S", "-c", DAEMON, timeout=1)

    assert (completed.timed_out, completed.stdout) == (True, "parent\n")
    assert runner.left_running() == ()


def test_processes_from_before_are_not_ended_at_the_deadline(runner: Runner) -> None:
    runner.shell("sleep 300 >/dev/null 2>&1 &")
    earlier = [leftover.pid for leftover in runner.left_running()]

    completed = runner.shell("sleep 300", timeout=0.2)

    assert completed.timed_out
    assert len(earlier) == 1
    assert [leftover.pid for leftover in runner.left_running()] == earlier


@pytest.mark.parametrize("stream", [1, 2])
def test_a_flood_is_ended_and_its_beginning_kept(runner: Runner, stream: int) -> None:
    completed = runner.shell(f"exec yes >&{stream}", limit=100_000)

    kept = completed.stdout + completed.stderr
    assert completed.flooded
    assert (completed.exit_code, completed.timed_out) == (None, False)
    assert kept == "y\n" * 50_000
    assert completed.stdout_bytes + completed.stderr_bytes > 100_000


def test_output_up_to_the_limit_is_no_flood(runner: Runner) -> None:
    completed = runner.shell("printf 12345678", limit=8)

    assert (completed.stdout, completed.flooded, completed.exit_code) == ("12345678", False, 0)


def test_much_output_on_both_streams_does_not_block(runner: Runner) -> None:
    script = "import sys; sys.stdout.write('o' * 500_000); sys.stderr.write('e' * 500_000)"

    completed = runner.run(sys.executable, "-c", script)

    assert (completed.stdout, completed.stderr) == ("o" * 500_000, "e" * 500_000)


# What `stop` does: it ends a daemon that it did not start, and waits for it to be gone.
STOPS_A_DAEMON = """
import os, signal, sys, time
pid = int(open("daemon").read())
os.kill(pid, signal.SIGKILL)
deadline = time.monotonic() + 30
while time.monotonic() < deadline:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        sys.exit(0)
    time.sleep(0.01)
sys.exit(1)
"""


def test_an_orphan_that_ends_is_gone_for_the_command_that_waits_for_it(runner: Runner) -> None:
    runner.shell("sleep 300 >/dev/null 2>&1 & echo $! >daemon")
    assert len(runner.left_running()) == 1

    assert runner.run(sys.executable, "-I", "-S", "-c", STOPS_A_DAEMON).exit_code == 0


def test_an_orphan_of_the_command_itself_that_ends_is_gone(runner: Runner) -> None:
    starts = "/bin/sh -c 'sleep 300 >/dev/null 2>&1 & echo $! >daemon'"
    script = f"import os\nos.system({starts!r})\n{STOPS_A_DAEMON}"

    assert runner.run(sys.executable, "-I", "-S", "-c", script).exit_code == 0


class SignalledError(Exception):
    """What the test's signal handler raises, as Ctrl-C raises KeyboardInterrupt."""


def test_an_interrupt_ends_the_command(runner: Runner) -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise SignalledError

    previous = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(SignalledError):
            runner.shell("kill -USR1 $PPID; exec sleep 300")
    finally:
        signal.signal(signal.SIGUSR1, previous)

    assert runner.left_running() == ()


def test_commands_side_by_side_keep_their_exit_codes(runner: Runner) -> None:
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(runner.shell, f"exit {code}") for code in range(1, 41)]
        while not all(future.done() for future in futures):
            runner.left_running()

    assert [future.result().exit_code for future in futures] == list(range(1, 41))
