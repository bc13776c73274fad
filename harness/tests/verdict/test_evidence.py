"""Self-tests of the verdict: every row of its table, and which of them counts when several apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from harness.tests.values import assert_plain
from harness.tests.verdict.records import a_case, a_clause, sent
from harness.verdict.evidence import (
    CaseRecord,
    ClauseRecord,
    CommandRecord,
    Failure,
    Fate,
    exit_code,
    records,
    verdict_of,
)

if TYPE_CHECKING:
    from harness.verdict.clause import Clause, Outcome
    from harness.verdict.evidence import Verdict

CLAUSES = (a_clause("builds"), a_clause("keeps"), a_clause("greets", level="advisory"))
ALL = ("builds", "keeps", "greets")
COMMAND = CommandRecord(
    argv=("odd",),
    exit_code=0,
    ending="exited",
    seconds=0.1,
    network="outer",
    stdout="",
    stderr="",
    changes=(),
    tree=(),
    left_running=(),
)

FAILURE = Failure(promise="keeps", instead="it is lost", file="test_odd.py", line=1, kept=None, replay="again")


def judge(outcomes: tuple[Outcome, ...], fate: Fate | None = None) -> Verdict:
    """The verdict when the clauses above, in their order, come out like this."""
    run = fate or Fate(exit_status=0)
    cases = [a_case(name, outcome) for name, outcome in zip(ALL, outcomes, strict=True) if outcome != "not-selected"]
    selected = {case.id for case in cases}
    return verdict_of(records(CLAUSES, cases, selected, run), run)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (("passed", "passed", "passed"), "passed"),
        (("passed", "not-applicable", "passed"), "passed"),
        (("passed", "passed", "not-applicable"), "passed"),
        (("passed", "passed", "not-selected"), "passed"),
        (("passed", "passed", "failed"), "warned"),
        (("passed", "not-selected", "passed"), "incomplete"),
        (("passed", "not-run", "passed"), "incomplete"),
        (("passed", "not-run", "failed"), "incomplete"),
        (("passed", "failed", "passed"), "failed"),
        (("not-selected", "failed", "not-selected"), "failed"),
        (("failed", "failed", "failed"), "unusable"),
        (("not-selected", "not-selected", "not-selected"), "nothing-tested"),
        (("not-run", "not-run", "not-run"), "nothing-tested"),
        (("not-applicable", "not-applicable", "not-applicable"), "nothing-tested"),
        (("not-applicable", "not-applicable", "passed"), "nothing-tested"),
        (("not-applicable", "not-applicable", "failed"), "nothing-tested"),
    ],
    ids=lambda value: "-".join(outcome[:8] for outcome in value) if isinstance(value, tuple) else value,
)
def test_each_row(outcomes: tuple[Outcome, ...], verdict: Verdict) -> None:
    assert judge(outcomes) == verdict


@pytest.mark.parametrize(
    ("exit_status", "verdict"),
    [
        (pytest.ExitCode.INTERRUPTED, "interrupted"),
        (pytest.ExitCode.INTERNAL_ERROR, "internal-error"),
        (pytest.ExitCode.USAGE_ERROR, "usage-error"),
    ],
)
def test_what_ended_pytest_counts_more_than_what_was_missed(exit_status: int, verdict: Verdict) -> None:
    fate = Fate(exit_status=exit_status)

    assert judge(("passed", "not-run", "failed"), fate) == verdict
    assert judge(("passed", "failed", "failed"), fate) == "failed"


@pytest.mark.parametrize("fault", ["testbed-fault", "unusable", "usage-error"])
def test_a_fault_counts_more_than_any_case(fault: Literal["testbed-fault", "unusable", "usage-error"]) -> None:
    fate = Fate(exit_status=1, fault=fault, reason="why")

    assert judge(("passed", "failed", "failed"), fate) == fault
    assert judge(("passed", "passed", "passed"), fate) == fault


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("passed", 0),
        ("warned", 0),
        ("failed", 1),
        ("interrupted", 2),
        ("internal-error", 3),
        ("usage-error", 4),
        ("nothing-tested", 5),
        ("unusable", 6),
        ("testbed-fault", 7),
        ("incomplete", 42),
    ],
)
def test_each_exit_code(verdict: Verdict, code: int) -> None:
    assert exit_code(verdict, strict=False, pytest_says=42) == code


def test_strict_makes_a_warning_an_error_and_nothing_else() -> None:
    assert exit_code("warned", strict=True, pytest_says=0) == 1
    assert exit_code("passed", strict=True, pytest_says=0) == 0


def outcome_of(
    clause: Clause, cases: list[CaseRecord], selected: set[str], fate: Fate | None = None
) -> tuple[str, str]:
    """How one clause comes out, and why."""
    (record,) = records((clause,), cases, selected, fate or Fate(exit_status=0))
    return record.outcome, record.reason


def test_one_failed_case_fails_its_clause() -> None:
    cases = [a_case("keeps[a]"), a_case("keeps[b]", "failed", reason="b is lost")]

    assert outcome_of(a_clause(cases=2), cases, {"keeps[a]", "keeps[b]"}) == ("failed", "b is lost")


def test_a_failure_counts_even_where_not_all_was_selected() -> None:
    assert outcome_of(a_clause(cases=2), [a_case("keeps[b]", "failed")], {"keeps[b]"})[0] == "failed"


def test_a_part_of_the_cases_is_not_the_clause() -> None:
    outcome = outcome_of(a_clause(cases=2), [a_case("keeps[a]")], {"keeps[a]"})

    assert outcome == ("not-selected", "1 of 2 cases selected")


def test_cases_that_were_selected_and_never_ran() -> None:
    outcome = outcome_of(a_clause(cases=2), [a_case("keeps[a]")], {"keeps[a]", "keeps[b]"})

    assert outcome == ("not-run", "1 of 2 cases ran")


def test_a_case_that_never_ran_counts_more_than_one_that_passed() -> None:
    cases = [a_case("keeps[a]"), a_case("keeps[b]", "not-run", reason="its worker died")]

    assert outcome_of(a_clause(cases=2), cases, {"keeps[a]", "keeps[b]"}) == ("not-run", "its worker died")


@pytest.mark.parametrize(("promised", "number"), [(1, 2), (300, 300)], ids=["more than the marks say", "hundreds"])
def test_a_clause_passes_with_all_of_its_cases(promised: int, number: int) -> None:
    cases = [a_case(f"keeps[{each}]") for each in range(number)]

    assert outcome_of(a_clause(cases=promised), cases, {case.id for case in cases}) == ("passed", "")


def test_cases_that_do_not_apply_leave_the_proof_to_the_others() -> None:
    cases = [
        a_case("keeps[a]", "not-applicable", reason="no wings"),
        a_case("keeps[b]"),
        a_case("keeps[c]", "not-applicable", reason="no fins"),
    ]

    outcome = outcome_of(a_clause(cases=3), cases, {case.id for case in cases})

    assert outcome == ("passed", "2 of 3 cases do not apply: no wings")


def test_a_clause_does_not_apply_when_none_of_its_cases_does() -> None:
    cases = [
        a_case("keeps[a]", "not-applicable", reason="no wings"),
        a_case("keeps[b]", "not-applicable", reason="no fins"),
    ]

    assert outcome_of(a_clause(cases=2), cases, {case.id for case in cases}) == ("not-applicable", "no wings")


def test_a_name_that_starts_alike_is_another_clause() -> None:
    assert outcome_of(a_clause("keep"), [a_case("keeps")], {"keeps"}) == ("not-selected", "not selected")


def test_the_stage_that_broke_fails_its_clause_whatever_was_selected() -> None:
    fate = Fate(exit_status=0, fault="unusable", stage="builds", reason="no parts left")

    assert outcome_of(a_clause("builds"), [], set(), sent(fate)) == ("failed", "no parts left")
    assert outcome_of(a_clause("answers"), [], set(), fate) == ("not-selected", "not selected")


def test_an_opt_in_that_was_not_given_is_missed_by_nobody() -> None:
    clauses = (a_clause("keeps"), a_clause("expected", opt_in="--more"))
    fate = Fate(exit_status=0)
    outcome = records(clauses, [a_case("keeps")], {"keeps"}, fate)

    assert [record.outcome for record in outcome] == ["passed", "not-selected"]
    assert verdict_of(outcome, fate) == "passed"


def test_an_opt_in_that_was_given_and_did_not_run_is_missed() -> None:
    clauses = (a_clause("keeps"), a_clause("expected", opt_in="--more"))
    fate = Fate(exit_status=0)
    outcome = records(clauses, [a_case("keeps")], {"keeps", "expected"}, fate)

    assert verdict_of(outcome, fate) == "incomplete"


def test_a_breach_fails_the_invariant_that_it_breaks() -> None:
    clauses = (a_clause("keeps"), a_clause("quiet"))
    cases = [a_case("keeps", "failed", reason="printed a traceback", breaches="quiet"), a_case("quiet")]
    keeps, quiet = records(clauses, cases, {"keeps", "quiet"}, Fate(exit_status=1))

    assert (keeps.outcome, quiet.outcome) == ("failed", "failed")
    assert quiet.reason == "printed a traceback"
    assert [case.id for case in quiet.cases] == ["keeps", "quiet"]
    assert [case.id for case in keeps.cases] == ["keeps"]


def test_a_breach_counts_from_whatever_case_and_the_first_one_is_told() -> None:
    cases = [
        a_case("visits", reason="printed a traceback", breaches="quiet"),
        a_case("keeps", reason="printed another", breaches="quiet"),
        a_case("quiet"),
    ]
    (quiet,) = records((a_clause("quiet"),), cases, {"quiet"}, Fate(exit_status=1))

    assert (quiet.outcome, quiet.reason) == ("failed", "printed a traceback")
    assert [case.id for case in quiet.cases] == ["keeps", "quiet", "visits"]


def test_a_case_that_breaches_its_own_clause_is_told_once_and_in_its_own_words() -> None:
    cases = [
        a_case("quiet", "failed", reason="was loud", breaches="quiet"),
        a_case("visits", reason="printed a traceback", breaches="quiet"),
    ]
    (quiet,) = records((a_clause("quiet"),), cases, {"quiet"}, Fate(exit_status=1))

    assert (quiet.outcome, quiet.reason) == ("failed", "was loud")
    assert [case.id for case in quiet.cases] == ["quiet", "visits"]


def test_cases_are_told_in_the_order_of_their_ids() -> None:
    cases = [a_case("keeps[b]"), a_case("keeps[a]")]
    (record,) = records((a_clause(cases=2),), cases, {"keeps[a]", "keeps[b]"}, Fate(exit_status=0))

    assert [case.id for case in record.cases] == ["keeps[a]", "keeps[b]"]


@pytest.mark.parametrize(
    "value",
    [COMMAND, FAILURE, a_case(), ClauseRecord(clause=a_clause(), outcome="passed"), Fate(exit_status=0)],
    ids=lambda value: type(value).__name__,
)
def test_evidence_cannot_be_changed(value: object) -> None:
    assert_plain(value)


def test_a_case_that_never_began_took_no_time() -> None:
    case = CaseRecord(id="keeps", clause="keeps", outcome="not-run")

    assert (case.started, case.seconds) == (0, 0)
