"""Self-tests of the lines that a terminal shows."""

from __future__ import annotations

from pathlib import Path

from harness.preparation import Preparation
from harness.tests.verdict.records import a_clause
from harness.tests.verdict.test_document import CHECKOUT, PREPARED
from harness.verdict.document import Document, artifact_facts, assemble, installation_facts
from harness.verdict.evidence import ClauseRecord
from harness.verdict.terminal import Line, header, step, summary

LONG = " ".join(["words that go on"] * 20)


def a_document(
    *records: ClauseRecord,
    preparation: Preparation = PREPARED,
    reason: str = "",
    reference: str = "fixtures/odd",
) -> Document:
    """A run with these clauses."""
    return assemble(
        verdict="failed",
        reason=reason,
        reference=reference,
        preparation=preparation,
        clauses=records,
        started_at=0.0,
        seconds=12.34,
        system="Linux",
        checkout=CHECKOUT,
    )


def summarize(
    *records: ClauseRecord,
    preparation: Preparation = PREPARED,
    reason: str = "",
    width: int | None = None,
    brief: bool = False,
) -> list[str]:
    """The lines on a run with these clauses."""
    document = a_document(*records, preparation=preparation, reason=reason)
    return [line.text for line in summary(document, Path(".smoke/run"), width=width, brief=brief)]


FOUR = (
    ClauseRecord(clause=a_clause("keeps"), outcome="passed"),
    ClauseRecord(clause=a_clause("holds"), outcome="failed", reason="it let go"),
    ClauseRecord(clause=a_clause("greets", family="manners", level="advisory"), outcome="failed", reason="silent"),
    ClauseRecord(clause=a_clause("flies", family="manners"), outcome="not-applicable", reason="it has no wings"),
)
END = [
    "Broken promises:",
    "  holds: It holds.",
    "    it let go",
    "What whoever tags this should know:",
    "  greets: It greets.",
    "    silent",
    "not applicable: flies: it has no wings",
    "clauses:   1 passed, 2 failed, 1 not-applicable",
    "evidence:  .smoke/run",
    "verdict:   failed in 12.3 s",
]


def test_a_line_a_clause_by_family_and_the_verdict_last() -> None:
    assert summarize(*FOUR) == [
        "",
        "Odd",
        "  passed         It keeps. [keeps]",
        "  failed         It holds. [holds]",
        "",
        "Manners",
        "  failed         It greets. [greets]",
        "  not-applicable It flies. [flies]",
        "",
        *END,
    ]


def test_in_brief_only_what_needs_attention() -> None:
    assert summarize(*FOUR, brief=True) == ["", *END]


def test_looks_tell_promises_from_advice() -> None:
    styles = {line.text: line.style for line in summary(a_document(*FOUR), Path("run"))}

    assert styles["  passed         It keeps. [keeps]"] == "good"
    assert styles["  failed         It holds. [holds]"] == "bad"
    assert styles["  failed         It greets. [greets]"] == "warning"
    assert styles["  not-applicable It flies. [flies]"] == "faint"
    assert styles["verdict:   failed in 12.3 s"] == "bad"
    assert Line(text="Odd", style="title") in summary(a_document(*FOUR), Path("run"))


def test_a_header_says_what_is_tested() -> None:
    artifact = artifact_facts(str(CHECKOUT / "fixtures/odd"), PREPARED, CHECKOUT)

    assert list(header(artifact, installation_facts(PREPARED, "Linux"))) == [
        "file:      dist/odd-1.0-py3-none-any.whl",
        "kind:      wheel",
        "version:   odd 1.0",
        "sha256:    " + "0" * 64,
        "revision:  " + "1" * 40 + ", with uncommitted changes",
        "installer: uv 0.9",
        "called by: console",
        "runs on:   Python 3.11.7",
        "isolation: environment",
    ]


def test_a_header_says_no_more_than_is_known() -> None:
    assert list(header(artifact_facts("fixtures/odd", Preparation(), CHECKOUT), None)) == []


def test_a_step_is_named_before_it_has_ended() -> None:
    assert [step(stage) for stage in ("builds", "installs", "starts")] == [
        "build:     ... ",
        "install:   ... ",
        "start:     ... ",
    ]
    assert [step(stage, downloads=True) for stage in ("builds", "installs")] == ["download:  ... ", "install:   ... "]


def test_sentences_fit_a_terminal() -> None:
    lines = summarize(ClauseRecord(clause=a_clause("holds"), outcome="failed", reason=LONG), width=60)

    assert max(map(len, lines)) <= 60
    assert " ".join(" ".join(lines).split()).count("words that go on") == 20


def test_a_sentence_is_one_line_where_there_is_no_terminal() -> None:
    assert f"    {LONG}" in summarize(ClauseRecord(clause=a_clause("holds"), outcome="failed", reason=LONG))


def test_a_path_stays_whole() -> None:
    path = "/far" * 30
    lines = summarize(ClauseRecord(clause=a_clause("holds"), outcome="failed", reason=f"it kept '{path}'"), width=60)

    assert any(path in line for line in lines)


def test_a_reason_is_one_line_however_long() -> None:
    assert f"reason:    {LONG}" in summarize(reason=LONG, width=60)


def test_what_never_got_to_be_a_file() -> None:
    assert "artifact:  fixtures/odd (never got to be a file)" in summarize(preparation=Preparation())
