"""The kill matrix: what the clauses said of each entry, and whether that is what they ought to say.

Owns the judgement, and the matrix as data. How an entry gets its proof is for `trial`, how many of them do
for `jobs`, how people read the matrix for `table`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.verdict.clause import PREPARATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.proving.catalogue import Entry
    from harness.verdict.clause import Clause
    from harness.verdict.document import Document

_SAYS_NOTHING = ("testbed-fault", "usage-error")  # verdicts that are not about the release


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What became of one entry; `failed` maps the clauses that failed to what happened instead.

    `not_run` are clauses that were to have their say and had none.
    `problem` is why nothing can be said of it, when the smoke did not get as far as a verdict.
    """

    entry: Entry
    seconds: float
    verdict: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)
    not_run: tuple[str, ...] = ()
    problem: str = ""

    @classmethod
    def of(cls, entry: Entry, document: Document, *, seconds: float) -> Proof:
        """What the verdict on an entry says of it."""
        verdict, clauses = document["verdict"], document["clauses"]
        return cls(
            entry=entry,
            seconds=seconds,
            verdict=verdict,
            failed={clause["id"]: clause["reason"] for clause in clauses if clause["outcome"] == "failed"},
            not_run=tuple(clause["id"] for clause in clauses if clause["outcome"] == "not-run"),
            problem=document["reason"] if verdict in _SAYS_NOTHING else "",
        )

    @property
    def survivors(self) -> tuple[str, ...]:
        """The clauses that should have failed and did not."""
        return tuple(clause for clause in self.entry.clauses if clause not in self.failed)

    @property
    def holds(self) -> bool:
        """Whether a broken release is caught by every clause that it names, and a harmless one by none."""
        if self.problem:
            return False
        if self.entry.is_harmless:
            return not self.failed and not self.not_run and self.verdict in {"passed", "incomplete"}
        return not self.survivors and self._verdict_says_so

    @property
    def _verdict_says_so(self) -> bool:
        return self.verdict == "unusable" or not set(PREPARATION) & set(self.entry.clauses)


def without_fault(clauses: Sequence[Clause], entries: Sequence[Entry]) -> tuple[str, ...]:
    """The clauses that no broken release is there for; those that a user must ask for are no part of it."""
    exercised = {identifier for entry in entries for identifier in entry.clauses}
    return tuple(clause.id for clause in clauses if not clause.opt_in and clause.id not in exercised)


def unknown_clauses(clauses: Sequence[Clause], entries: Sequence[Entry]) -> tuple[str, ...]:
    """What entries name as clauses and is none, one line each."""
    known = {clause.id for clause in clauses}
    return tuple(
        f"entry '{entry.id}' names '{identifier}', which is no clause"
        for entry in entries
        for identifier in entry.clauses
        if identifier not in known
    )


def as_data(proofs: Sequence[Proof], uncovered: Sequence[str], seconds: float) -> dict[str, object]:
    """The matrix as `kill-matrix.json` holds it, in the order of the ids."""
    rows = [
        {
            "id": proof.entry.id,
            "sentence": proof.entry.sentence,
            "harmless": proof.entry.is_harmless,
            "source": proof.entry.source,
            "clauses": list(proof.entry.clauses),
            "holds": proof.holds,
            "verdict": proof.verdict,
            "failed": dict(proof.failed),
            "problem": proof.problem,
            "seconds": round(proof.seconds, 2),
        }
        for proof in sorted(proofs, key=lambda proof: (proof.entry.is_harmless, proof.entry.id))
    ]
    return {"schema": 1, "seconds": round(seconds, 2), "clauses_without_fault": list(uncovered), "entries": rows}
