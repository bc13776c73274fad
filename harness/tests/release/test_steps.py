"""Steps: what they said, when they had to be ended, and the line that says why they failed."""

from __future__ import annotations

import errno
import os
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.errors import HarnessError, TestbedError, UsageError
from harness.release.steps import StepResult, run_step, writing_failed

if TYPE_CHECKING:
    from pathlib import Path

# Starts a child, and a grandchild whose parent is gone; all three ignore SIGTERM. Says who they are.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # inherited by what is started from here
wait = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(wait)
between = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL).pid)"
orphan = subprocess.run([sys.executable, "-c", between, *wait], stdout=subprocess.PIPE, text=True)
print(os.getpid(), child.pid, int(orphan.stdout), flush=True)
time.sleep(600)
"""


def step(tmp_path: Path, code: str, timeout: float = 60) -> StepResult:
    """Run Python code as a step."""
    command = (sys.executable, "-c", code)
    return run_step(command, environment=dict(os.environ), cwd=tmp_path, timeout=timeout, log=tmp_path / "log")


def failed(output: str) -> StepResult:
    """A step that failed with this output."""
    return StepResult(argv=("tool",), exit_code=3, seconds=0.1, output=output)


def alive(pid: int) -> bool:
    """Whether a process runs: one that only waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_step_reports_its_code_and_both_streams(tmp_path: Path) -> None:
    result = step(tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")

    assert (result.exit_code, sorted(result.output.split())) == (3, ["err", "out"])
    assert result.seconds > 0


def test_a_step_gets_nothing_but_its_environment_and_directory(tmp_path: Path) -> None:
    code = "import os; print(os.environ.get('ONLY'), os.environ.get('HOME'), os.getcwd())"
    result = run_step(
        (sys.executable, "-c", code),
        environment={"ONLY": "this"},
        cwd=tmp_path,
        timeout=60,
        log=tmp_path / "log",
    )

    assert result.output.split() == ["this", "None", str(tmp_path.resolve())]


def test_the_log_keeps_every_step_and_a_result_only_its_own(tmp_path: Path) -> None:
    step(tmp_path, "print('first')")
    second = step(tmp_path, "print('second')")

    assert second.output == "second\n"
    assert (tmp_path / "log").read_text() == "first\nsecond\n"


def test_colours_and_bytes_that_are_no_text_do_not_disturb(tmp_path: Path) -> None:
    result = step(tmp_path, r"import os; os.write(1, b'\x1b[31mred\x1b[0m \xff')")

    assert result.output == r"red \xff"


def test_at_the_deadline_the_whole_tree_is_ended(tmp_path: Path) -> None:
    result = step(tmp_path, STUBBORN, timeout=2)

    pids = [int(pid) for pid in result.output.split()]
    assert result.exit_code is None
    assert len(pids) == 3
    assert not [pid for pid in pids if alive(pid)]


def test_a_step_that_ends_when_asked_is_not_kept_waiting_for(tmp_path: Path) -> None:
    result = step(tmp_path, "import time; time.sleep(600)", timeout=0.3)

    assert result.exit_code is None
    assert result.seconds < 2


def test_a_process_left_behind_does_not_hold_the_step(tmp_path: Path) -> None:
    code = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    started = time.monotonic()
    result = step(tmp_path, f"{code}; print(p.pid)")
    psutil.Process(int(result.output)).kill()

    assert result.exit_code == 0
    assert time.monotonic() - started < 30


def test_a_program_that_cannot_be_started_is_the_callers_to_explain(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run_step((str(tmp_path / "none"),), environment={}, cwd=tmp_path, timeout=1, log=tmp_path / "log")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "error: No solution\n  cause: Because x was not\n         found, no\n\nhint: y\n",
            "Because x was not found, no",
        ),
        (
            "  \u00d7 No solution found:\n  ╰─▶ Because x was not\n      found, no.\n",
            "Because x was not found, no.",
        ),
        ("error: Failed\n  cause: first\n  cause: second\n", "second"),
        (
            "error: Failed\n  cause: Call\n\n    [stderr]\n    RuntimeError: boom\nhint: z\n",
            "RuntimeError: boom",
        ),
        ("  cause: no index\nsubprocess.CalledProcessError: exit 2\nERROR Failed\n", "no index"),
        ("Looking\nERROR: Could not\nERROR: No matching distribution\n\n", "No matching distribution"),
        ("one\ntwo\n\n", "two"),
        ("", "it said nothing (exit code 3)"),
    ],
    ids=["uv", "older uv", "last cause", "exception", "only a wrapper", "pip", "last line", "silence"],
)
def test_the_key_line_says_why(output: str, expected: str) -> None:
    assert failed(output).key_line == expected


def test_the_tail_is_the_end_of_the_output() -> None:
    lines = [f"line {number}" for number in range(100)]

    assert failed("\n".join(lines) + "\n\n").tail.splitlines() == lines[-40:]


@pytest.mark.parametrize(
    ("code", "expected", "said"),
    [
        (errno.ENOSPC, TestbedError, "the disk of '{place}' is full"),
        (errno.EDQUOT, TestbedError, "the disk of '{place}' is full"),
        (errno.EACCES, UsageError, "cannot write to '{place}': Permission denied"),
    ],
    ids=["disk full", "quota used up", "not allowed"],
)
def test_only_a_full_disk_is_the_machines_fault(
    tmp_path: Path, code: int, expected: type[HarnessError], said: str
) -> None:
    error = writing_failed(OSError(code, os.strerror(code)), tmp_path)

    assert type(error) is expected
    assert error.message == said.format(place=tmp_path)
