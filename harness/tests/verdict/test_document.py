"""Self-tests of `verdict.json`: real verdicts, whole and refused, are what the schema says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from harness.keeping import Kept
from harness.preparation import Preparation
from harness.release.artifact import Artifact
from harness.release.building import Source
from harness.release.environments import Environment
from harness.release.installation import Distribution, PythonInstallation
from harness.release.installers import Layout, Place
from harness.release.invocations import Invocation
from harness.tests.sessions.checkouts import SCHEMA, Checkout
from harness.tests.verdict.records import a_case, a_clause
from harness.verdict import document
from harness.verdict.evidence import ClauseRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHECKOUT = Path("/somewhere/checkout")
ARTIFACT = Artifact(
    path=CHECKOUT / "dist" / "odd-1.0-py3-none-any.whl",
    kind="wheel",
    name="odd",
    version="1.0",
    sha256="0" * 64,
    size=1234,
    requires_python="",
)
ENVIRONMENT = Environment(
    directory=Path("/environment"),
    python=Path("/environment/bin/python"),
    scripts=Path("/environment/bin"),
    site_packages=Path("/environment/lib"),
    base_python=Path("/python"),
    python_version="3.11.7",
)
LAYOUT = Layout(environment=ENVIRONMENT.directory, seeded=None)
INSTALLATION = PythonInstallation(
    name="odd",
    directory=Path("/environment"),
    place=Place(layout=LAYOUT, environment=ENVIRONMENT, seeded=None),
    scripts=ENVIRONMENT.scripts,
    base_python=ENVIRONMENT.base_python,
    python_version=ENVIRONMENT.python_version,
    installer="uv",
    installer_version="0.9",
    distributions=(Distribution(name="odd", version="1.0"),),
)
PREPARED = Preparation(
    source=Source(directory=CHECKOUT, revision="1" * 40, dirty=True),
    artifact=ARTIFACT,
    kept=Kept(installation=INSTALLATION),
    invocation=Invocation(name="console", title="odd", words=("/environment/bin/odd",)),
)


def validate(content: object) -> None:
    """What is written must be what the schema says."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(content)


def assemble(preparation: Preparation, reference: str = "fixtures/odd") -> document.Document:
    """A document on a run in which one promise was kept."""
    record = ClauseRecord(clause=a_clause(), outcome="passed", cases=(a_case(),))
    return document.assemble(
        verdict="passed",
        reason="",
        reference=reference,
        preparation=preparation,
        clauses=(record,),
        started_at=0.0,
        seconds=1.23456,
        system="Linux",
        checkout=CHECKOUT,
    )


def test_a_whole_document() -> None:
    made = assemble(PREPARED, str(CHECKOUT / "fixtures" / "odd"))

    validate(json.loads(json.dumps(made)))
    assert made["artifact"] == {
        "reference": "fixtures/odd",
        "file": "dist/odd-1.0-py3-none-any.whl",
        "kind": "wheel",
        "name": "odd",
        "version": "1.0",
        "sha256": "0" * 64,
        "bytes": 1234,
        "source_revision": "1" * 40,
        "source_dirty": True,
    }
    assert made["installation"] == {
        "installer": "uv",
        "installer_version": "0.9",
        "invocation": "console",
        "interpreter": "Python 3.11.7",
        "python": "3.11.7",
        "platform": "Linux",
        "isolation": "environment",
        "kept_since": None,
        "remark": "",
        "distributions": [{"name": "odd", "version": "1.0"}],
    }
    assert (made["started_at"], made["seconds"]) == ("1970-01-01T00:00:00+00:00", 1.235)


def test_a_file_elsewhere_is_named_whole() -> None:
    assert assemble(Preparation(), "/elsewhere/odd.whl")["artifact"]["reference"] == "/elsewhere/odd.whl"


def test_what_a_run_did_not_get_to_know_is_null() -> None:
    made = assemble(Preparation())

    validate(json.loads(json.dumps(made)))
    assert made["installation"] is None
    assert made["artifact"]["sha256"] is None


def test_a_refusal() -> None:
    made = document.refusal(reference="nowhere", reason="there is no 'nowhere'", started_at=0.0)

    validate(json.loads(json.dumps(made)))
    assert (made["verdict"], made["reason"]) == ("usage-error", "there is no 'nowhere'")


def passing(_checkout: Checkout) -> tuple[str, ...]:
    return ()


def refused(_checkout: Checkout) -> tuple[str, ...]:
    return ("--installer", "none")


def unusable(checkout: Checkout) -> tuple[str, ...]:
    checkout.wheel.write_bytes(b"nothing")
    return ()


@pytest.mark.parametrize("prepare", [passing, refused, unusable])
def test_a_real_verdict(tmp_path: Path, prepare: Callable[[Checkout], tuple[str, ...]]) -> None:
    checkout = Checkout(tmp_path)

    validate(checkout.smoke(*prepare(checkout)).document)


@pytest.mark.parametrize(
    "change",
    [{"surplus": 1}, {"verdict": "fine"}, {"schema": 2}, {"started_at": "today"}, {"clauses": [{"id": "keeps"}]}],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses_what_no_verdict_is(change: Mapping[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate({**json.loads(json.dumps(assemble(PREPARED))), **change})
