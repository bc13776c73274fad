"""Measurements: how sides take turns, what the peers are given, and small real runs of what is quick."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

import noxfile
from harness.benching import peers, sessions, smokes, trees
from harness.benching.bench import CHECKOUT, Bench, Smoked
from harness.benching.interleaving import interleave, ratio, timed, versus
from harness.benching.plan import Measurement
from harness.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import nox

    from harness.benching.rows import Figure
    from harness.verdict.document import Document


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(directory=tmp_path, rounds=1)


def run_bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.benching", *map(str, arguments)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)


def test_sides_take_turns_and_a_first_round_does_not_count() -> None:
    turns: list[str] = []
    seconds = iter([9.0, 9.0, 1.0, 4.0, 3.0, 8.0, 2.0, 6.0])

    def side(name: str) -> float:
        turns.append(name)
        return next(seconds)

    samples = interleave({"ours": lambda: side("ours"), "theirs": lambda: side("theirs")}, 3)

    assert turns == ["ours", "theirs"] * 4
    assert samples == {"ours": [1.0, 3.0, 2.0], "theirs": [4.0, 8.0, 6.0]}
    assert ratio(samples, "ours", "theirs") == pytest.approx(2 / 6)
    assert versus(samples, "ours", "theirs") == "2.00 s against 6.00 s"


def test_without_a_warm_up_every_round_counts() -> None:
    assert interleave({"ours": lambda: 1.0}, 2, warm_up=False) == {"ours": [1.0, 1.0]}


def test_time_is_that_of_the_action() -> None:
    assert timed(lambda: time.sleep(0.05)) >= 0.05


def test_workers_are_those_of_the_session() -> None:
    class Session:
        posargs = ()

    workers = noxfile.workers(cast("nox.Session", Session()), per_core=2)  # it looks at nothing else

    assert Bench(directory=Path(), rounds=1).workers == workers


def test_what_takes_minutes_is_measured_less_often() -> None:
    assert [Bench(directory=Path(), rounds=rounds).few_rounds for rounds in (1, 2, 3, 5)] == [1, 1, 2, 3]


def test_command_that_fails_is_no_figure(bench: Bench) -> None:
    def measure(bench: Bench, _wanted: Collection[str]) -> Iterator[Figure]:
        bench.run("sh", "-c", "echo what is wrong; exit 3")
        yield from ()

    measurement = Measurement(rows=("prune-script", "kill-matrix"), measure=measure)

    [figure] = measurement.figures(bench, {"kill-matrix"})
    assert figure.row.id == "kill-matrix"
    assert not figure.is_met
    assert figure.problem == "'sh' fails: what is wrong"


def test_different_cases_are_not_compared() -> None:
    smokes.demand_same_cases({"a": "passed"}, {"a": "failed"})
    with pytest.raises(TestbedError, match="different cases: 'b' and 1 more"):
        smokes.demand_same_cases({"a": "passed", "b": "passed"}, {"a": "passed", "c": "passed"})


def test_lower_bound_is_preparation_and_commands_spread_over_the_cores(tmp_path: Path) -> None:
    ours, alone = tmp_path / "ours", tmp_path / "alone"
    stages = [{"id": "builds", "seconds": 1.0}, {"id": "installs", "seconds": 0.5}, {"id": "starts", "seconds": 9.0}]
    cases = [{"commands": [{"seconds": 3.0}, {"seconds": 1.0}]}, {"commands": []}, {"commands": [{"seconds": 4.0}]}]
    for directory, clauses in ((ours, []), (alone, [{"cases": cases}])):
        directory.mkdir()
        (directory / "verdict.json").write_text(json.dumps({"stages": stages, "clauses": clauses}), encoding="utf-8")

    figure = smokes.bound(
        Bench(directory=tmp_path, rounds=1, cores=2),
        [11.0],
        [Smoked(seconds=11.0, evidence=ours)],
        [Smoked(seconds=20.0, evidence=alone)],
    )

    assert figure.value == pytest.approx(11 / 5.5)
    assert figure.detail == "11.00 s against 5.50 s: 1.5 s to build and install, 8.0 s of commands on 2 cores"


def test_second_install_finds_what_the_first_kept(bench: Bench) -> None:
    [figure] = smokes.reuse(bench, {"reused-installation"})

    assert figure.value is not None
    assert figure.value > 0
    assert {side: len(seconds) for side, seconds in figure.samples.items()} == {"first": 1, "second": 1}


def test_trivial_peer_asserts_what_our_case_does(bench: Bench) -> None:
    [figure] = smokes.trivial(bench, {"trivial-tox-uv"})

    assert figure.row.id == "trivial-tox-uv"
    assert figure.value is not None
    assert figure.value > 0
    assert set(figure.samples) == {"ours", "tox -r, uv"}


def test_whole_peer_needs_what_the_smoke_does(tmp_path: Path) -> None:
    project = peers.whole_project(tmp_path / "project", tmp_path / "evidence")
    text = (project / "tox.ini").read_text(encoding="utf-8")

    assert "\n  pytest-timeout>=2.3\n" in text
    assert 'pytest smoke -n0 --artifact "$TOX_PACKAGE" --previous fixtures/ktx' in text
    assert (project / "pyproject.toml").is_file()


def test_script_runs_the_commands_of_the_prune_clauses(tmp_path: Path) -> None:
    log = tmp_path / "log"
    write = "import os, sys; open(sys.argv[1], 'a').write(os.environ['KTX_RUNTIME_ROOT'] + '\\n')"
    command = {
        "argv": [sys.executable, "-c", write, str(log)],
        "tree": [
            {"path": "root/0.0.0 b", "kind": "directory", "mark": "removed"},
            {"path": "root/new", "kind": "directory", "mark": "added"},
            {"path": "root/0.0.0 b/file", "kind": "file", "mark": "removed"},
        ],
    }
    failing = {"argv": ["$SANDBOX/no-such-program"], "tree": []}
    families = ("runtime_prune", "artifact", "runtime_prune_care")
    clauses = [{"family": family, "cases": [{"commands": [failing, command]}]} for family in families]
    document = cast("Document", {"clauses": clauses})  # all that the script is made of
    wheel = Bench(directory=tmp_path, rounds=1).wheel

    script = peers.prune_script(document, wheel, tmp_path, {"SOME": "thing"})
    done = subprocess.run(["/bin/sh", script], capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    roots = log.read_text(encoding="utf-8").splitlines()
    assert roots == [str(tmp_path / "sandboxes" / str(number) / "root") for number in range(2)]
    assert [path.name for path in Path(roots[0]).iterdir()] == ["0.0.0 b"]
    assert (tmp_path / "installation" / "bin" / "ktx").is_file()


def test_trees_are_compared_with_a_walk(bench: Bench) -> None:
    linear, unchanged = trees.trees(bench, {"tree-linear", "tree-unchanged"}, sizes=(10, 200))

    assert (linear.row.id, unchanged.row.id) == ("tree-linear", "tree-unchanged")
    assert linear.detail.endswith("of 200")
    assert unchanged.value is not None
    assert len(linear.samples) == 6


def test_cost_of_a_case_is_that_of_each_further_one(bench: Bench) -> None:
    [figure] = sessions.cost_a_case(bench, {"cost-a-case"}, numbers=(1, 5, 25))

    assert figure.value is not None
    assert set(figure.samples) == {"1", "5", "25"}
    assert all(len(seconds) == 1 for seconds in figure.samples.values())


def test_memory_is_that_of_the_process_that_pytest_runs_in(bench: Bench) -> None:
    [figure] = sessions.peak_memory(bench, {"peak-memory"}, files=300)

    assert figure.value is not None
    assert figure.value > 20  # megabytes: no Python with pytest has less
    assert list(figure.samples) == ["small", "big"]


def test_run_of_quick_rows_tells_and_writes_them(tmp_path: Path) -> None:
    out = tmp_path / "new" / "bench.json"

    done = run_bench("sandbox-empty", "sandbox-runtime", "--rounds", "1", "--out", out)

    data = json.loads(out.read_text(encoding="utf-8"))
    assert [facts["id"] for facts in data["rows"]] == ["sandbox-empty", "sandbox-runtime"]
    assert all(facts["value"] > 0 and len(facts["samples"]["ours"]) == 5 for facts in data["rows"])
    met = sum(facts["is_met"] for facts in data["rows"])
    assert done.returncode == (0 if met == 2 else 1), done.stdout + done.stderr
    *lines, last = done.stdout.splitlines()
    assert [text.split()[1] for text in lines] == ["sandbox-empty", "sandbox-runtime"]
    assert last.startswith(f"{met} of 2 goals met in ")


def test_interrupt_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "harness.benching", "trivial-tox-kept", "--rounds", "50"]
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("bench-*/command-*")):
        assert process.poll() is None
        time.sleep(0.02)

    process.send_signal(signal.SIGTERM)

    assert process.communicate(timeout=60)[1] == "interrupted\n"
    assert process.returncode == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("bench-")] == []
