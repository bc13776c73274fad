"""Clauses and cases as the self-tests of `harness.verdict` need them.

They have been sent once, as workers send theirs: what is equal in them is never the same object.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, TypeVar

from harness.verdict.clause import Clause
from harness.verdict.evidence import CaseRecord

if TYPE_CHECKING:
    from harness.verdict.clause import Level, Outcome

Value = TypeVar("Value")


def sent(value: Value) -> Value:
    """The value as it arrives in another process."""
    arrived: Value = pickle.loads(pickle.dumps(value))  # noqa: S301  (pickled right here)
    return arrived


def a_clause(name: str = "keeps", *, level: Level = "required", cases: int = 1, opt_in: bool = False) -> Clause:
    """A promise."""
    statement = f"It {name}."
    return sent(Clause(id=name, family="odd", level=level, statement=statement, needs=(), cases=cases, opt_in=opt_in))


def a_case(name: str = "keeps", outcome: Outcome = "passed", *, reason: str = "", breaches: str = "") -> CaseRecord:
    """A case of the clause that its name says."""
    return sent(
        CaseRecord(
            id=name,
            clause=name.partition("[")[0],
            outcome=outcome,
            reason=reason,
            seconds=0.5,
            breaches=(breaches,) if breaches else (),
        )
    )
