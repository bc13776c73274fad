"""Self-tests of the soak: that it can tell a wrong verdict and what was left, and that it really runs."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from harness.soak import leftovers
from harness.soak.__main__ import Tally, main
from harness.soak.faults import NONE, Fault, draw, every
from harness.soak.runs import Machine, Outcome, Plan, Run

KILLED = Fault(name="SIGKILL", kills=True)
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], stdin=-3)"
CHILD = "import sys, time; print('begun', flush=True); time.sleep(60); exec(eval(sys.stdin.readline()))"


def outcome(release: str, fault: Fault, exit_code: int, verdict: str) -> Outcome:
    plan = Plan(release=release, fault=fault, rung="processes", seed=1)
    return Outcome(plan=plan, exit_code=exit_code, verdict=verdict, seconds=1.0)


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


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which nothing was released."""
    return Machine(tmp_path, lambda _release: tmp_path, lambda _release: tmp_path)


def keep(directory: Path, scratch: Path, *, names_it: bool) -> None:
    """Lay down a directory of a run, with evidence that may ask people to look into it."""
    (scratch / "sandboxes" / "main" / "0-case").mkdir(parents=True)
    evidence = directory / f"evidence-{scratch.name}"
    evidence.mkdir()
    (evidence / "scratch.txt").write_text(f"{scratch}\n", encoding="utf-8")
    failure = {"kept": f"{scratch}/sandboxes/main/0-case"} if names_it else None
    document = {"clauses": [{"cases": [{"failure": failure}, {"failure": {"kept": None}}]}]}
    (evidence / "verdict.json").write_text(json.dumps(document), encoding="utf-8")


def test_what_lies_about_is_told_once_but_for_what_a_verdict_names(machine: Machine, tmp_path: Path) -> None:
    keep(tmp_path, machine.temporary / "smoke-kept", names_it=True)
    keep(tmp_path, machine.temporary / "smoke-dead", names_it=False)
    (machine.temporary / "canary").touch()
    machine.dist.mkdir()
    dead, canary = (str(machine.temporary / name) for name in ("smoke-dead", "canary"))

    assert sorted(machine.lying()) == sorted([dead, canary, str(machine.dist)])
    assert machine.lying() == []
    assert not (machine.temporary / "smoke-kept").exists()


def test_what_was_built_is_none_of_it_but_half_a_file_is(machine: Machine) -> None:
    machine.dist.mkdir()
    (machine.dist / "odd.whl").touch()
    (machine.dist / ".odd.whl.x").touch()

    assert machine.lying() == [str(machine.dist / ".odd.whl.x")]


def test_what_runs_is_told(machine: Machine) -> None:
    assert machine.running() == []
    with subprocess.Popen(["/bin/sleep", "60"], env={"TMPDIR": str(machine.temporary)}) as process:
        running = leftovers.settle(machine.temporary)
        process.kill()

    assert running == [f"{process.pid}: /bin/sleep 60"]


def test_nothing_runs_on_after_a_soak(machine: Machine) -> None:
    with subprocess.Popen(["/bin/sleep", "60"], env={"TMPDIR": str(machine.temporary)}) as process:
        with machine:
            assert process.poll() is None

        assert machine.running() == []


def test_every_fault_is_drawn_sooner_or_later() -> None:
    chance = random.Random(1)  # noqa: S311 - nobody guards it
    names = {draw(chance).name for _ in range(1000)}

    assert {fault.name for fault in every(chance)} <= names
    assert {f"disk of {size} KiB" for size in (8, 400, 4000, 30_000)} <= names
    assert {f"disk of {size} files" for size in (5, 20, 100, 1000)} <= names


def test_words_choose_among_the_faults(capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(1)  # noqa: S311 - nobody guards it

    names = {draw(chance, ("KILL", "twice")).name for _ in range(100)}
    assert names == {"SIGKILL", "SIGKILL to nox", "Ctrl-C twice", "Ctrl-C twice on nox"}
    with pytest.raises(SystemExit, match="2"):
        main(["--faults", "flood", "fire"])
    assert "no fault has 'flood' or 'fire' in its name" in capsys.readouterr().err


def disturb(name: str, process: subprocess.Popen[bytes], keyboard: int = -1) -> None:
    """Do what a fault does to a run."""
    fault = next(fault for fault in every(random.Random(1)) if fault.name == name)  # noqa: S311 - nobody guards it
    assert fault.disturb is not None
    fault.disturb(Run(process=process, evidence=Path(), keyboard=keyboard))


def test_a_dead_worker_is_a_worker_and_nobody_else() -> None:
    words = [sys.executable, "-c", PARENT.format(child=CHILD)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        disturb("dead worker", process)

        assert process.wait(30) == 0
    disturb("dead worker", process)  # one that has ended has none


def test_a_signal_is_sent() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        disturb("SIGTERM", process)

        assert process.wait(30) == -signal.SIGTERM


def test_keys_are_pressed_where_there_is_a_terminal() -> None:
    here, there = os.openpty()
    with subprocess.Popen(["/bin/true"]) as process:
        attributes = termios.tcgetattr(there)
        attributes[3] &= ~(termios.ICANON | termios.ISIG)
        termios.tcsetattr(there, termios.TCSANOW, attributes)
        disturb("Ctrl-C", process, here)
        disturb("Ctrl-C twice", process, here)
        pressed = b""
        while len(pressed) < 3:
            pressed += os.read(there, 9)
        os.close(there)
        os.close(here)
        disturb("Ctrl-C", process, here)  # a terminal that has gone

    assert pressed == b"\x03" * 3


# This seed draws nox, both rungs and both ways to end a run, and only one release to build.
@pytest.mark.timeout(600)
def test_a_short_soak_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--runs", "3", "--seed", "17348", "--faults", "SIG", "Ctrl-C"])
    said = capsys.readouterr().out

    assert said.splitlines()[0] == "seed 17348"
    assert said.splitlines()[-1] == "runs: 3, faults: 3, false reds: 0, false greens: 0, leftovers: 0", said
    assert code == 0
