"""Self-tests of the gate on one file: what is good passes, everything else is refused with one line that says why."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from harness.gate.inspection import Passed
from harness.gate.policy import Acceptance, Policy, Trust
from harness.tests.gate.releases import run_of
from harness.tests.release.projects import pack_wheel
from harness.verdict.keys import write_pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.tests.gate.releases import Content, Release

TODAY = datetime.now(timezone.utc).date()
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def warn(content: Content) -> None:
    """Let the release miss its advisory clause."""
    content["predicate"]["result"] = "WARNED"
    content["predicate"]["passedTests"].remove("writes_where_it_should")
    content["predicate"]["warnedTests"] = ["writes_where_it_should"]
    run_of(content)["verdict"] = "warned"


def fail(content: Content) -> None:
    """Let the release break a promise."""
    content["predicate"]["result"] = "FAILED"
    content["predicate"]["passedTests"].remove("starts")
    content["predicate"]["failedTests"] = ["starts"]
    run_of(content)["verdict"] = "failed"


def assert_refused(release: Release, reason: str, policy: Policy | None = None, *, now: datetime | None = None) -> None:
    """Refused, with this as the only line."""
    found = release.inspect(policy, now=now)
    assert not isinstance(found, Passed)
    (line,) = found
    assert re.search(reason, line), line
    assert "\n" not in line


def test_what_was_smoked_and_signed_passes(release: Release) -> None:
    found = release.inspect()

    assert isinstance(found, Passed), found
    assert (found.file, str(found.part), found.version) == (release.wheel, "wheel of 'odd'", "1.0")


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] = ord("B" if content[position] == ord("A") else "A")
    path.write_bytes(content)


def flip_artifact(release: Release) -> None:
    flip(release.wheel, 40)


def cut_artifact(release: Release) -> None:
    release.wheel.write_bytes(release.wheel.read_bytes()[:-1])


def other_artifact(release: Release) -> None:
    pack_wheel(release.wheel, {"odd/__init__.py": ""}, headers=("Name: odd", "Version: 1.0"))


def flip_payload(release: Release) -> None:
    flip(release.statements, 50)


def flip_signature(release: Release) -> None:
    flip(release.statements, release.statements.read_bytes().index(b'"sig":"') + 20)


def flip_unused_bit(release: Release) -> None:
    # Of the last letter before `==`, only two of six bits are read.
    line = release.statements.read_bytes()
    position = line.rindex(b'=="') - 1
    release.statements.write_bytes(line[:position] + bytes([line[position] + 1]) + line[position + 1 :])


def cut_statement(release: Release) -> None:
    release.statements.write_bytes(release.statements.read_bytes()[:-100])


def cut_line_end(release: Release) -> None:
    release.statements.write_bytes(release.statements.read_bytes()[:-1])


def space(release: Release) -> None:
    release.statements.write_bytes(release.statements.read_bytes().replace(b'":"', b'": "', 1))


def empty(release: Release) -> None:
    release.statements.write_bytes(b"")


def remove(release: Release) -> None:
    release.statements.unlink()


def sign_with_another_key(release: Release) -> None:
    content = release.content
    release.key.unlink()
    trusted = release.public.read_bytes()
    release.public.unlink()
    write_pair(release.key)
    release.sign(content)
    release.public.write_bytes(trusted)


def claim_the_trusted_key(release: Release) -> None:
    trusted = json.loads(release.statements.read_bytes())["signatures"][0]["keyid"]
    sign_with_another_key(release)
    envelope = json.loads(release.statements.read_bytes())
    envelope["signatures"][0]["keyid"] = trusted
    release.statements.write_text(json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n")


def array(release: Release) -> None:
    release.statements.write_text("[]\n")


def deep(release: Release) -> None:
    release.statements.write_text("[" * 200_000 + "\n")


def verdict_instead(release: Release) -> None:
    release.statements.write_bytes((release.checkout / ".smoke" / "latest" / "verdict.json").read_bytes())


def huge(release: Release) -> None:
    with release.statements.open("ab") as stream:
        stream.truncate(1 << 30)


def directory(release: Release) -> None:
    release.statements.unlink()
    release.statements.mkdir()


def pipe(release: Release) -> None:
    release.statements.unlink()
    os.mkfifo(release.statements)


def rename(release: Release) -> None:
    other = release.wheel.with_name("odd-1.0-py2.py3-none-any.whl")
    release.statements.rename(other.with_name(f"{other.name}.intoto.jsonl"))
    release.wheel.rename(other)
    release.wheel.symlink_to(other)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (flip_artifact, "statement 1 is on other bytes: sha256 [0-9a-f]{64}, the file's is [0-9a-f]{64}$"),
        (cut_artifact, "is on other bytes"),
        (other_artifact, "is on other bytes"),
        (flip_payload, "has a signature that is not by 'release.key.pub', as it says"),
        (flip_signature, "has a signature that is not by 'release.key.pub', as it says"),
        (flip_unused_bit, "is not in its canonical form"),
        (cut_statement, "is not JSON, or not all of it"),
        (cut_line_end, "is not in its canonical form"),
        (space, "is not in its canonical form"),
        (empty, "has no statement, 'odd-1.0-py3-none-any.whl.intoto.jsonl' is empty"),
        (remove, "has no statement, there is no 'odd-1.0-py3-none-any.whl.intoto.jsonl' beside it"),
        (sign_with_another_key, "is signed by a key that is not trusted: [0-9a-f]{64}$"),
        (claim_the_trusted_key, "has a signature that is not by 'release.key.pub', as it says"),
        (array, "is no signed in-toto statement"),
        (deep, "is not JSON, or not all of it"),
        (verdict_instead, r"statement 1 is not JSON, or not all of it \(and \d+ more\)"),
        (huge, "has statements of more than 16777216 bytes"),
        (directory, "has no statement"),
        (pipe, "has no statement"),
        (rename, "is on a file of another name, 'odd-1.0-py3-none-any.whl'"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_spoilt_file_is_refused(release: Release, spoil: Callable[[Release], None], reason: str) -> None:
    spoil(release)

    assert_refused(release, reason)


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
