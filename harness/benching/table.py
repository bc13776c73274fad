"""The table for people: lines while it is measured, `bench.json`, and the README's section."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, TypedDict

from harness.benching.rows import BY_ID, ROWS, measured
from harness.errors import UsageError
from harness.markdown import Section, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.benching.rows import Figure, Unit

SECTION = Section("bench")
SCHEMA = 1


class RowFacts(TypedDict):
    """A row with its figure; `samples` are seconds of each side, or megabytes."""

    id: str
    comparison: str
    goal: float
    unit: Unit
    value: float | None
    is_met: bool
    missed_by: float
    detail: str
    problem: str
    samples: dict[str, list[float]]


class Machine(TypedDict):
    """What it was measured on."""

    cores: int
    python: str
    system: str


class BenchFacts(TypedDict):
    """What `bench.json` holds."""

    schema: int
    machine: Machine
    measured_at: str
    rounds: int
    seconds: float
    rows: list[RowFacts]


def line(figure: Figure) -> str:
    """How a row came out."""
    row = figure.row
    goal = f"goal ≤ {row.goal:g} {row.unit}"
    if figure.value is None:
        return f"PROBLEM  {row.id:<20} {'':>9}  {goal:<14} {figure.problem}"
    said = f"{row.id:<20} {measured(row.unit, figure.value):>9}  {goal:<14} {figure.detail}"
    return f"met      {said}" if figure.is_met else f"MISSED   {said}, by {measured(row.unit, figure.missed_by)}"


def as_data(figures: Sequence[Figure], *, rounds: int, seconds: float, measured_at: str) -> BenchFacts:
    """Everything that was found out, in the order of the rows."""
    by_id = {figure.row.id: figure for figure in figures}
    return {
        "schema": SCHEMA,
        "machine": {
            "cores": os.cpu_count() or 1,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "measured_at": measured_at,
        "rounds": rounds,
        "seconds": round(seconds, 1),
        "rows": [_facts(by_id[row.id]) for row in ROWS if row.id in by_id],
    }


def of_data(data: BenchFacts) -> str:
    """The README's section.

    Raises:
        UsageError: it is of another schema, or of some rows only.
    """
    if data.get("schema") != SCHEMA:
        raise UsageError(f"the benchmark is of schema {data.get('schema')}, this is {SCHEMA}")
    if missing := [row.id for row in ROWS if row.id not in {facts["id"] for facts in data["rows"]}]:
        raise UsageError(f"the benchmark lacks '{missing[0]}'", hint="run all rows")
    machine, met = data["machine"], sum(facts["is_met"] for facts in data["rows"])
    rounds = f"{data['rounds']} {'round' if data['rounds'] == 1 else 'rounds'}"
    run = f"on {data['measured_at'][:10]} in one run of {data['seconds'] / 60:.0f} minutes, {rounds}"
    return "\n".join((
        f"{met} of {len(data['rows'])} goals are met. Measured {run},",
        f"{machine['cores']} cores, Python {machine['python']}, {machine['system']}.",
        "",
        *table(("row", "comparison", "goal", "measured", "met"), map(_cells, data["rows"])),
        "",
    ))  # fmt: skip


def _cells(facts: RowFacts) -> Sequence[str]:
    row = BY_ID[facts["id"]]
    goal = f"≤ {row.goal:g} {row.unit}"
    if facts["value"] is None:
        return (f"`{row.id}`", row.comparison, goal, "", f"not measured: {facts['problem']}")
    met = "yes" if facts["is_met"] else f"**missed** by {measured(row.unit, facts['missed_by'])}"
    return (f"`{row.id}`", row.comparison, goal, f"{measured(row.unit, facts['value'])} ({facts['detail']})", met)


def _facts(figure: Figure) -> RowFacts:
    row = figure.row
    return {
        "id": row.id,
        "comparison": row.comparison,
        "goal": row.goal,
        "unit": row.unit,
        "value": figure.value,
        "is_met": figure.is_met,
        "missed_by": figure.missed_by,
        "detail": figure.detail,
        "problem": figure.problem,
        "samples": _rounded(figure.samples),
    }


def _rounded(samples: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {side: [round(value, 6) for value in values] for side, values in samples.items()}
