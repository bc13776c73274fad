"""Clauses and cases as the self-tests of `harness.verdict` need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.verdict.clause import Clause
from harness.verdict.evidence import CaseRecord

if TYPE_CHECKING:
    from harness.verdict.clause import Level, Outcome
    from harness.verdict.evidence import CommandRecord, Failure


def a_clause(
    name: str = "keeps", *, family: str = "odd", level: Level = "required", cases: int = 1, opt_in: str = ""
) -> Clause:
    """A promise."""
    return Clause(id=name, family=family, level=level, statement=f"It {name}.", needs=(), cases=cases, opt_in=opt_in)


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
    return CaseRecord(
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
