"""The verdict as a document: the one that `verdict.json` holds, schema 1.

Owns its shape. The same run gives the same document but for times.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import NotRequired

    from harness.preparation import Preparation
    from harness.running.filetree import Kind
    from harness.running.network import Kind as Network
    from harness.running.treeview import Mark, Row
    from harness.verdict.clause import Level, Outcome
    from harness.verdict.evidence import CaseRecord, ClauseRecord, CommandRecord, Failure, Verdict

SCHEMA = 1


class ArtifactFacts(TypedDict):
    """The file; what is not known because the run did not get that far is None."""

    reference: str
    file: str | None
    kind: str | None
    name: str | None
    version: str | None
    sha256: str | None
    bytes: int | None
    source_revision: str | None
    source_dirty: bool | None


class InstallationFacts(TypedDict):
    """The environment that it was installed in; `python` is what runtimes are made with, whatever runs the release.

    `invocation` is how cases call it that do not call it in every way; None where it offers no program to call.
    `kept_since` is when an earlier run made it, None for one of this run; `remark` what became of one not used.
    """

    installer: str
    installer_version: str
    invocation: str | None
    interpreter: str
    python: str
    platform: str
    isolation: str
    kept_since: str | None
    remark: str
    distributions: list[dict[str, str]]


class RowFacts(TypedDict):
    """One entry of a tree; `inside` counts what is in a directory that is not shown in full."""

    path: str
    kind: Kind
    mark: Mark
    inside: NotRequired[int]
    note: NotRequired[str]


class CommandFacts(TypedDict):
    """One command: what was run, how it ended, which network it saw, what it said and did."""

    argv: list[str]
    exit_code: int | None
    ending: str
    seconds: float
    network: Network
    stdout: str
    stderr: str
    changes: list[str]
    tree: list[RowFacts]
    left_running: list[str]


class FailureFacts(TypedDict):
    """Why a case failed; `promise` is the clause that is broken, `kept` a directory to look into."""

    promise: str
    instead: str
    file: str
    line: int
    kept: str | None
    replay: str


class CaseFacts(TypedDict):
    """One case and its commands; `started` is in seconds after the run."""

    id: str
    outcome: Outcome
    reason: str
    started: float
    seconds: float
    worker: str
    failure: FailureFacts | None
    commands: list[CommandFacts]


class StageFacts(TypedDict):
    """One stage of the preparation; `started` as in a case."""

    id: str
    started: float
    seconds: float


class ClauseFacts(TypedDict):
    """One promise and how it came out."""

    id: str
    family: str
    level: Level
    statement: str
    outcome: Outcome
    reason: str
    cases: list[CaseFacts]


class Document(TypedDict):
    """All of it; `reason` says in one line what ended a run before its cases had their say."""

    schema: int
    verdict: Verdict
    reason: str
    artifact: ArtifactFacts
    installation: InstallationFacts | None
    stages: list[StageFacts]
    clauses: list[ClauseFacts]
    started_at: str
    seconds: float


def assemble(  # noqa: PLR0913 -- the parts of a document
    *,
    verdict: Verdict,
    reason: str,
    reference: str,
    preparation: Preparation,
    clauses: Sequence[ClauseRecord],
    started_at: float,
    seconds: float,
    system: str,
    checkout: Path,
) -> Document:
    """Put the document together; times are epoch seconds and seconds."""
    return Document(
        schema=SCHEMA,
        verdict=verdict,
        reason=reason,
        artifact=artifact_facts(reference, preparation, checkout),
        installation=installation_facts(preparation, system),
        stages=[
            StageFacts(id=stage, started=_after(moment, started_at), seconds=round(preparation.seconds[stage], 3))
            for stage, moment in preparation.started.items()
            if stage in preparation.seconds
        ],
        clauses=[_clause(record, started_at) for record in clauses],
        started_at=_moment(started_at),
        seconds=round(seconds, 3),
    )


def refusal(*, reference: str, reason: str, started_at: float, verdict: Verdict = "usage-error") -> Document:
    """The document of a run that could not begin: nothing was looked at."""
    return Document(
        schema=SCHEMA,
        verdict=verdict,
        reason=reason,
        artifact=_unknown(reference),
        installation=None,
        stages=[],
        clauses=[],
        started_at=_moment(started_at),
        seconds=0.0,
    )


def _unknown(reference: str) -> ArtifactFacts:
    return ArtifactFacts(
        reference=reference,
        file=None,
        kind=None,
        name=None,
        version=None,
        sha256=None,
        bytes=None,
        source_revision=None,
        source_dirty=None,
    )


def artifact_facts(reference: str, preparation: Preparation, checkout: Path) -> ArtifactFacts:
    """What is known of the file."""
    facts = _unknown(_shown(Path(reference), checkout))
    facts["source_revision"], facts["source_dirty"] = preparation.revision
    if (artifact := preparation.artifact) is not None:
        facts["file"] = _shown(artifact.path, checkout)
        facts["kind"], facts["name"], facts["version"] = artifact.kind, artifact.name, artifact.version
        facts["sha256"], facts["bytes"] = artifact.sha256, artifact.size
    return facts


def installation_facts(preparation: Preparation, system: str) -> InstallationFacts | None:
    """What is known of the environment, if there is one."""
    if (kept := preparation.kept) is None:
        return None
    installation = kept.installation
    return InstallationFacts(
        installer=installation.installer,
        installer_version=installation.installer_version,
        invocation=preparation.invocation.name if preparation.invocation else None,
        interpreter=installation.interpreter,
        python=installation.python_version,
        platform=system,
        isolation=preparation.isolation,
        kept_since=kept.since or None,
        remark=kept.remark,
        distributions=[asdict(distribution) for distribution in installation.distributions],
    )


def _clause(record: ClauseRecord, run_started_at: float) -> ClauseFacts:
    return ClauseFacts(
        id=record.clause.id,
        family=record.clause.family,
        level=record.clause.level,
        statement=record.clause.statement,
        outcome=record.outcome,
        reason=record.reason,
        cases=[_case(case, run_started_at) for case in record.cases],
    )


def _case(case: CaseRecord, run_started_at: float) -> CaseFacts:
    return CaseFacts(
        id=case.id,
        outcome=case.outcome,
        reason=case.reason,
        started=_after(case.started, run_started_at),
        seconds=round(case.seconds, 3),
        worker=case.worker,
        failure=_failure(case.failure),
        commands=[_command(command) for command in case.commands],
    )


def _failure(failure: Failure | None) -> FailureFacts | None:
    return None if failure is None else cast("FailureFacts", asdict(failure))


def _command(command: CommandRecord) -> CommandFacts:
    return CommandFacts(
        argv=list(command.argv),
        exit_code=command.exit_code,
        ending=command.ending,
        seconds=command.seconds,
        network=command.network,
        stdout=command.stdout,
        stderr=command.stderr,
        changes=list(command.changes),
        tree=[_row(row) for row in command.tree],
        left_running=list(command.left_running),
    )


def _row(row: Row) -> RowFacts:
    """Without what there is nothing of: most rows have neither, and there are thousands."""
    facts = RowFacts(path=row.path, kind=row.kind, mark=row.mark)
    if row.inside:
        facts["inside"] = row.inside
    if row.note:
        facts["note"] = row.note
    return facts


def _after(moment: float, start: float) -> float:
    return round(max(0.0, moment - start), 3)


def _shown(path: Path, checkout: Path) -> str:
    """Relative to the checkout where that is shorter than the whole way."""
    return path.relative_to(checkout).as_posix() if path.is_relative_to(checkout) else str(path)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).isoformat(timespec="seconds")
