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
    from harness.verdict.evidence import CommandRecord, Failure

Value = TypeVar("Value")


def sent(value: Value) -> Value:
    """The value as it arrives in another process."""
    arrived: Value = pickle.loads(pickle.dumps(value))  # noqa: S301  (pickled right here)
    return arrived


def a_clause(
    name: str = "keeps", *, family: str = "odd", level: Level = "required", cases: int = 1, opt_in: str = ""
) -> Clause:
    """A promise."""
    statement = f"It {name}."
    return sent(Clause(id=name, family=family, level=level, statement=statement, needs=(), cases=cases, opt_in=opt_in))


def a_case(  # noqa: PLR0913 -- each is a fact of its own
    name: str = "keeps",
    outcome: Outcome = "passed",
    *,
    reason: str = "",
    breaches: str = "",
    failure: Failure | None = None,
    commands: tuple[CommandRecord, ...] = (),
    worker: str = "main",
    started: float = 0.0,
) -> CaseRecord:
    """A case of the clause that its name says."""
    return sent(
        CaseRecord(
            id=name,
            clause=name.partition("[")[0],
            outcome=outcome,
            reason=reason,
            started=started,
            seconds=0.5,
            worker=worker,
            failure=failure,
            commands=commands,
            breaches=(breaches,) if breaches else (),
        )
    )
