"""What happened in a run, as data, and the verdict on it.

Pure: from clauses, cases and the fate of the preparation to records, and from records to one word and
one exit code. Where the data is kept is for `archive`, how people read it for the other modules here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from harness.verdict.clause import PREPARATION, Clause, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.running.network import Kind
    from harness.running.treeview import Row

Verdict = Literal[
    "passed",
    "warned",
    "incomplete",
    "failed",
    "interrupted",
    "internal-error",
    "usage-error",
    "nothing-tested",
    "unusable",
    "testbed-fault",
]
EXIT_CODES: Mapping[Verdict, int] = {
    "passed": 0,
    "failed": 1,
    "interrupted": 2,
    "internal-error": 3,
    "usage-error": 4,
    "nothing-tested": 5,
    "unusable": 6,
    "testbed-fault": 7,
}
_FROM_WORST_TO_BEST: tuple[Verdict, ...] = (
    "testbed-fault",
    "unusable",
    "failed",
    "internal-error",
    "interrupted",
    "usage-error",
    "incomplete",
    "nothing-tested",
    "warned",
    "passed",
)
_ENDED_BY_PYTEST: Mapping[int, Verdict] = {2: "interrupted", 3: "internal-error", 4: "usage-error"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRecord:
    """One command as evidence; streams and tree are bounded, `changes` and `left_running` one line an item."""

    argv: tuple[str, ...]
    exit_code: int | None
    ending: str
    seconds: float
    network: Kind
    stdout: str
    stderr: str
    changes: tuple[str, ...]
    tree: tuple[Row, ...]
    left_running: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What happened instead of what was promised, where it was noticed, and the ways on from there.

    `promise` is the id of the clause that is broken; `kept` is the sandbox, if there is one.
    """

    promise: str
    instead: str
    file: str
    line: int
    kept: str | None
    replay: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRecord:
    """One case, run by `worker` from `started` (epoch seconds) on.

    `breaches` are ids of the invariants that it found broken on its way.
    """

    id: str
    clause: str
    outcome: Outcome
    reason: str = ""
    started: float = 0.0
    seconds: float = 0.0
    worker: str = ""
    failure: Failure | None = None
    breaches: tuple[str, ...] = ()
    commands: tuple[CommandRecord, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ClauseRecord:
    """A clause and how it came out; `reason` is empty for one that passed in all its cases."""

    clause: Clause
    outcome: Outcome
    reason: str = ""
    cases: tuple[CaseRecord, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """How the run as a whole went: what pytest says, and what ended it before the cases had their say.

    `stage` is the id of the clause of the preparation that broke, if the release is to blame.
    """

    exit_status: int
    fault: Literal["", "usage-error", "unusable", "testbed-fault"] = ""
    stage: str = ""
    reason: str = ""


def records(
    clauses: Sequence[Clause], cases: Sequence[CaseRecord], selected: Collection[str], fate: Fate
) -> tuple[ClauseRecord, ...]:
    """One record a clause; `selected` holds the ids of the cases that were to run."""
    return tuple(_record(clause, cases, selected, fate) for clause in clauses)


def verdict_of(outcome: Sequence[ClauseRecord], fate: Fate) -> Verdict:
    """The one word: the worst that applies."""
    if fate.fault:
        return fate.fault
    failed = [record.clause for record in outcome if record.outcome == "failed"]
    required = [record for record in outcome if record.clause.level == "required"]
    applies: Mapping[Verdict, bool] = {
        "unusable": any(clause.id in PREPARATION for clause in failed),
        "failed": any(clause.level == "required" for clause in failed),
        **{verdict: fate.exit_status == code for code, verdict in _ENDED_BY_PYTEST.items()},
        "nothing-tested": not any(record.outcome in {"passed", "failed"} for record in outcome),
        "incomplete": any(_is_missed(record) for record in required),
        "warned": bool(failed),
    }
    worst: Verdict = next((verdict for verdict, holds in applies.items() if holds), "passed")
    only_advisory = not any(record.outcome == "passed" for record in required)
    return "nothing-tested" if only_advisory and worst in {"warned", "passed"} else worst


def worst_of(verdicts: Collection[Verdict]) -> Verdict:
    """The one that counts for a release of several files, which has been smoked file by file."""
    return next((verdict for verdict in _FROM_WORST_TO_BEST if verdict in verdicts), "nothing-tested")


def exit_code(verdict: Verdict, *, strict: bool, pytest_says: int) -> int:
    """What the process says; an incomplete run says what pytest would."""
    if verdict == "warned":
        return 1 if strict else 0
    return EXIT_CODES.get(verdict, pytest_says)


def _is_missed(record: ClauseRecord) -> bool:
    """Whether a clause lacks that the user had every reason to expect."""
    return record.outcome == "not-run" or (record.outcome == "not-selected" and not record.clause.opt_in)


def _record(clause: Clause, cases: Sequence[CaseRecord], selected: Collection[str], fate: Fate) -> ClauseRecord:
    own = tuple(case for case in cases if case.clause == clause.id)
    breached = tuple(case for case in cases if clause.id in case.breaches and case.clause != clause.id)
    outcome, reason = _outcome(clause, own, selected, fate)
    if breached and outcome != "failed":
        outcome, reason = "failed", breached[0].reason
    # In the order of their ids: which worker was faster is no evidence.
    return ClauseRecord(
        clause=clause, outcome=outcome, reason=reason, cases=tuple(sorted((*own, *breached), key=_case_id))
    )


def _case_id(case: CaseRecord) -> str:
    return case.id


def _outcome(clause: Clause, own: Sequence[CaseRecord], selected: Collection[str], fate: Fate) -> tuple[Outcome, str]:
    chosen = [case for case in selected if case == clause.id or case.startswith(f"{clause.id}[")]
    for wanted in ("failed", "not-run"):
        for case in own:
            if case.outcome == wanted:
                return case.outcome, case.reason
    if fate.stage == clause.id:
        return "failed", fate.reason
    if len(chosen) < clause.cases:
        takes = f", it takes '{clause.opt_in}'" if clause.opt_in else ""
        return "not-selected", f"{len(chosen)} of {clause.cases} cases selected" if chosen else f"not selected{takes}"
    if len(own) < len(chosen):
        return "not-run", f"{len(own)} of {len(chosen)} cases ran"
    return _ended_well(own)


def _ended_well(own: Sequence[CaseRecord]) -> tuple[Outcome, str]:
    """A clause whose cases passed, but for those that do not apply: one that did proves what there is to prove."""
    idle = [case for case in own if case.outcome == "not-applicable"]
    if len(idle) == len(own):
        return own[0].outcome, own[0].reason
    return "passed", f"{len(idle)} of {len(own)} cases do not apply: {idle[0].reason}" if idle else ""
