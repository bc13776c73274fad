"""Self-tests of `--sign-key` in real sessions: what is signed, what is not, and where the key never gets to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.attesting import run_url
from harness.tests.sessions.endings import assert_refused
from harness.verdict.attestation import read
from harness.verdict.envelope import file_beside, unseal
from harness.verdict.keys import load_public, write_pair

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout
    from harness.verdict.attestation import Attested

ADVISORY = """
@pytest.mark.advisory
def test_is_even(odd):
    \"\"\"It is even.\"\"\"
    assert False
"""
REQUIRED = ADVISORY.replace("advisory", "required")


@pytest.fixture
def key(checkout: Checkout) -> Path:
    """A private key; the public one lies beside it."""
    path = checkout.directory.parent / "K"
    write_pair(path)
    return path


def attested(checkout: Checkout, key: Path) -> Attested:
    (line,) = file_beside(checkout.wheel).read_bytes().splitlines(keepends=True)
    envelope = unseal(line)
    assert envelope.verify([load_public(key.with_name("K.pub"))], 1)
    return read(envelope.payload)


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_a_pass_is_signed_by_workers_too(checkout: Checkout, key: Path, rung: str) -> None:
    checkout.rung = rung
    run = checkout.smoke("--sign-key", key, "-n", "2")

    assert run.exit_code == 0, run.output
    assert run.lines("statement: ") == [f"statement: {file_beside(checkout.wheel)}"]
    assert run.stdout.splitlines()[-1].startswith("verdict:   passed")
    statement, artifact = attested(checkout, key), run.document["artifact"]
    assert isinstance(artifact, dict)
    assert (statement.result, statement.sha256) == ("PASSED", artifact["sha256"])
    assert statement.passed == {"builds", "installs", "starts", "says_its_version"}


def test_two_runs_give_the_same_statement_but_for_the_time(checkout: Checkout, key: Path) -> None:
    payloads = []
    for _ in range(2):
        assert checkout.smoke("--sign-key", key).exit_code == 0
        attested(checkout, key)
        payloads.append(unseal(file_beside(checkout.wheel).read_bytes()).payload)

    first, second = (re.sub(rb'"startedAt":"[^"]+"', b"", payload) for payload in payloads)
    assert first == second


def test_the_key_gets_neither_into_the_evidence_nor_beside_the_artifact(checkout: Checkout, key: Path) -> None:
    checkout.add_cases(REQUIRED)
    run = checkout.smoke("--sign-key", key)

    secret = key.read_bytes().splitlines()[1]
    written = [path for path in run.evidence.rglob("*") if path.is_file()] + [file_beside(checkout.wheel)]
    assert len(written) > 3
    assert not [path for path in written if secret in path.read_bytes()]
    assert secret.decode() not in run.output


def test_an_advisory_miss_is_a_warning(checkout: Checkout, key: Path) -> None:
    checkout.add_cases(ADVISORY)
    run = checkout.smoke("--sign-key", key)

    assert run.verdict == "warned"
    statement = attested(checkout, key)
    assert (statement.result, *statement.warned) == ("WARNED", "is_even")


def test_a_failure_is_signed_and_takes_the_place_of_the_pass(checkout: Checkout, key: Path) -> None:
    assert checkout.smoke("--sign-key", key).verdict == "passed"
    checkout.add_cases(REQUIRED)
    run = checkout.smoke("--sign-key", key, "-k", "is_even")

    assert (run.verdict, run.exit_code) == ("failed", 1)
    statement = attested(checkout, key)
    assert (statement.result, *statement.failed) == ("FAILED", "is_even")


def test_a_release_that_does_not_start_is_a_failure(checkout: Checkout, key: Path) -> None:
    contract = checkout.directory / "smoke" / "contracts" / "odd-1.toml"
    contract.write_text(contract.read_text().replace('["--version"]', '["crash"]'))
    run = checkout.smoke("--sign-key", key)

    assert run.verdict == "unusable"
    statement = attested(checkout, key)
    assert (statement.result, *statement.failed) == ("FAILED", "starts")


def test_an_incomplete_run_attests_nothing(checkout: Checkout, key: Path) -> None:
    run = checkout.smoke("--sign-key", key, "-k", "starts")

    assert run.exit_code == 0
    assert run.lines("statement: ") == ["statement: none: a run whose verdict is 'incomplete' attests nothing"]
    assert not file_beside(checkout.wheel).exists()


def test_what_is_no_artifact_has_no_statement(checkout: Checkout, key: Path) -> None:
    checkout.wheel.write_bytes(b"nothing")
    run = checkout.smoke("--sign-key", key)

    assert run.verdict == "unusable"
    assert run.lines("statement: ") == ["statement: none: the run did not get as far as an artifact and its contract"]


def test_a_statement_that_cannot_be_written_is_no_pass(checkout: Checkout, key: Path) -> None:
    file_beside(checkout.wheel).mkdir()
    run = checkout.smoke("--sign-key", key)

    assert run.exit_code == 7
    assert run.lines("statement: ") == [
        f"statement: none: '{file_beside(checkout.wheel)}' cannot be written: Is a directory"
    ]


def test_nothing_is_signed_unasked(checkout: Checkout) -> None:
    run = checkout.smoke()

    assert run.exit_code == 0
    assert run.lines("statement: ") == []
    assert not file_beside(checkout.wheel).exists()


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ("nowhere", "key '.*nowhere' cannot be read: No such file or directory"),
        ("conftest.py", "key '.*conftest.py' can be read by others; hint: chmod 600"),
    ],
)
def test_no_key_is_found_out_before_anything_is_built(checkout: Checkout, place: str, complaint: str) -> None:
    run = checkout.smoke("--sign-key", place)

    assert_refused(run, checkout, complaint)
    assert run.verdict == "usage-error"


@pytest.mark.parametrize("place", ["dist/K", "evidence/K", "project/keys/K"])
def test_a_key_where_things_get_published_is_refused(checkout: Checkout, place: str) -> None:
    key = checkout.directory / place
    key.parent.mkdir(parents=True)
    write_pair(key)
    project = checkout.directory / "project"
    project.mkdir(exist_ok=True)
    (project / "pyproject.toml").write_text("")

    run = checkout.run("smoke", "--artifact", "project", "--evidence", "evidence", "--sign-key", place)

    assert run.exit_code == 4
    (line,) = run.lines("ERROR: ")
    assert f"lies in '{checkout.directory / place.partition('/')[0]}', which may get published" in line
    assert checkout.left_behind == []


def test_the_url_of_a_run_on_a_forge() -> None:
    environment = {"GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"}

    assert run_url(environment) == "https://forge.example/a/b/actions/runs/7"
    assert run_url({**environment, "GITHUB_RUN_ID": ""}) == ""
