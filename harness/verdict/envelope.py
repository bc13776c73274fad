"""A statement, signed: one DSSE envelope a line, in the file beside the artifact.

Owns the one spelling that an envelope may have, and which line of a file a new one replaces. Whose
signature counts is for `harness.gate`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jsonschema
from securesystemslib.dsse import Envelope

from harness.verdict.attestation import MalformedError, canonical, parse, read
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securesystemslib.signer import Signer

    from harness.verdict.attestation import Attested

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def file_beside(artifact: Path) -> Path:
    """Where the statements on an artifact are."""
    return artifact.with_name(f"{artifact.name}.intoto.jsonl")


def seal(statement: object, signer: Signer) -> bytes:
    """Sign a statement; the result is one line."""
    envelope = Envelope(canonical(statement), PAYLOAD_TYPE, {})
    envelope.sign(signer)
    content = envelope.to_dict()
    _validator().validate(content)
    return canonical(content) + b"\n"


def unseal(line: bytes) -> Envelope:
    """Decode one line; whether its signature is any good is not looked at.

    Raises:
        MalformedError: it is no envelope, or it is spelt in another way than `seal` spells it.
    """
    try:
        content = parse(line)
        _validator().validate(content)
        envelope = Envelope.from_dict(cast("dict[str, Any]", content))
    except (jsonschema.ValidationError, ValueError) as error:
        raise MalformedError("is no signed in-toto statement") from error
    # Else bits that no decoder reads could be changed, and two readers could see two envelopes.
    if canonical(envelope.to_dict()) + b"\n" != line:
        raise MalformedError("is not in its canonical form")
    return envelope


def add(path: Path, line: bytes) -> None:
    """Add a line of `seal` to a file, in place of those that it supersedes.

    Superseded are statements on the same file in the same setting, whatever they say, and statements on
    other bytes. What cannot be read stays, so that the gate complains of it.
    """
    before = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    write_whole(path, b"".join((*_kept(before, line), line)))


def _kept(before: list[bytes], line: bytes) -> Iterator[bytes]:
    new = read(unseal(line).payload)
    for old_line in before:
        old = _read_if_whole(old_line)
        if old is None:
            yield old_line.rstrip(b"\n") + b"\n"  # one that was cut off must not spoil the new one
        elif old.sha256 == new.sha256 and old.setting != new.setting:
            yield old_line


def _read_if_whole(line: bytes) -> Attested | None:
    try:
        return read(unseal(line).payload)
    except MalformedError:
        return None


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(Path(__file__).with_name("envelope.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)
