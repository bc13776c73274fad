"""Self-tests of the soak: that it can tell a wrong verdict and what was left, and that it really runs."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.soak.__main__ import Tally, main
from harness.soak.faults import Fault, draw
from harness.soak.runs import Machine, Outcome

if TYPE_CHECKING:
    from pathlib import Path

NONE = Fault(name="none", spoils=False)
KILLED = Fault(name="SIGKILL", kills=True)
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], stdin=-3)"
CHILD = "import sys, time; print('begun', flush=True); time.sleep(60); exec(eval(sys.stdin.readline()))"


def outcome(release: str, fault: Fault, exit_code: int, verdict: str) -> Outcome:
    return Outcome(release=release, fault=fault, exit_code=exit_code, verdict=verdict, seconds=1.0)


@pytest.mark.parametrize(
    ("release", "fault", "exit_code", "verdict", "problem"),
    [
        ("good", NONE, 0, "incomplete", ""),
        ("good", NONE, 1, "failed", "FALSE RED"),
        ("good", NONE, 7, "testbed-fault", "FALSE RED"),
        ("good", KILLED, 7, "testbed-fault", ""),
        ("good", KILLED, 6, "unusable", "FALSE RED"),
        ("good", KILLED, -9, "", ""),
        ("good", KILLED, -9, "passed", "FALSE GREEN"),
        ("good", KILLED, -9, "torn", "FALSE GREEN"),
        ("dry-run-deletes", NONE, 1, "failed", ""),
        ("dry-run-deletes", NONE, 0, "incomplete", "FALSE GREEN"),
        ("dry-run-deletes", NONE, 7, "testbed-fault", "FALSE GREEN"),
        ("dry-run-deletes", KILLED, -9, "", ""),
        ("dry-run-deletes", KILLED, 0, "incomplete", "FALSE GREEN"),
    ],
)
def test_a_wrong_verdict_is_told(release: str, fault: Fault, exit_code: int, verdict: str, problem: str) -> None:
    tally = Tally()

    assert tally.add(outcome(release, fault, exit_code, verdict)) == problem
    assert tally.is_clean == (problem == "")
    assert (tally.runs, tally.faults) == (1, int(fault is KILLED))


def test_what_is_left_is_told_and_what_is_kept_is_none(tmp_path: Path) -> None:
    machine = Machine(tmp_path, lambda _release: tmp_path)
    assert machine.left() == []
    (machine.temporary / "smoke-kept" / "sandboxes").mkdir(parents=True)
    (machine.temporary / "smoke-dead" / "sandboxes").mkdir(parents=True)
    (machine.temporary / "smoke-dead" / "run.lock").touch()
    process = subprocess.Popen(["/bin/sleep", "60"], env={"TMPDIR": str(machine.temporary)})
    try:
        left = machine.left()
        running = machine.left(processes_only=True)
    finally:
        process.kill()
        process.wait(30)

    assert left == [f"{process.pid}: /bin/sleep 60", str(machine.temporary / "smoke-dead")]
    assert running == left[:1]
    assert not (machine.temporary / "smoke-kept").exists()


def test_every_fault_is_drawn_sooner_or_later() -> None:
    chance = random.Random(1)  # noqa: S311 - nobody guards it
    names = {draw(chance).name for _ in range(500)}

    assert {"none", "two at once", "offline", "SIGKILL", "SIGTERM", "SIGINT", "dead worker"} <= names
    assert {f"disk of {size} KiB" for size in (8, 400, 4000, 30_000)} <= names


def fault_called(name: str) -> Fault:
    chance = random.Random(1)  # noqa: S311 - nobody guards it
    return next(fault for _ in range(500) if (fault := draw(chance)).name == name)


def test_a_dead_worker_is_a_worker_and_nobody_else() -> None:
    words = [sys.executable, "-c", PARENT.format(child=CHILD)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        disturb = fault_called("dead worker").disturb
        assert disturb is not None
        disturb(process)

        assert process.wait(30) == 0
    disturb(process)  # one that has ended has none


def test_a_signal_is_sent() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        disturb = fault_called("SIGTERM").disturb
        assert disturb is not None
        disturb(process)

        assert process.wait(30) == -signal.SIGTERM


@pytest.mark.timeout(600)
def test_a_short_soak_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--runs", "2", "--seed", "6"])
    said = capsys.readouterr().out

    assert said.splitlines()[0] == "seed 6"
    assert said.splitlines()[-1].startswith("runs: 2, faults: "), said
    assert said.splitlines()[-1].endswith(", false reds: 0, false greens: 0, leftovers: 0"), said
    assert code == 0
