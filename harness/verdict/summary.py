"""The verdict where a CI service shows it: a short page in Markdown, and annotations of the failing cases.

Annotations are GitHub's, in our own words: a plugin for pytest would show the whole text of each failed
case, once for each parameter, and call a missed advice an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.verdict import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.verdict.clause import Level
    from harness.verdict.document import ClauseFacts, Document

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~&])")
_LONGEST_FENCED = 2000  # characters of what happened instead; the rest is in the report


def markdown(document: Document) -> str:
    """The page: the verdict, the failing clauses, the file, what was not tested."""
    lines = [f"## Smoke: {document['verdict']}, {_text(digest.tested(document['artifact']))}", ""]
    if document["reason"]:
        lines += [_text(document["reason"]), ""]
    clauses = document["clauses"]
    lines += _failed("Broken promises", clauses, "required")
    lines += _failed(digest.ADVISORY_TITLE, clauses, "advisory")
    lines += _facts(document)
    lines += _untested(clauses)
    return "\n".join(lines) + "\n"


def workflow_commands(document: Document) -> Iterator[str]:
    """One line a failing clause, in the language of GitHub's workflow commands; required ones first."""
    clauses = document["clauses"]
    for clause in (*digest.failed(clauses, "required"), *digest.failed(clauses, "advisory")):
        case = digest.failing_case(clause)
        failure = case["failure"] if case is not None else None
        command = "error" if clause["level"] == "required" else "warning"
        place = f"file={_property(failure['file'])},line={failure['line']}," if failure is not None else ""
        title = _property(clause["statement"])
        yield f"::{command} {place}title={title}::{_data(failure['instead'] if failure else clause['reason'])}"


def _failed(title: str, clauses: Sequence[ClauseFacts], level: Level) -> Iterator[str]:
    chosen = digest.failed(clauses, level)
    if chosen:
        yield from (f"### {title}", "")
    for clause in chosen:
        case = digest.failing_case(clause)
        failure = case["failure"] if case is not None else None
        yield f"- **{_text(clause['statement'])}** (`{clause['id']}`)"
        yield ""
        yield from _fenced(failure["instead"] if failure is not None else clause["reason"])
        if case is not None and failure is not None:
            yield f"  `{failure['file']}:{failure['line']}`, case `{case['id']}`"
        yield ""


def _fenced(text: str) -> Iterator[str]:
    """A block of literal text within a list; its fence is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    yield f"  {fence}text"
    yield from (f"  {line}" for line in text[:_LONGEST_FENCED].splitlines())
    yield f"  {fence}"


def _facts(document: Document) -> Iterator[str]:
    artifact, installation = document["artifact"], document["installation"]
    rows = {"clauses": digest.shares(document["clauses"]), "file": artifact["file"], "sha256": artifact["sha256"]}
    if installation is not None:
        rows["installed with"] = f"{installation['installer']} {installation['installer_version']}"
        rows["called by"] = installation["invocation"]
        rows["Python"] = f"{installation['python']} on {installation['platform']}"
        rows["installed"] = digest.history(installation)
    rows["time"] = f"{document['seconds']:.1f} s"
    yield from ("| | |", "|---|---|")
    yield from (f"| {name} | {_text(value)} |" for name, value in rows.items() if value)
    yield ""


def _untested(clauses: Sequence[ClauseFacts]) -> Iterator[str]:
    chosen = digest.untested(clauses)
    if not chosen:
        return
    yield from (f"<details><summary>Not tested: {len(chosen)}</summary>", "")
    yield from (f"- {_text(clause['statement'])} ({clause['outcome']}: {_text(clause['reason'])})" for clause in chosen)
    yield from ("", "</details>")


def _text(text: str) -> str:
    """Text as it stands, but for code in backquotes, which stays code."""
    pieces = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(
        piece if number % 2 and "|" not in piece else _SPECIAL.sub(r"\\\1", piece)
        for number, piece in enumerate(pieces)
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
