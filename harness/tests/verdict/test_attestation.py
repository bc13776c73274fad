"""Self-tests of statements: what a verdict says, in in-toto's words, and nothing else passes for one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from harness.preparation import Preparation
from harness.tests.verdict.records import a_clause
from harness.tests.verdict.test_document import CHECKOUT, PREPARED
from harness.verdict import document
from harness.verdict.attestation import Configuration, MalformedError, NotAttestedError, canonical, read, statement
from harness.verdict.evidence import ClauseRecord, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIGURATION = Configuration(
    contract="odd-1.toml",
    contract_sha256="1" * 64,
    harness="2" * 64,
    installer="uv",
    invocation="console",
    python="3.11.7",
    platform="Linux-6.1-x86_64",
)
RECORDS = (
    ClauseRecord(clause=a_clause("keeps"), outcome="passed"),
    ClauseRecord(clause=a_clause("breaks"), outcome="failed", reason="it does"),
    ClauseRecord(clause=a_clause("tidies", level="advisory"), outcome="failed", reason="it does not"),
    ClauseRecord(clause=a_clause("prunes"), outcome="not-applicable", reason="no 'prune'"),
    ClauseRecord(clause=a_clause("upgrades", opt_in="--more"), outcome="not-selected"),
)


def a_document(
    verdict: Verdict, records: tuple[ClauseRecord, ...] = RECORDS, preparation: Preparation = PREPARED
) -> document.Document:
    return document.assemble(
        verdict=verdict,
        reason="",
        reference="fixtures/odd",
        preparation=preparation,
        clauses=records,
        started_at=0.0,
        seconds=1.0,
        system="Linux",
        checkout=CHECKOUT,
    )


def test_a_whole_statement() -> None:
    made = statement(a_document("failed"), CONFIGURATION, url="https://forge.example/runs/1")

    assert made == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "odd-1.0-py3-none-any.whl", "digest": {"sha256": "0" * 64}}],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": "FAILED",
            "url": "https://forge.example/runs/1",
            "configuration": [
                {"name": "contract", "digest": {"sha256": "1" * 64}, "annotations": {"file": "odd-1.toml"}},
                {"name": "harness", "digest": {"dirHash": "2" * 64}},
                {
                    "name": "run",
                    "annotations": {
                        "verdict": "failed",
                        "startedAt": "1970-01-01T00:00:00+00:00",
                        "python": "3.11.7",
                        "installer": "uv",
                        "invocation": "console",
                        "platform": "Linux-6.1-x86_64",
                        "notApplicable": ["prunes"],
                    },
                },
            ],
            "passedTests": ["keeps"],
            "warnedTests": ["tidies"],
            "failedTests": ["breaks"],
        },
    }


@pytest.mark.parametrize(
    ("verdict", "outcomes", "result"),
    [
        ("passed", "keeps", "PASSED"),
        ("warned", "keeps tidies", "WARNED"),
        ("failed", "keeps breaks", "FAILED"),
        ("unusable", "breaks", "FAILED"),
    ],
)
def test_the_result_of_a_verdict(verdict: Verdict, outcomes: str, result: str) -> None:
    records = tuple(record for record in RECORDS if record.clause.id in outcomes.split())

    made = read(canonical(statement(a_document(verdict, records), CONFIGURATION)))

    assert made.result == result
    assert made.passed | made.warned | made.failed == set(outcomes.split())


@pytest.mark.parametrize(
    "verdict", ["incomplete", "interrupted", "internal-error", "usage-error", "nothing-tested", "testbed-fault"]
)
def test_other_verdicts_attest_nothing(verdict: Verdict) -> None:
    with pytest.raises(NotAttestedError, match=f"a run whose verdict is '{verdict}' attests nothing"):
        statement(a_document(verdict), CONFIGURATION)


def test_what_never_got_to_be_a_file_has_no_statement() -> None:
    with pytest.raises(NotAttestedError, match="the artifact never got to be a file"):
        statement(a_document("unusable", preparation=Preparation()), CONFIGURATION)


def test_the_same_run_gives_the_same_bytes() -> None:
    first, second = (canonical(statement(a_document("failed"), CONFIGURATION)) for _ in range(2))

    assert first == second


def test_the_setting_of_a_smoke() -> None:
    attested = read(canonical(statement(a_document("failed"), CONFIGURATION)))
    other = replace(attested, configuration=replace(CONFIGURATION, python="3.11.8", platform="Linux-7.0-aarch64"))

    assert attested.setting == ("3.11", "uv", "Linux", "console") == other.setting
    by_module = replace(attested, configuration=replace(CONFIGURATION, invocation="module"))
    assert by_module.setting == ("3.11", "uv", "Linux", "module")


def made_up_result(content: dict[str, Any]) -> None:
    content["predicate"]["result"] = "FINE"


def malformed_digest(content: dict[str, Any]) -> None:
    content["subject"][0]["digest"]["sha256"] = "sha256 of the file"


def no_harness(content: dict[str, Any]) -> None:
    del content["predicate"]["configuration"][1]


@pytest.mark.parametrize("change", [made_up_result, malformed_digest, no_harness])
def test_what_the_library_lets_through_is_malformed(change: Callable[[dict[str, Any]], None]) -> None:
    content = cast("dict[str, Any]", statement(a_document("failed"), CONFIGURATION))
    change(content)

    Statement.copy_from_pb(ParseDict(content, StatementMessage())).validate()
    with pytest.raises(MalformedError, match=r"is malformed: '\$"):
        read(canonical(content))


def test_what_the_library_refuses_is_malformed() -> None:
    content = statement(a_document("failed"), CONFIGURATION) | {"subject": []}

    with pytest.raises(MalformedError, match="is malformed: At least one subject required"):
        read(canonical(content))


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b'{"predicateType": 1}', "not in its canonical form"),
        (b'{"predicateType":1,"predicateType":1}', "not in its canonical form"),
        (b"[]", "is no in-toto statement"),
        (b'"text"', "is no in-toto statement"),
        (b"{}", "is no in-toto statement"),
        (b'{"predicateType":"https://slsa.dev/provenance/v1"}', "is no test result but of the type"),
    ],
)
def test_what_is_no_statement(payload: bytes, complaint: str) -> None:
    with pytest.raises(MalformedError, match=complaint):
        read(payload)


def test_a_complaint_stays_one_short_line() -> None:
    content = statement(a_document("failed"), CONFIGURATION) | {"subject": [{"name": "a\nb" * 1000, "digest": {}}]}

    with pytest.raises(MalformedError) as caught:
        read(canonical(content))

    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def test_the_payload_is_what_any_json_reader_reads() -> None:
    made = statement(a_document("failed"), CONFIGURATION)

    assert json.loads(canonical(made)) == made
