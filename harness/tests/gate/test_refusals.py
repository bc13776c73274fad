"""Self-tests of the gate on one file: what is good passes, everything else is refused with one line that says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from harness.gate.inspection import Passed
from harness.gate.policy import Acceptance, Policy, Trust
from harness.tests.gate.releases import assert_refused, fail, run_of, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.tests.gate.releases import Content, Release

TODAY = datetime.now(timezone.utc).date()
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def test_what_was_smoked_and_signed_passes(release: Release) -> None:
    found = release.inspect()

    assert isinstance(found, Passed), found
    assert (found.file, str(found.part), found.version) == (release.wheel, "wheel of 'odd'", "1.0")


def provenance(content: Content) -> None:
    content["predicateType"] = "https://slsa.dev/provenance/v1"


def no_statement(content: Content) -> None:
    content.clear()


def made_up_result(content: Content) -> None:
    content["predicate"]["result"] = "FINE"


def malformed_digest(content: Content) -> None:
    content["subject"][0]["digest"]["sha256"] += "\n"


def second_subject(content: Content) -> None:
    content["subject"] *= 2


def passed_with_failures(content: Content) -> None:
    content["predicate"]["failedTests"] = ["starts"]


def no_contract(content: Content) -> None:
    del content["predicate"]["configuration"][0]


def no_such_day(content: Content) -> None:
    run_of(content)["startedAt"] = "2026-02-31T00:00:00+00:00"


def surplus(content: Content) -> None:
    content["surplus"] = True


def future(content: Content) -> None:
    run_of(content)["startedAt"] = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat(timespec="seconds")


def fewer_clauses(content: Content) -> None:
    content["predicate"]["passedTests"].remove("says_its_version")


def fewer_advisory_clauses(content: Content) -> None:
    content["predicate"]["passedTests"].remove("writes_where_it_should")


def only_warned_of(content: Content) -> None:
    warn(content)
    content["predicate"]["passedTests"].remove("starts")
    content["predicate"]["warnedTests"] = ["starts"]
    content["predicate"]["passedTests"].append("writes_where_it_should")


def another_contract(content: Content) -> None:
    content["predicate"]["configuration"][0]["digest"]["sha256"] = "0" * 64


def another_harness(content: Content) -> None:
    content["predicate"]["configuration"][1]["digest"]["dirHash"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (provenance, "is no test result but of the type 'https://slsa.dev/provenance/v1'"),
        (no_statement, "is no in-toto statement"),
        (made_up_result, "is malformed: '\\$.predicate"),
        (malformed_digest, "is malformed: '\\$.subject"),
        (second_subject, "is malformed: '\\$.subject"),
        (passed_with_failures, "is malformed: '\\$.predicate"),
        (no_contract, "is malformed: '\\$.predicate.configuration"),
        (no_such_day, "is malformed: .*day"),
        (surplus, "is malformed: .*surplus"),
        (future, "is from the future: 20"),
        (fail, "statement of the smoke on Python [0-9.]+ with uv says FAILED: starts$"),
        (warn, "misses an advisory clause that nobody accepted: writes_where_it_should"),
        (fewer_clauses, "lacks clauses that there are now: says_its_version"),
        (fewer_advisory_clauses, "lacks clauses that there are now: writes_where_it_should"),
        (only_warned_of, "only warns of what is not advisory: starts"),
        (another_contract, "was made under another contract than 'odd-1' as it is now"),
        (another_harness, "was made by another harness, or other cases, than there are now"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_signed_statement_that_does_not_hold_is_refused(
    release: Release, change: Callable[[Content], None], reason: str
) -> None:
    release.sign(release.changed(change))

    assert_refused(release, reason)


def test_a_failure_beside_a_pass_refuses_whichever_is_the_later(release: Release) -> None:
    passed, failed = release.content, release.changed(fail)

    for lines in ((passed, failed), (failed, passed)):
        release.sign(*lines)
        assert_refused(release, "says FAILED: starts")


def test_one_line_that_nobody_can_explain_refuses(release: Release) -> None:
    with release.statements.open("ab") as stream:
        stream.write(b"{}\n")

    assert_refused(release, "statement 2 is no signed in-toto statement")


def test_an_advisory_miss_can_be_accepted_until_a_day(release: Release) -> None:
    release.sign(release.changed(warn))
    accepted = Acceptance(clause="writes_where_it_should", reason="known", expires=TODAY)

    assert isinstance(release.inspect(Policy(accepted=(accepted,))), Passed)
    assert isinstance(release.inspect(Policy(accepted=(replace(accepted, clause=""),))), Passed)
    assert_refused(release, "nobody accepted", Policy(accepted=(replace(accepted, clause="another"),)))
    expired = Policy(accepted=(replace(accepted, expires=YESTERDAY),))
    assert_refused(release, f"was accepted until {YESTERDAY}: writes_where_it_should", expired)


def test_a_key_is_trusted_until_a_day(release: Release) -> None:
    def policy(day: date) -> Policy:
        return Policy(trusted=(Trust(file=release.public, expires=day),))

    assert isinstance(release.inspect(policy(TODAY)), Passed)
    assert_refused(release, f"which was trusted until {YESTERDAY}", policy(YESTERDAY))


def test_a_statement_is_recent_until_an_age(release: Release) -> None:
    started = datetime.fromisoformat(run_of(release.content)["startedAt"])
    policy = Policy(max_age=timedelta(hours=1))

    assert isinstance(release.inspect(policy, now=started + timedelta(hours=1)), Passed)
    late = started + timedelta(hours=1, seconds=1)
    assert_refused(release, r"is too old: 20.* is more than 1:00:00 ago", policy, now=late)


def test_clocks_may_differ_a_little(release: Release) -> None:
    started = datetime.fromisoformat(run_of(release.content)["startedAt"])

    assert isinstance(release.inspect(now=started - timedelta(minutes=5)), Passed)
    assert_refused(release, "is from the future", now=started - timedelta(minutes=5, seconds=1))


def test_the_settings_that_must_have_been_smoked(release: Release) -> None:
    here = release.content
    python = ".".join(run_of(here)["python"].split(".")[:2])
    with_pip = release.changed(lambda content: run_of(content).update(installer="pip"))

    assert isinstance(release.inspect(Policy(pythons=(python,))), Passed)
    assert isinstance(release.inspect(Policy(installers=("uv",))), Passed)
    assert_refused(release, "was not smoked on Python 3.99$", Policy(pythons=(python, "3.99")))
    both = Policy(pythons=(python,), installers=("uv", "pip"))
    assert_refused(release, f"was not smoked on Python {python} with pip$", both)
    release.sign(here, with_pip)
    assert isinstance(release.inspect(both), Passed)


def test_what_does_not_apply_on_a_machine_is_not_missed(release: Release) -> None:
    def skip(content: Content) -> None:
        content["predicate"]["passedTests"].remove("writes_where_it_should")
        run_of(content)["notApplicable"].append("writes_where_it_should")

    release.sign(release.changed(skip))

    assert isinstance(release.inspect(), Passed)
