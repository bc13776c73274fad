"""Self-tests of envelopes: one spelling only, and which line of a file a new one replaces."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner

from harness.tests.verdict.test_attestation import CONFIGURATION, RECORDS, a_document
from harness.verdict.attestation import Configuration, MalformedError, read, statement
from harness.verdict.envelope import PAYLOAD_TYPE, add, file_beside, seal, unseal

if TYPE_CHECKING:
    from pathlib import Path

    from harness.verdict.evidence import Verdict

SIGNER = CryptoSigner.generate_ed25519()
ELSEWHERE = replace(CONFIGURATION, python="3.13.1")


def a_line(verdict: Verdict = "passed", configuration: Configuration = CONFIGURATION, *, sha256: str = "") -> bytes:
    """A signed statement on a run."""
    records = RECORDS[:1] if verdict == "passed" else RECORDS
    document = a_document(verdict, records)
    document["artifact"]["sha256"] = sha256 or document["artifact"]["sha256"]
    return seal(statement(document, configuration), SIGNER)


def test_a_statement_survives_its_envelope() -> None:
    envelope = unseal(a_line())

    assert read(envelope.payload).passed == {"keeps"}
    assert envelope.payload_type == PAYLOAD_TYPE == "application/vnd.in-toto+json"
    assert envelope.verify([SIGNER.public_key], 1)
    with pytest.raises(VerificationError):
        envelope.verify([CryptoSigner.generate_ed25519().public_key], 1)


def test_the_same_statement_and_key_give_the_same_line() -> None:
    assert a_line() == a_line()


def test_bits_that_no_decoder_reads_cannot_be_changed() -> None:
    line = a_line()
    position = line.rindex(b'=="') - 1
    other = line[:position] + bytes([line[position] + 1]) + line[position + 1 :]

    signatures = [json.loads(each)["signatures"][0]["sig"] for each in (line, other)]
    assert base64.b64decode(signatures[0]) == base64.b64decode(signatures[1])
    with pytest.raises(MalformedError, match="is not in its canonical form"):
        unseal(other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n", b""),
        (b"\n", b"\r\n"),
        (b'{"payload"', b'{ "payload"'),
        (b'{"payload"', b'{"p\\u0061yload"'),
        (b'{"payload"', b'{"payload":"e30=","payload"'),
    ],
)
def test_there_is_one_spelling(old: bytes, new: bytes) -> None:
    with pytest.raises(MalformedError, match="is not in its canonical form"):
        unseal(a_line().replace(old, new, 1))


def test_one_signature_and_no_more() -> None:
    content = json.loads(a_line())
    content["signatures"].append({**content["signatures"][0], "keyid": "0" * 64})

    with pytest.raises(MalformedError, match="is no signed in-toto statement"):
        unseal(json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n")


@pytest.mark.parametrize("line", [b"{}\n", b"1\n", b'{"payload":"","payloadType":"text","signatures":[]}\n'])
def test_json_of_another_kind(line: bytes) -> None:
    with pytest.raises(MalformedError, match="is no signed in-toto statement"):
        unseal(line)


def test_the_first_statement(tmp_path: Path) -> None:
    path = file_beside(tmp_path / "odd.whl")

    add(path, a_line())

    assert path.name == "odd.whl.intoto.jsonl"
    assert path.read_bytes() == a_line()


def test_a_new_smoke_in_the_same_setting_replaces_the_old_one_whatever_it_said(tmp_path: Path) -> None:
    path = tmp_path / "statements"
    for line in (a_line("passed"), a_line("failed"), a_line("passed")):
        add(path, line)
        assert path.read_bytes() == line


def test_a_smoke_in_another_setting_is_added(tmp_path: Path) -> None:
    path = tmp_path / "statements"
    add(path, a_line("failed"))
    add(path, a_line(configuration=ELSEWHERE))

    assert path.read_bytes() == a_line("failed") + a_line(configuration=ELSEWHERE)


def test_statements_on_other_bytes_go(tmp_path: Path) -> None:
    path = tmp_path / "statements"
    add(path, a_line(configuration=ELSEWHERE, sha256="3" * 64))
    add(path, a_line())

    assert path.read_bytes() == a_line()


def test_what_cannot_be_read_stays_and_spoils_no_other_line(tmp_path: Path) -> None:
    path = tmp_path / "statements"
    path.write_bytes(b"what\n" + a_line()[:50])
    add(path, a_line())

    assert path.read_bytes() == b"what\n" + a_line()[:50] + b"\n" + a_line()
