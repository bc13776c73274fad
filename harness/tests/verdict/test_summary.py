"""Self-tests of the summary that a terminal shows."""

from __future__ import annotations

from pathlib import Path

from harness.preparation import Preparation
from harness.tests.verdict.records import a_clause
from harness.tests.verdict.test_document import CHECKOUT, PREPARED
from harness.verdict.document import assemble
from harness.verdict.evidence import ClauseRecord
from harness.verdict.terminal import summary

LONG = " ".join(["words that go on"] * 20)


def summarize(*records: ClauseRecord, preparation: Preparation = PREPARED, reason: str = "") -> list[str]:
    """The lines on a run with these clauses."""
    document = assemble(
        verdict="failed",
        reason=reason,
        reference="fixtures/odd",
        preparation=preparation,
        clauses=records,
        started_at=0.0,
        seconds=12.34,
        system="Linux",
        checkout=CHECKOUT,
    )
    return list(summary(document, Path(".smoke/run")))


def test_all_that_was_tested_and_how_it_came_out() -> None:
    lines = summarize(
        ClauseRecord(clause=a_clause("keeps"), outcome="passed"),
        ClauseRecord(clause=a_clause("holds"), outcome="failed", reason="it let go"),
        ClauseRecord(clause=a_clause("greets", level="advisory"), outcome="failed", reason="it was silent"),
        ClauseRecord(clause=a_clause("flies"), outcome="not-applicable", reason="it has no wings"),
    )

    assert lines == [
        "",
        "artifact:  dist/odd-1.0-py3-none-any.whl (odd 1.0)",
        "sha256:    " + "0" * 64,
        "revision:  " + "1" * 40 + ", with uncommitted changes",
        "installed: uv 0.9 on Python 3.11.7",
        "clauses:   1 passed, 2 failed, 1 not-applicable",
        "broken promises:",
        "  holds: It holds.",
        "    it let go",
        "whoever tags this should know:",
        "  greets: It greets.",
        "    it was silent",
        "  not applicable: flies: it has no wings",
        "evidence:  .smoke/run",
        "verdict:   failed in 12.3 s",
    ]


def test_sentences_fit_a_terminal() -> None:
    lines = summarize(ClauseRecord(clause=a_clause("holds"), outcome="failed", reason=LONG))

    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()).count("words that go on") == 20


def test_a_path_stays_whole() -> None:
    path = "/far" * 30
    lines = summarize(ClauseRecord(clause=a_clause("holds"), outcome="failed", reason=f"it kept '{path}'"))

    assert any(path in line for line in lines)


def test_a_reason_is_one_line_however_long() -> None:
    assert f"reason:    {LONG}" in summarize(reason=LONG)


def test_what_never_got_to_be_a_file() -> None:
    lines = summarize(preparation=Preparation())

    assert lines[1] == "artifact:  fixtures/odd (never got to be a file)"
    assert not any(line.startswith("sha256") for line in lines)
