"""The verdict for somebody at a terminal: what is tested, a line a clause, the verdict last.

Owns the words and where lines break; which writer knows colours is the caller's.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.verdict import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.verdict.clause import Level
    from harness.verdict.document import ArtifactFacts, ClauseFacts, Document, InstallationFacts

Style = Literal["plain", "title", "good", "bad", "warning", "faint"]

_GOOD = {"passed"}
_WARNING = {"warned", "incomplete", "nothing-tested"}
_STEPS = {"builds": "build", "installs": "install", "starts": "start"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line to print, and how it should look where looks are possible."""

    text: str = ""
    style: Style = "plain"


def step(stage: str, *, downloads: bool = False) -> str:
    """How the line of a long step begins, which is shown while it runs; what is published is downloaded, not built."""
    name = "download" if downloads and stage == "builds" else _STEPS[stage]
    return f"{name + ':':<10} ... "


def header(artifact: ArtifactFacts, installation: InstallationFacts | None) -> Iterator[str]:
    """What is tested, one fact a line: as much as is known."""
    facts: dict[str, str | None] = {"file": artifact["file"], "kind": artifact["kind"]}
    if artifact["name"]:
        facts |= {"version": f"{artifact['name']} {artifact['version']}", "sha256": artifact["sha256"]}
    if artifact["source_revision"]:
        state = ", with uncommitted changes" if artifact["source_dirty"] else ""
        facts["revision"] = f"{artifact['source_revision']}{state}"
    if installation is not None:
        facts |= {
            "installer": f"{installation['installer']} {installation['installer_version']}",
            "called by": installation["invocation"],
            "runs on": installation["interpreter"],
            "isolation": installation["isolation"],
            "installed": digest.history(installation),
        }
    yield from (f"{name + ':':<10} {value}" for name, value in facts.items() if value)


def summary(document: Document, evidence: Path, *, width: int | None = None, brief: bool = False) -> Iterator[Line]:
    """The lines to print after a run, broken at `width` columns, if any; `brief` leaves out the kept promises."""
    clauses = document["clauses"]
    yield Line()
    for title, members in () if brief else digest.families(clauses):
        yield Line(text=title, style="title")
        for clause in members:
            style = digest.look(clause["level"], clause["outcome"])
            text = f"{clause['outcome']:<14} {clause['statement']} [{clause['id']}]"
            yield from (Line(text=line, style=style) for line in _wrapped("  ", text, width, hang=17))
        yield Line()
    yield from _listed("Broken promises", clauses, "required", width)
    yield from _listed(digest.ADVISORY_TITLE, clauses, "advisory", width)
    yield from _untested(clauses, width)
    yield from _end(document, evidence)


def _end(document: Document, evidence: Path) -> Iterator[Line]:
    if document["artifact"]["file"] is None:
        yield Line(text=f"artifact:  {document['artifact']['reference']} (never got to be a file)")
    if document["clauses"]:
        yield Line(text=f"clauses:   {digest.shares(document['clauses'])}")
    if document["reason"]:
        yield Line(text=f"reason:    {document['reason']}")  # in one line, however long: people search logs for it
    yield Line(text=f"evidence:  {evidence}")
    verdict = document["verdict"]
    style: Style = "good" if verdict in _GOOD else "warning" if verdict in _WARNING else "bad"
    yield Line(text=f"verdict:   {verdict} in {document['seconds']:.1f} s", style=style)


def _listed(title: str, clauses: Sequence[ClauseFacts], level: Level, width: int | None) -> Iterator[Line]:
    chosen = digest.failed(clauses, level)
    if not chosen:
        return
    yield Line(text=f"{title}:", style="title")
    for clause in chosen:
        style = digest.look(level, clause["outcome"])
        yield from (
            Line(text=line, style=style) for line in _wrapped("  ", f"{clause['id']}: {clause['statement']}", width)
        )
        yield from (Line(text=line) for line in _wrapped("    ", clause["reason"], width))


def _untested(clauses: Sequence[ClauseFacts], width: int | None) -> Iterator[Line]:
    """Why a promise does not apply; what was not selected or not run needs no explanation to who did it."""
    for clause in clauses:
        # One that passed has a reason only where some of its cases do not apply.
        if clause["outcome"] == "not-applicable" or (clause["outcome"] == "passed" and clause["reason"]):
            text = f"not applicable: {clause['id']}: {clause['reason']}"
            yield from (Line(text=line, style="faint") for line in _wrapped("", text, width))


def _wrapped(start: str, text: str, width: int | None, *, hang: int | None = None) -> list[str]:
    """Lines of that width where words allow it; a path or a command stays whole, to be copied."""
    if width is None:
        return [start + text]
    return textwrap.wrap(
        text,
        width,
        initial_indent=start,
        subsequent_indent=" " * (hang or len(start)),
        break_long_words=False,
        break_on_hyphens=False,
    )
