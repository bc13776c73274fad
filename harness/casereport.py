"""From a pytest report to a case record, and back home from a worker.

Owns what a report carries besides pytest's own: the outcome in the words of the verdict, the commands,
the broken invariants; and the text of a failure.
"""

from __future__ import annotations

import errno
import os
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import pytest

from harness.errors import ArtifactError, TestbedError
from harness.running.result import CommandResult, InvariantBroken
from harness.verdict.clause import id_of_case
from harness.verdict.evidence import CaseRecord, CommandRecord

if TYPE_CHECKING:
    from harness.running.sandbox import Sandbox
    from harness.session import Session
    from harness.verdict.clause import Outcome

_OBSERVED = pytest.StashKey["tuple[Sandbox, int]"]()
_SPECIAL = pytest.StashKey["Outcome"]()
_FAILED = pytest.StashKey[bool]()
_ATTRIBUTE = "smoke"
_KEPT_CHARACTERS = 16_384  # of each stream, in evidence
_FULL = os.strerror(errno.ENOSPC)
_OF_THE_RELEASE = (AssertionError, ArtifactError)
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """Setup, call or teardown of a case; `testbed_fault` is what the machine did wrong in it, if it did."""

    record: CaseRecord
    testbed_fault: str = ""


def case_id(nodeid: str) -> str:
    """A case as evidence names it: `test_x.py::test_a[b]` is `a[b]`."""
    return nodeid.partition("::test_")[2] or nodeid


def observe(item: pytest.Item, sandbox: Sandbox, *, from_the_start: bool = False) -> None:
    """Have a sandbox's commands in the evidence of this case: those from now on, or all."""
    item.stash[_OBSERVED] = (sandbox, 0 if from_the_start else len(sandbox.results))


def has_failed(item: pytest.Item) -> bool:
    """Whether a phase of the case has failed so far."""
    return item.stash.get(_FAILED, False)


def not_run(item: pytest.Item, reason: str) -> NoReturn:
    """End a case that cannot run: nothing is said about its promise."""
    item.stash[_SPECIAL] = "not-run"
    pytest.skip(reason)


def not_applicable(item: pytest.Item, reason: str) -> NoReturn:
    """End a case whose promise this version does not make."""
    item.stash[_SPECIAL] = "not-applicable"
    pytest.skip(reason)


def complete(report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None], session: Session) -> None:
    """Give a report its case record, and a failure its text."""
    error = call.excinfo.value if call.excinfo is not None else None
    sandbox, since = item.stash.get(_OBSERVED, (None, 0))
    results = sandbox.results[since:] if sandbox is not None else []
    outcome: Outcome = "passed"
    if report.outcome == "skipped":
        # A case's own `skipif` names the platform on which its promise means nothing.
        by_marker: Outcome = "not-applicable" if item.get_closest_marker("skipif") else "not-run"
        outcome = item.stash.get(_SPECIAL, by_marker)
    elif report.outcome == "failed":
        item.stash[_FAILED] = True
        if sandbox is not None:
            sandbox.named = True
        outcome = "not-run" if _testbed_fault(error, results) else "failed"
        if isinstance(error, _OF_THE_RELEASE):
            report.longrepr = _story(report, item, error, results, session)
    record = CaseRecord(
        id=case_id(item.nodeid),
        clause=id_of_case(item.name),
        outcome=outcome,
        reason=_reason(error, results) if error is not None else "",
        seconds=call.duration,
        breaches=(error.clause,) if isinstance(error, InvariantBroken) else (),
        commands=tuple(map(_command, results)) if report.when == "teardown" or outcome == "failed" else (),
    )
    phase = Phase(record=record, testbed_fault=_testbed_fault(error, results))
    # A report carries extra attributes home from a worker, as long as they are plain data.
    setattr(report, _ATTRIBUTE, pickle.dumps(phase).hex())


def read(report: pytest.TestReport) -> Phase:
    """What a report carries; one that no worker lived to write is a case that did not run."""
    carried = getattr(report, _ATTRIBUTE, None)
    if carried is None:
        name = case_id(report.nodeid)
        record = CaseRecord(id=name, clause=id_of_case(name), outcome="not-run", reason="its worker died")
        return Phase(record=record)
    phase = pickle.loads(bytes.fromhex(carried))  # noqa: S301 -- written by our own worker
    assert isinstance(phase, Phase)  # noqa: S101 -- for the type checker
    return phase


def _testbed_fault(error: BaseException | None, results: list[CommandResult]) -> str:
    """What the machine did wrong, if that is why a case ended as it did."""
    if isinstance(error, TestbedError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _DISK:
        return f"{os.strerror(error.errno)}: '{error.filename}'"
    said = results[-1].stdout + results[-1].stderr if results else ""
    return "the disk is full" if isinstance(error, AssertionError) and _FULL in said else ""


def _reason(error: BaseException, results: list[CommandResult]) -> str:
    """What happened instead, in one line."""
    text = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    if not isinstance(error, _OF_THE_RELEASE) and not isinstance(error, pytest.skip.Exception):
        text = f"{type(error).__name__}: {text}"
    return f"{text} ({results[-1].headline})" if results and isinstance(error, InvariantBroken) else text


def _story(
    report: pytest.TestReport,
    item: pytest.Item,
    error: AssertionError | ArtifactError,
    results: list[CommandResult],
    session: Session,
) -> str:
    """A failure: the promise, what happened instead, the commands, and how to go on from here."""
    statement = session.clauses_by_id[id_of_case(item.name)].statement
    promise = f"promise: {statement}"
    if isinstance(error, InvariantBroken) and error.clause in session.clauses_by_id:
        promise = f"promise: {session.clauses_by_id[error.clause].statement} [{error.clause}]"
    lines = [
        promise,
        f"instead: {_without_introspection(error)}",
        f"case: {_place(report)}",
    ]
    if results:
        lines += [f"before:  {result.headline}" for result in results[:-1]]
        lines += [str(results[-1]), f"kept: {results[-1].sandbox}"]
    lines.append(f"replay: {session.replay(item.nodeid)}")
    return "\n".join(lines)


def _without_introspection(error: AssertionError | ArtifactError) -> str:
    """What does not hold, without pytest's account of how the values came about."""
    lines = str(error).strip().splitlines() or ["the assertion does not hold"]
    said = [line for line in lines if not line.lstrip().startswith(("+  where", "+  and"))]
    # A case's own message comes first, and says it better than the expression.
    own = [line for line in said if not line.startswith("assert ")]
    return "\n".join(own if said[0] in own else said)


def _place(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return f"{report.location[0]}:{crash.lineno}" if crash is not None else report.nodeid


def _command(result: CommandResult) -> CommandRecord:
    completed = result.completed
    return CommandRecord(
        argv=completed.argv,
        exit_code=completed.exit_code,
        ending=result.ending,
        seconds=round(completed.seconds, 4),
        stdout=completed.stdout[:_KEPT_CHARACTERS],
        stderr=completed.stderr[:_KEPT_CHARACTERS],
        changes=tuple(result.changes.render().splitlines()),
        left_running=tuple(map(str, result.left_running)),
    )
