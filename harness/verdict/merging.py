"""The verdicts of several runs on one release joined into one: other files, Pythons, machines.

Pure: from documents to a document. A promise is kept when every run that could tell says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from harness.errors import UsageError
from harness.verdict.evidence import worst_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.verdict.clause import Level, Outcome
    from harness.verdict.document import ClauseFacts, Document
    from harness.verdict.evidence import Verdict

SCHEMA = 1

# The first that any run says is that of all: one run that can tell says more than one that cannot.
_FROM_WORST_TO_BEST: tuple[Outcome, ...] = ("failed", "not-run", "passed", "not-selected", "not-applicable")


class RunFacts(TypedDict):
    """One run; `run` is what it is called here."""

    run: str
    verdict: Verdict
    reason: str
    file: str | None
    kind: str | None
    sha256: str | None
    installer: str | None
    invocation: str | None
    python: str | None
    platform: str | None
    started_at: str
    seconds: float


class MergedClause(TypedDict):
    """One promise over all runs; `runs` are those that brought about an outcome other than passed."""

    id: str
    level: Level
    statement: str
    outcome: Outcome
    reason: str
    runs: list[str]


class Merged(TypedDict):
    """All of it; name and version are None when no run got as far as a file."""

    schema: int
    verdict: Verdict
    name: str | None
    version: str | None
    runs: list[RunFacts]
    clauses: list[MergedClause]


def merge(documents: Mapping[str, Document]) -> Merged:
    """Join verdicts, which are given by what each run is called.

    Raises:
        UsageError: there are none, or they are not about one release.
    """
    if not documents:
        raise UsageError("there is no verdict to merge")
    releases = {_release(document) for document in documents.values()} - {(None, None)}
    if len(releases) > 1:
        found = ", ".join(sorted(f"'{name}' {version}" for name, version in releases))
        raise UsageError(f"the verdicts are about several releases: {found}")
    _demand_same_bytes(documents)
    name, version = next(iter(releases), (None, None))
    return Merged(
        schema=SCHEMA,
        verdict=worst_of([document["verdict"] for document in documents.values()]),
        name=name,
        version=version,
        runs=[_facts(run, documents[run]) for run in sorted(documents)],
        clauses=list(_clauses(documents)),
    )


def _release(document: Document) -> tuple[str | None, str | None]:
    artifact = document["artifact"]
    return artifact["name"], artifact["version"]


def _demand_same_bytes(documents: Mapping[str, Document]) -> None:
    """Require that files of one name are one file: machines that each built their own tested different things."""
    known: dict[str, tuple[str, str | None]] = {}
    for run, document in documents.items():
        file, sha256 = document["artifact"]["file"], document["artifact"]["sha256"]
        if file is None:
            continue
        name = file.replace("\\", "/").rpartition("/")[2]
        other, expected = known.setdefault(name, (run, sha256))
        if expected != sha256:
            raise UsageError(
                f"'{name}' is not the same file in '{other}' and '{run}'", hint="build once, and smoke that everywhere"
            )


def _facts(run: str, document: Document) -> RunFacts:
    artifact, installation = document["artifact"], document["installation"]
    return RunFacts(
        run=run,
        verdict=document["verdict"],
        reason=document["reason"],
        file=artifact["file"],
        kind=artifact["kind"],
        sha256=artifact["sha256"],
        installer=installation["installer"] if installation else None,
        invocation=installation["invocation"] if installation else None,
        python=installation["python"] if installation else None,
        platform=installation["platform"] if installation else None,
        started_at=document["started_at"],
        seconds=document["seconds"],
    )


def _clauses(documents: Mapping[str, Document]) -> Iterable[MergedClause]:
    said: dict[str, dict[str, ClauseFacts]] = {}
    for run in sorted(documents):
        for clause in documents[run]["clauses"]:
            said.setdefault(clause["id"], {})[run] = clause
    for by_run in said.values():
        outcome = next(each for each in _FROM_WORST_TO_BEST if any(c["outcome"] == each for c in by_run.values()))
        runs = [run for run, clause in by_run.items() if clause["outcome"] == outcome]
        clause = by_run[runs[0]]
        yield MergedClause(
            id=clause["id"],
            level=clause["level"],
            statement=clause["statement"],
            outcome=outcome,
            reason=clause["reason"],
            runs=[] if outcome == "passed" else runs,
        )
