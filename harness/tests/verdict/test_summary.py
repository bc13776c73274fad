"""Self-tests of the page and the annotations that a CI service shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.tests.verdict.records import a_case, a_clause
from harness.tests.verdict.test_terminal import FOUR, a_document
from harness.verdict.evidence import ClauseRecord, Failure
from harness.verdict.summary import markdown, workflow_commands

if TYPE_CHECKING:
    from harness.verdict.clause import Level


def a_failure(name: str, *, level: Level = "required", instead: str = "it let go", promise: str = "") -> ClauseRecord:
    """A broken promise whose case says where."""
    failure = Failure(
        promise=promise or name, instead=instead, file="smoke/test_odd.py", line=7, kept=None, replay="again"
    )
    case = a_case(name, "failed", failure=failure)
    return ClauseRecord(clause=a_clause(name, level=level), outcome="failed", reason="in short", cases=(case,))


def test_the_failing_clauses_come_first() -> None:
    lines = markdown(a_document(FOUR[0], FOUR[3], FOUR[2], a_failure("holds"))).splitlines()

    order = ["## Smoke: failed, odd 1.0", "### Broken promises", "- **It holds.** (`holds`)", "  it let go"]
    order += ["  `smoke/test_odd.py:7`, case `holds`", "### What whoever tags this should know"]
    order += ["- **It greets.** (`greets`)", "  silent", "| clauses | 1 passed, 2 failed, 1 not-applicable |"]
    order += ["- It flies. (not-applicable: it has no wings)"]
    assert [line for line in lines if line in order] == order


def test_a_pass_is_short() -> None:
    page = markdown(a_document(FOUR[0]))

    assert "###" not in page
    assert "Not tested" not in page
    assert len(page.splitlines()) < 15


def test_what_a_product_says_is_no_markdown() -> None:
    clause = a_failure("holds", instead="```\n# a <b>title</b>\n```")
    page = markdown(a_document(clause, reason="a_b *c* `code | of` <i>"))

    assert "  ````text\n  ```\n  # a <b>title</b>\n  ```\n  ````" in page
    assert r"a\_b \*c\* \`code \| of\` \<i\>" in page


def test_an_annotation_a_clause_required_ones_first() -> None:
    polite = a_failure("greets", level="advisory", instead="silent")

    assert list(workflow_commands(a_document(polite, a_failure("holds", instead="one\n100 % two")))) == [
        "::error file=smoke/test_odd.py,line=7,title=It holds.::one%0A100 %25 two",
        "::warning file=smoke/test_odd.py,line=7,title=It greets.::silent",
    ]


def test_a_clause_that_no_case_of_its_own_broke_has_its_reason() -> None:
    (line,) = workflow_commands(a_document(FOUR[1]))

    assert line == "::error title=It holds.::it let go"


def test_of_several_cases_the_one_that_blames_the_clause_speaks() -> None:
    other, own = a_failure("holds", instead="other", promise="crashes"), a_failure("holds", instead="own")
    clause = ClauseRecord(clause=own.clause, outcome="failed", cases=other.cases + own.cases)

    assert next(workflow_commands(a_document(clause))).endswith("::own")
