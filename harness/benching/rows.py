"""What is measured, what must come of it, and what did: the rows of the table, and a figure for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Unit = Literal["×", "ms", "s", "MB"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A comparison, and the most that it may come to."""

    id: str
    comparison: str
    goal: float
    unit: Unit


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """What came of a row; `detail` says it in absolute terms, `samples` are seconds (or megabytes) of each side.

    `problem` is why there is no value.
    """

    row: Row
    value: float | None = None
    detail: str = ""
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)
    problem: str = ""

    @property
    def missed_by(self) -> float:
        """How far the value is beyond the goal; 0 when it is not."""
        return max(0.0, self.value - self.row.goal) if self.value is not None else 0.0

    @property
    def is_met(self) -> bool:
        """Whether there is a value, and it is no more than the goal."""
        return self.value is not None and self.value <= self.row.goal


ROWS = (
    Row(
        id="trivial-tox-pip",
        comparison="one trivial case, from the command to its end: build, new environment, install, start, case, "
        "verdict; against `tox -r` with pip",
        goal=0.25,
        unit="×",
    ),
    Row(id="trivial-tox-uv", comparison="the same against `tox -r` with tox-uv", goal=0.7, unit="×"),
    Row(
        id="trivial-tox-kept",
        comparison="the same against `tox` that keeps its environment, which is then no throwaway one",
        goal=1.2,
        unit="×",
    ),
    Row(
        id="whole-tox",
        comparison="the whole smoke, against `tox -r` with pip that runs the very same cases one after the other",
        goal=0.45,
        unit="×",
    ),
    Row(
        id="whole-bound",
        comparison="the whole smoke, against build, virtualenv, install and the products' own command times, "
        "packed perfectly on the cores",
        goal=1.25,
        unit="×",
    ),
    Row(
        id="prune-script",
        comparison="the prune clauses on a prebuilt wheel, against a shell script: `python -m venv`, `pip install`, "
        "the same commands one after the other",
        goal=0.3,
        unit="×",
    ),
    Row(
        id="sandbox-empty",
        comparison="a sandbox around a command: make, snapshot, compare, remove",
        goal=10.0,
        unit="ms",
    ),
    Row(id="sandbox-runtime", comparison="the same with a real runtime inside", goal=30.0, unit="ms"),
    Row(
        id="cost-a-case",
        comparison="each further case: from 100 to 1,000 cases against from 10 to 100",
        goal=1.1,
        unit="×",
    ),
    Row(
        id="tree-linear",
        comparison="snapshot and difference, a file: in a tree of 100,000 files against one of 1,000",
        goal=1.1,
        unit="×",
    ),
    Row(
        id="tree-unchanged",
        comparison="the same when nothing changed, against `os.walk` with `lstat`: the worst of 1,000, 10,000 and "
        "100,000 files",
        goal=2.0,
        unit="×",
    ),
    Row(
        id="reused-installation",
        comparison="install step on an npm tarball: a second run with `--reuse-installation` against the first",
        goal=0.05,
        unit="×",
    ),
    Row(
        id="peak-memory",
        comparison="peak memory of the harness, with a tree of 100,000 files and a command that prints without end",
        goal=150.0,
        unit="MB",
    ),
    Row(id="kill-matrix", comparison="kill matrix of the whole catalogue, warm", goal=90.0, unit="s"),
)
BY_ID = {row.id: row for row in ROWS}


def measured(unit: Unit, value: float) -> str:
    """A value as people read it."""
    digits = {"×": 2, "ms": 1, "s": 1, "MB": 0}[unit]
    return f"{value:.{digits}f} {unit}"
