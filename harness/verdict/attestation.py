"""A verdict as an in-toto statement of type test-result: written from a document, read by the gate.

Owns which verdicts yield a statement, what it says, and its shape (`statement.schema.json`). Signing is
for `envelope`, what to make of a statement for `harness.gate`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, cast

import jsonschema
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.verdict.document import Document
    from harness.verdict.evidence import Verdict

PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
Result = Literal["PASSED", "WARNED", "FAILED"]
_RESULTS: Mapping[Verdict, Result] = {
    "passed": "PASSED",
    "warned": "WARNED",
    "failed": "FAILED",
    "unusable": "FAILED",
}


_LONGEST = 120


class NotAttestedError(Exception):
    """Why a run yields no statement, as a clause that can follow 'none: '."""


class MalformedError(Exception):
    """Why something is no statement of ours, in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """What a run was held to and installed with; `contract` is a file's name, `python` a version or what was asked."""

    contract: str
    contract_sha256: str
    harness: str
    installer: str
    invocation: str
    python: str
    platform: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Attested:
    """What a statement says of one smoke of one file; clauses are ids."""

    file: str
    sha256: str
    result: Result
    started_at: datetime
    configuration: Configuration
    passed: frozenset[str]
    warned: frozenset[str]
    failed: frozenset[str]
    not_applicable: frozenset[str]

    @property
    def setting(self) -> tuple[str, str, str, str]:
        """Python as `3.13`, installer, operating system, invocation.

        A new smoke of a file replaces the one in the same setting.
        """
        used = self.configuration
        python, system = ".".join(used.python.split(".")[:2]), used.platform.partition("-")[0]
        return python, used.installer, system, used.invocation


def statement(document: Document, configuration: Configuration, *, url: str = "") -> dict[str, object]:
    """Write the statement on a run; `url` is where its log can be read.

    Raises:
        NotAttestedError: the verdict says too little, or there is no file to make a statement on.
    """
    verdict, file = document["verdict"], document["artifact"]["file"]
    if verdict not in _RESULTS:
        raise NotAttestedError(f"a run whose verdict is '{verdict}' attests nothing")
    if file is None:
        raise NotAttestedError("the artifact never got to be a file")
    subject = ResourceDescriptor(name=Path(file).name, digest={"sha256": document["artifact"]["sha256"]})
    predicate = TestResult(
        result=_RESULTS[verdict],
        configuration=[descriptor.pb for descriptor in _configuration(document, configuration)],
        url=url,
        passed_tests=_clauses(document, "passed"),
        warned_tests=_clauses(document, "failed", level="advisory"),
        failed_tests=_clauses(document, "failed", level="required"),
    )
    made = Statement([subject.pb], PREDICATE_TYPE, MessageToDict(predicate))
    made.validate()
    content = cast("dict[str, object]", MessageToDict(made.pb))
    _validator().validate(content)
    return content


def read(payload: bytes) -> Attested:
    """Read a statement, having checked everything that can be checked without the file and the contract.

    Raises:
        MalformedError: it is no statement, one on something else than a smoke, or contradicts itself.
    """
    content = parse(payload)
    if canonical(content) != payload:
        raise MalformedError("holds a statement that is not in its canonical form")
    kind = content.get("predicateType") if isinstance(content, dict) else None
    if kind != PREDICATE_TYPE:
        raise MalformedError(f"is no test result but of the type {kind!r}" if kind else "is no in-toto statement")
    try:
        Statement.copy_from_pb(ParseDict(content, StatementMessage())).validate()
        _validator().validate(content)
        return _attested(cast("_Content", content))
    except jsonschema.ValidationError as error:
        raise MalformedError(f"is malformed: '{error.json_path}' {_shortened(error.message)}") from error
    except (ParseError, ValueError) as error:
        raise MalformedError(f"is malformed: {_shortened(str(error))}") from error


def parse(content: bytes) -> object:
    """Parse JSON from anybody.

    Raises:
        MalformedError: it is not JSON.
    """
    try:
        return cast("object", json.loads(content))
    except (ValueError, RecursionError) as error:
        raise MalformedError("is not JSON, or not all of it") from error


def canonical(content: object) -> bytes:
    """The one spelling as JSON that we write and accept."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


class _Annotations(TypedDict):
    file: str
    startedAt: str
    python: str
    installer: str
    invocation: str
    platform: str
    notApplicable: list[str]


class _Descriptor(TypedDict):
    name: str
    digest: dict[str, str]
    annotations: _Annotations


class _Predicate(TypedDict, total=False):
    result: Result
    configuration: tuple[_Descriptor, _Descriptor, _Descriptor]
    passedTests: list[str]
    warnedTests: list[str]
    failedTests: list[str]


class _Content(TypedDict):
    subject: tuple[_Descriptor]
    predicate: _Predicate


def _configuration(document: Document, used: Configuration) -> Iterator[ResourceDescriptor]:
    yield ResourceDescriptor(
        name="contract", digest={"sha256": used.contract_sha256}, annotations={"file": used.contract}
    )
    yield ResourceDescriptor(name="harness", digest={"dirHash": used.harness})
    yield ResourceDescriptor(
        name="run",
        annotations={
            "verdict": document["verdict"],
            "startedAt": document["started_at"],
            "python": used.python,
            "installer": used.installer,
            "invocation": used.invocation,
            "platform": used.platform,
            "notApplicable": _clauses(document, "not-applicable"),
        },
    )


def _clauses(document: Document, outcome: str, *, level: str = "") -> list[str]:
    return [
        clause["id"]
        for clause in document["clauses"]
        if clause["outcome"] == outcome and level in {"", clause["level"]}
    ]


def _attested(content: _Content) -> Attested:
    (subject,), predicate = content["subject"], content["predicate"]
    contract, harness, run = predicate["configuration"]
    annotations = run["annotations"]
    return Attested(
        file=subject["name"],
        sha256=subject["digest"]["sha256"],
        result=predicate["result"],
        started_at=datetime.fromisoformat(annotations["startedAt"]),
        configuration=Configuration(
            contract=contract["annotations"]["file"],
            contract_sha256=contract["digest"]["sha256"],
            harness=harness["digest"]["dirHash"],
            installer=annotations["installer"],
            invocation=annotations["invocation"],
            python=annotations["python"],
            platform=annotations["platform"],
        ),
        passed=frozenset(predicate.get("passedTests", ())),
        warned=frozenset(predicate.get("warnedTests", ())),
        failed=frozenset(predicate.get("failedTests", ())),
        not_applicable=frozenset(annotations["notApplicable"]),
    )


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(Path(__file__).with_name("statement.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _shortened(message: str) -> str:
    """One line of bearable length: the library quotes whole documents."""
    line = " ".join(message.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
