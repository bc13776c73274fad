"""From a pytest report to a case record, and back home from a worker.

Owns what a report carries besides pytest's own: the outcome in the words of the verdict, the commands,
the broken invariants. How a failure reads is for `story`.
"""

from __future__ import annotations

import errno
import os
import pickle
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from harness import story
from harness.diskspace import is_nearly_full
from harness.errors import TestbedError
from harness.running.result import CommandResult, InvariantBroken
from harness.verdict.clause import id_of_case
from harness.verdict.evidence import CaseRecord, CommandRecord, Failure

if TYPE_CHECKING:
    from harness.masking import Mask
    from harness.running.sandbox import Sandbox
    from harness.session import Session
    from harness.verdict.clause import Outcome

_OBSERVED = pytest.StashKey["tuple[Sandbox, int]"]()
_SPECIAL = pytest.StashKey["Outcome"]()
_FAILED = pytest.StashKey[bool]()
_ATTRIBUTE = "smoke"
_KEPT_CHARACTERS = 16_384  # of each stream, in evidence
_FULL = os.strerror(errno.ENOSPC)
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


def describe(item: pytest.Item, session: Session) -> None:
    """Have the case's promise in the JUnit report."""
    clause = session.clauses_by_id[id_of_case(item.name)]
    item.user_properties += [("clause", clause.id), ("level", clause.level), ("statement", clause.statement)]


def complete(report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None], session: Session) -> None:
    """Give a report its case record, and a failure its text; no secret leaves with either."""
    error = call.excinfo.value if call.excinfo is not None else None
    sandbox, since = item.stash.get(_OBSERVED, (None, 0))
    results = sandbox.results[since:] if sandbox is not None else []
    outcome: Outcome = "passed"
    failure = None
    if report.outcome == "skipped":
        # A case's own `skipif` names the platform on which its promise means nothing.
        by_marker: Outcome = "not-applicable" if item.get_closest_marker("skipif") else "not-run"
        outcome = item.stash.get(_SPECIAL, by_marker)
    elif report.outcome == "failed" and call.excinfo is not None and error is not None:
        item.stash[_FAILED] = True
        if sandbox is not None:
            sandbox.named = True
        outcome = "not-run" if _testbed_fault(error, results, session) else "failed"
        failure = _failure(item, call.excinfo, results, session)
        if isinstance(error, story.OF_THE_RELEASE):
            report.longrepr = story.tell(failure, results, session.clauses_by_id, item.name)
    _mask(report, session.mask)
    clean = _Cleaner(session, sandbox)
    record = CaseRecord(
        id=case_id(item.nodeid),
        clause=id_of_case(item.name),
        outcome=outcome,
        reason=clean(_reason(error, results)) if error is not None else "",
        started=call.start,
        seconds=call.duration,
        worker=session.worker or "main",
        breaches=(error.clause,) if isinstance(error, InvariantBroken) else (),
        failure=replace(failure, instead=clean(failure.instead)) if failure is not None else None,
        commands=tuple(_command(result, clean) for result in results) if report.when == "teardown" or failure else (),
    )
    phase = Phase(record=record, testbed_fault=_testbed_fault(error, results, session))
    # A report carries extra attributes home from a worker, as long as they are plain data.
    setattr(report, _ATTRIBUTE, pickle.dumps(phase).hex())
    if report.when == "teardown" and sandbox is not None:
        del item.stash[_OBSERVED]  # trees and output of every case, for as long as the session runs


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


def _testbed_fault(error: BaseException | None, results: list[CommandResult], session: Session) -> str:
    """What the machine did wrong, if that is why a case ended as it did."""
    if isinstance(error, TestbedError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _DISK:
        return f"{os.strerror(error.errno)}: '{error.filename}'"
    if not isinstance(error, AssertionError):
        return ""
    said = results[-1].stdout + results[-1].stderr if results else ""
    if _FULL in said:
        return "the disk is full"
    # A product may say it in a log only, or clean up before anybody looks.
    return "the disk is full, or nearly" if is_nearly_full(session.archive.scratch) else ""


def _reason(error: BaseException, results: list[CommandResult]) -> str:
    """What happened instead, in one line."""
    text = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    if not isinstance(error, story.OF_THE_RELEASE) and not isinstance(error, pytest.skip.Exception):
        text = f"{type(error).__name__}: {text}"
    return f"{text} ({results[-1].headline})" if results and isinstance(error, InvariantBroken) else text


class _Cleaner:
    """Makes text of a case fit for evidence: without secrets, bounded, the same in every run.

    Directories that are others in each run are named by what they are for.
    """

    def __init__(self, session: Session, sandbox: Sandbox | None) -> None:
        self._mask = session.mask
        self._places = {str(sandbox.directory): "$SANDBOX"} if sandbox is not None else {}
        self._places[str(session.archive.scratch)] = "$SCRATCH"

    def __call__(self, text: str) -> str:
        text = self._mask(text)
        for place, name in self._places.items():
            text = text.replace(place, name)
        return text[:_KEPT_CHARACTERS]


def _mask(report: pytest.TestReport, mask: Mask) -> None:
    """Take secrets out of what pytest will print, and write to its own reports."""
    if report.longrepr is not None and mask.hides(said := str(report.longrepr)):
        skipped = report.longrepr
        report.longrepr = (*skipped[:2], mask(skipped[2])) if isinstance(skipped, tuple) else mask(said)
    report.sections = [(title, mask(content)) for title, content in report.sections]


def _failure(
    item: pytest.Item,
    excinfo: pytest.ExceptionInfo[BaseException],
    results: list[CommandResult],
    session: Session,
) -> Failure:
    file, line = story.place(item, excinfo)
    return Failure(
        promise=story.promise_of(excinfo.value, item.name, session.clauses_by_id),
        instead=story.instead(excinfo.value),
        file=file,
        line=line,
        kept=str(results[-1].sandbox) if results else None,
        replay=session.replay(item.nodeid),
    )


def _command(result: CommandResult, clean: _Cleaner) -> CommandRecord:
    completed = result.completed
    return CommandRecord(
        argv=tuple(map(clean, completed.argv)),
        exit_code=completed.exit_code,
        ending=result.ending,
        seconds=round(completed.seconds, 4),
        network=result.network,
        stdout=clean(completed.stdout),
        stderr=clean(completed.stderr),
        changes=tuple(map(clean, result.changes.render().splitlines())),
        tree=tuple(replace(row, path=clean(row.path), note=clean(row.note)) for row in result.tree),
        left_running=tuple(clean(str(left)) for left in result.left_running),
    )
