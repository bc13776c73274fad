"""Self-tests of keys: real files, made by us and by others."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from harness.errors import UsageError
from harness.verdict.keys import load_private, load_public, write_pair

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = stat.S_IRUSR | stat.S_IWUSR


def write_private(
    path: Path, key: rsa.RSAPrivateKey | Ed25519PrivateKey, encryption: KeySerializationEncryption | None = None
) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
    path.chmod(PRIVATE)
    return path


def an_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_a_pair(tmp_path: Path) -> None:
    public = write_pair(tmp_path / "K")

    assert public == tmp_path / "K.pub"
    assert stat.S_IMODE((tmp_path / "K").stat().st_mode) == PRIVATE
    assert load_private(tmp_path / "K").public_key == load_public(public)
    assert b"PRIVATE" not in public.read_bytes()


@pytest.mark.parametrize("there", ["K", "K.pub"])
def test_no_key_is_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")

    with pytest.raises(UsageError, match=f"key '.*{there}' cannot be written: File exists"):
        write_pair(tmp_path / "K")

    assert (tmp_path / there).read_text() == "precious"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    write_pair(tmp_path / "K")
    (tmp_path / "K").chmod(mode)

    with pytest.raises(UsageError, match="can be read by others; hint: chmod 600"):
        load_private(tmp_path / "K")


def test_a_key_with_a_password(tmp_path: Path) -> None:
    key = write_private(tmp_path / "K", Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret"))

    with pytest.raises(UsageError, match="is encrypted, and nobody is here to type a password"):
        load_private(key)


def test_keys_of_another_kind(tmp_path: Path) -> None:
    key = an_rsa_key()
    public = tmp_path / "K.pub"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    with pytest.raises(UsageError, match="is of another kind than Ed25519; hint: 'nox -s gate -- --new-key FILE'"):
        load_private(write_private(tmp_path / "K", key))
    with pytest.raises(UsageError, match="is of another kind than Ed25519"):
        load_public(public)


def test_one_key_taken_for_the_other(tmp_path: Path) -> None:
    public = write_pair(tmp_path / "K")
    public.chmod(PRIVATE)

    with pytest.raises(UsageError, match=r"'.*K' is no public key; hint: the file beside the private key"):
        load_public(tmp_path / "K")
    with pytest.raises(UsageError, match=r"'.*K\.pub' is no private key"):
        load_private(public)


def test_no_key_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"key '.*nowhere' cannot be read: No such file or directory"):
        load_private(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"key '.*' cannot be read: Is a directory"):
        load_public(tmp_path)
