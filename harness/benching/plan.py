"""Which measurement gives which rows, and in which order: what is quick first, the proof last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.benching import sessions, smokes, trees
from harness.benching.bench import Bench
from harness.benching.rows import BY_ID, Figure
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

Measure = Callable[[Bench, Collection[str]], Iterator[Figure]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """What is measured together, because it shares a side."""

    rows: tuple[str, ...]
    measure: Measure

    def figures(self, bench: Bench, wanted: Collection[str]) -> Iterator[Figure]:
        """The figures of the wanted rows; where nothing can be said of them, why."""
        told = set()
        try:
            for figure in self.measure(bench, wanted):
                told.add(figure.row.id)
                yield figure
        except HarnessError as error:
            for row in self.rows:
                if row in wanted and row not in told:
                    yield Figure(row=BY_ID[row], problem=str(error))


MEASUREMENTS = (
    Measurement(rows=("sandbox-empty", "sandbox-runtime"), measure=sessions.sandboxes),
    Measurement(rows=("tree-linear", "tree-unchanged"), measure=trees.trees),
    Measurement(rows=("trivial-tox-pip", "trivial-tox-uv", "trivial-tox-kept"), measure=smokes.trivial),
    Measurement(rows=("reused-installation",), measure=smokes.reuse),
    Measurement(rows=("prune-script",), measure=smokes.prune),
    Measurement(rows=("cost-a-case",), measure=sessions.cost_a_case),
    Measurement(rows=("peak-memory",), measure=sessions.peak_memory),
    Measurement(rows=("whole-tox", "whole-bound"), measure=smokes.whole),
    Measurement(rows=("kill-matrix",), measure=smokes.proof),
)


def checked(rounds: int) -> int:
    """A number of rounds that makes sense; UsageError when it does not."""
    if rounds < 1:
        raise UsageError(f"--rounds takes a positive number, got {rounds}")
    return rounds


def chosen(names: Sequence[str]) -> frozenset[str]:
    """The rows that are asked for, or all; UsageError when there is no such row."""
    for name in names:
        if name not in BY_ID:
            raise UsageError(f"there is no row '{name}'", hint=f"there are {', '.join(BY_ID)}")
    return frozenset(names or BY_ID)
