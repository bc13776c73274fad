"""The table of the benchmark: what meets its goal, how a row that misses is told, and what the README shows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from harness.benching.__main__ import main
from harness.benching.plan import MEASUREMENTS
from harness.benching.rows import BY_ID, ROWS, Figure, measured
from harness.benching.table import SECTION, BenchFacts, as_data, line, of_data
from harness.errors import UsageError

README = Path(__file__).resolve().parents[3] / "README.md"
RATIO = BY_ID["trivial-tox-uv"]
MET = Figure(row=RATIO, value=0.7, detail="1.40 s against 2.00 s", samples={"ours": [1.4], "tox": [2.0]})
MISSED = Figure(row=BY_ID["sandbox-empty"], value=12.34, detail="11.0 to 13.0 ms")
UNKNOWN = Figure(row=BY_ID["kill-matrix"], problem="a | b\nfails")


def whole_run() -> BenchFacts:
    figures = [Figure(row=row, value=row.goal, detail="as it is") for row in ROWS]
    return as_data(figures, rounds=3, seconds=900.0, measured_at="2026-02-03T04:05:06+00:00")


def test_every_row_is_measured_by_exactly_one_measurement() -> None:
    measured_rows = [row for measurement in MEASUREMENTS for row in measurement.rows]

    assert sorted(measured_rows) == sorted(BY_ID)
    assert len(BY_ID) == len(ROWS)


def test_goal_itself_is_met_and_anything_beyond_is_not() -> None:
    assert MET.is_met
    assert MET.missed_by == 0
    assert not replace(MET, value=0.7001).is_met
    assert not UNKNOWN.is_met
    assert UNKNOWN.missed_by == 0


def test_row_that_misses_says_by_how_much() -> None:
    assert line(MISSED).startswith("MISSED   sandbox-empty ")
    assert line(MISSED).endswith("11.0 to 13.0 ms, by 2.3 ms")
    assert "12.3 ms" in line(MISSED)
    assert line(MET).startswith("met      trivial-tox-uv ")
    assert line(UNKNOWN).startswith("PROBLEM  kill-matrix ")


def test_values_are_told_in_digits_that_mean_something() -> None:
    told = (measured("×", 0.256), measured("ms", 9.96), measured("MB", 149.6), measured("s", 89.94))

    assert told == ("0.26 ×", "10.0 ms", "150 MB", "89.9 s")


def test_data_has_rows_in_their_order_with_every_sample() -> None:
    data = as_data([MISSED, MET], rounds=2, seconds=1.26, measured_at="2026-02-03T04:05:06+00:00")

    assert [facts["id"] for facts in data["rows"]] == ["trivial-tox-uv", "sandbox-empty"]
    assert data["rows"][0]["samples"] == {"ours": [1.4], "tox": [2.0]}
    assert data["rows"][1]["missed_by"] == pytest.approx(2.34)
    assert (data["rounds"], data["seconds"]) == (2, 1.3)


def test_section_tells_what_missed_and_what_was_not_measured() -> None:
    data = whole_run()
    figures = [MISSED, UNKNOWN]
    told = {facts["id"]: facts for facts in as_data(figures, rounds=3, seconds=1.0, measured_at="")["rows"]}
    data["rows"] = [told.get(facts["id"], facts) for facts in data["rows"]]

    text = of_data(data)

    assert text.startswith(
        f"{len(ROWS) - 2} of {len(ROWS)} goals are met. Measured on 2026-02-03 in one run of 15 minutes"
    )
    assert "| ≤ 10 ms | 12.3 ms (11.0 to 13.0 ms) | **missed** by 2.3 ms |\n" in text
    assert "| ≤ 90 s |  | not measured: a \\| b fails |\n" in text
    assert text.count("| yes |") == len(ROWS) - 2


def test_section_is_of_whole_runs_only() -> None:
    data = whole_run()

    with pytest.raises(UsageError, match="of schema 2"):
        of_data(cast("BenchFacts", {**data, "schema": 2}))
    data["rows"].pop()
    with pytest.raises(UsageError, match="lacks 'kill-matrix'; hint: run all rows"):
        of_data(data)


def test_readme_has_the_rows_and_goals_that_are_measured() -> None:
    section = SECTION.read(README.read_text(encoding="utf-8"))
    shown = [[cell.strip() for cell in text.split(" | ")] for text in section.splitlines() if text.startswith("| `")]

    # What was measured is that run's; the rest is what would be measured now.
    now = [text for text in of_data(whole_run()).splitlines() if text.startswith("| `")]
    assert [cells[:3] for cells in shown] == [[cell.strip() for cell in text.split(" | ")][:3] for text in now], (
        "run `nox -s bench`, then `nox -s bench -- --table`"
    )
    met = sum(cells[-1] == "yes |" for cells in shown)
    assert section.startswith(f"{met} of {len(ROWS)} goals are met.")


def test_option_writes_the_table_of_the_last_run_and_measures_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme, out = tmp_path / "README.md", tmp_path / "bench.json"
    readme.write_text(f"before\n{SECTION.begin}\nold\n{SECTION.end}\nafter\n", encoding="utf-8")
    arguments = ["--table", str(readme), "--out", str(out)]

    assert main(arguments) == 4
    assert "there is no benchmark in" in capsys.readouterr().err
    out.write_text(json.dumps(whole_run()), encoding="utf-8")
    assert main(arguments) == 0
    assert capsys.readouterr().out == ""
    text = readme.read_text(encoding="utf-8")
    assert text == f"before\n{SECTION.begin}\n{of_data(whole_run())}{SECTION.end}\nafter\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-row"], "there is no row 'no-such-row'; hint: there are trivial-tox-pip, "),
        (["--rounds", "0"], "--rounds takes a positive number, got 0"),
    ],
)
def test_question_that_makes_no_sense_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 4
    assert said in capsys.readouterr().err
