"""The verdict for somebody at a terminal: short, plain, the verdict last."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.verdict.document import ClauseFacts, Document

_COLUMNS = 80
_OUTCOMES = ("passed", "failed", "not-applicable", "not-selected", "not-run")


def summary(document: Document, evidence: Path) -> Iterator[str]:
    """The lines to print after a run."""
    yield ""
    yield from _tested(document)
    clauses = document["clauses"]
    count: Counter[str] = Counter(clause["outcome"] for clause in clauses)
    shares = ", ".join(f"{count[outcome]} {outcome}" for outcome in _OUTCOMES if count[outcome])
    yield f"clauses:   {shares}"
    yield from _listed("broken promises:", clauses, level="required", outcome="failed")
    yield from _listed("whoever tags this should know:", clauses, level="advisory", outcome="failed")
    yield from _not_applicable(clauses)
    if document["reason"]:
        yield f"reason:    {document['reason']}"  # in one line, however long: people search logs for it
    yield f"evidence:  {evidence}"
    yield f"verdict:   {document['verdict']} in {document['seconds']:.1f} s"


def _tested(document: Document) -> Iterator[str]:
    artifact, installation = document["artifact"], document["installation"]
    if artifact["file"] is None:
        yield f"artifact:  {artifact['reference']} (never got to be a file)"
        return
    yield f"artifact:  {artifact['file']} ({artifact['name']} {artifact['version']})"
    yield f"sha256:    {artifact['sha256']}"
    if artifact["source_revision"]:
        state = ", with uncommitted changes" if artifact["source_dirty"] else ""
        yield f"revision:  {artifact['source_revision']}{state}"
    if installation is not None:
        installer = f"{installation['installer']} {installation['installer_version']}"
        yield f"installed: {installer} on {installation['interpreter']}"


def _listed(title: str, clauses: list[ClauseFacts], *, level: str, outcome: str) -> Iterator[str]:
    chosen = [clause for clause in clauses if clause["level"] == level and clause["outcome"] == outcome]
    if chosen:
        yield title
    for clause in chosen:
        yield from _wrapped("  ", f"{clause['id']}: {clause['statement']}")
        yield from _wrapped("    ", clause["reason"])


def _not_applicable(clauses: list[ClauseFacts]) -> Iterator[str]:
    for clause in clauses:
        # One that passed has a reason only where some of its cases do not apply.
        if clause["outcome"] == "not-applicable" or (clause["outcome"] == "passed" and clause["reason"]):
            yield from _wrapped("  ", f"not applicable: {clause['id']}: {clause['reason']}")


def _wrapped(start: str, text: str) -> list[str]:
    """Lines of a terminal's width where words allow it; a path or a command stays whole, to be copied."""
    return textwrap.wrap(
        text,
        _COLUMNS,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
