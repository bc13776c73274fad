"""Self-tests of the gate on spoilt files: whatever happens to an artifact or to what lies beside it, it is refused."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from harness.tests.gate.releases import assert_refused
from harness.tests.release.projects import pack_wheel
from harness.verdict.keys import write_pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.tests.gate.releases import Release


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
