"""Trials as processes: that they end, at their deadline, after a crash, and with whoever started them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.proving.__main__ import longest_first
from harness.proving.catalogue import Change, Entry, load
from harness.proving.jobs import Prover
from harness.verdict.clause import clauses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).resolve().parents[3]
ENTRIES = {entry.id: entry for entry in load(CHECKOUT / "fixtures")}
CLAUSES = {clause.id: clause for clause in clauses_of(CHECKOUT / "smoke")}
SLOW = "is-slower-by-two-seconds"
PATIENCE = 60.0  # seconds, for a machine that has much to do


def of_this_test(directory: Path) -> list[psutil.Process]:
    """Every living process that works below a directory."""
    return [each for each in psutil.process_iter() if _names(each, directory)]


def _names(process: psutil.Process, directory: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        said = [*process.cmdline(), process.environ().get("TMPDIR", "")]
    except psutil.Error:
        return False
    return any(str(directory) in word for word in said)


def await_that(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held


@pytest.fixture
def proof(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A proof at work on an entry that takes its time: its smoke has begun."""
    # Whoever runs these tests in the background may have it ignored, and that is inherited.
    heeding = ["env", "--default-signal=INT"]
    command = [*heeding, sys.executable, "-m", "harness.proving", SLOW, "--out", str(tmp_path / "matrix.json")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=environment | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert await_that(lambda: any(tmp_path.glob("proof-*/*/tmp/smoke-*/installation"))), "no smoke has begun"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_everything(proof: subprocess.Popen[str], tmp_path: Path, number: signal.Signals) -> None:
    assert of_this_test(tmp_path)

    proof.send_signal(number)
    said, complained = proof.communicate(timeout=PATIENCE)

    assert (proof.returncode, said, complained) == (2, "", "interrupted\n")
    assert await_that(lambda: of_this_test(tmp_path) == [])
    assert list(tmp_path.glob("proof-*")) == []


def test_killed_proof_leaves_no_process(proof: subprocess.Popen[str], tmp_path: Path) -> None:
    assert of_this_test(tmp_path)

    proof.kill()
    proof.communicate(timeout=PATIENCE)

    assert await_that(lambda: of_this_test(tmp_path) == [])


def test_trial_ends_at_its_deadline(tmp_path: Path) -> None:
    [proof] = Prover(clauses=CLAUSES, directory=tmp_path, deadline=1.0).prove_all([ENTRIES[SLOW]], jobs=2)

    assert not proof.holds
    assert proof.problem == "it did not finish in 1 s"
    assert of_this_test(tmp_path) == []


def test_trial_that_dies_is_a_problem(tmp_path: Path) -> None:
    deadly = "import os\nimport signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n"
    change = Change(file="hatch_build.py", find="import hashlib\n", replace=deadly)
    entry = Entry(id="kills-its-builder", sentence="x", clauses=("starts",), changes=(change,))

    proof = Prover(clauses=CLAUSES, directory=tmp_path).prove(entry)

    assert not proof.holds
    assert proof.problem == "its process died, with exit code -9"


def test_smoke_without_a_verdict_is_a_problem(tmp_path: Path) -> None:
    class OnlyHelps(Prover):
        """Asks pytest for its help instead of a smoke."""

        def cases(self, entry: Entry) -> tuple[str, ...]:  # noqa: ARG002 -- as of the base
            return ("--help",)

    proof = OnlyHelps(clauses=CLAUSES, directory=tmp_path).prove(ENTRIES["ships-its-tests"])

    assert not proof.holds
    assert proof.problem.startswith("the smoke wrote no verdict: ")


def test_closing_ends_what_still_runs(tmp_path: Path) -> None:
    quick, slow = ENTRIES["ships-its-tests"], ENTRIES[SLOW]
    proving = Prover(clauses=CLAUSES, directory=tmp_path).prove_all([slow, quick], jobs=2)

    assert next(proving).entry == quick
    proving.close()

    assert of_this_test(tmp_path) == []


def test_longest_entries_come_first(tmp_path: Path) -> None:
    matrix = tmp_path / "matrix.json"
    broken, slow, new = (Entry(id=name, sentence="x", clauses=("starts",)) for name in ("broken", "slow", "new"))
    harmless = Entry(id="harmless", sentence="x")

    assert longest_first([broken, slow, harmless], matrix) == [harmless, broken, slow]
    rows = [{"id": "broken", "seconds": 1.0}, {"id": "slow", "seconds": 9.0}, {"id": "harmless", "seconds": 5.0}]
    matrix.write_text(json.dumps({"entries": rows}), encoding="utf-8")
    assert longest_first([broken, harmless, slow, new], matrix) == [new, slow, harmless, broken]
    matrix.write_text("{", encoding="utf-8")
    assert longest_first([slow, broken], matrix) == [slow, broken]
