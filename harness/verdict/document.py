"""The verdict as a document: the one that `verdict.json` holds, schema 1.

Owns its shape. The same run gives the same document but for times.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.preparation import Preparation
    from harness.verdict.clause import Level, Outcome
    from harness.verdict.evidence import CaseRecord, ClauseRecord, Verdict

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
    """The environment that it was installed in; `python` is what runtimes are made with, whatever runs the release."""

    installer: str
    installer_version: str
    interpreter: str
    python: str
    platform: str
    isolation: str
    distributions: list[dict[str, str]]


class CaseFacts(TypedDict):
    """One case and its commands."""

    id: str
    outcome: Outcome
    seconds: float
    commands: list[dict[str, object]]


class ClauseFacts(TypedDict):
    """One promise and how it came out."""

    id: str
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
        artifact=_artifact(reference, preparation, checkout),
        installation=_installation(preparation, system),
        clauses=[_clause(record) for record in clauses],
        started_at=_moment(started_at),
        seconds=round(seconds, 3),
    )


def refusal(*, reference: str, reason: str, started_at: float) -> Document:
    """The document of a command line that makes no sense: nothing was looked at."""
    return Document(
        schema=SCHEMA,
        verdict="usage-error",
        reason=reason,
        artifact=_unknown(reference),
        installation=None,
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


def _artifact(reference: str, preparation: Preparation, checkout: Path) -> ArtifactFacts:
    facts = _unknown(_shown(Path(reference), checkout))
    facts["source_revision"], facts["source_dirty"] = preparation.revision
    if (artifact := preparation.artifact) is not None:
        facts["file"] = _shown(artifact.path, checkout)
        facts["kind"], facts["name"], facts["version"] = artifact.kind, artifact.name, artifact.version
        facts["sha256"], facts["bytes"] = artifact.sha256, artifact.size
    return facts


def _installation(preparation: Preparation, system: str) -> InstallationFacts | None:
    installation = preparation.installation
    if installation is None:
        return None
    return InstallationFacts(
        installer=installation.installer,
        installer_version=installation.installer_version,
        interpreter=installation.interpreter,
        python=installation.python_version,
        platform=system,
        isolation="environment",
        distributions=[asdict(distribution) for distribution in installation.distributions],
    )


def _clause(record: ClauseRecord) -> ClauseFacts:
    return ClauseFacts(
        id=record.clause.id,
        level=record.clause.level,
        statement=record.clause.statement,
        outcome=record.outcome,
        reason=record.reason,
        cases=[_case(case) for case in record.cases],
    )


def _case(case: CaseRecord) -> CaseFacts:
    commands = [asdict(command) for command in case.commands]
    return CaseFacts(id=case.id, outcome=case.outcome, seconds=round(case.seconds, 3), commands=commands)


def _shown(path: Path, checkout: Path) -> str:
    """Relative to the checkout where that is shorter than the whole way."""
    return path.relative_to(checkout).as_posix() if path.is_relative_to(checkout) else str(path)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).isoformat(timespec="seconds")
