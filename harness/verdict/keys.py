"""Keys in files: Ed25519, as PEM, the private one readable by its owner alone.

One algorithm on purpose: its signatures have one spelling, and there is nothing to choose.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from harness.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_HINT = "'nox -s gate -- --new-key FILE' makes a pair"


def load_private(path: Path) -> CryptoSigner:
    """Read the key to sign with.

    Raises:
        UsageError: it cannot be read, others can read it, or it is no private key of ours.
    """
    content = _content(path)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UsageError(f"key '{path}' can be read by others", hint=f"chmod 600 '{path}'")
    try:
        key = load_pem_private_key(content, None)
    except TypeError as error:
        raise UsageError(f"key '{path}' is encrypted, and nobody is here to type a password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"'{path}' is no private key", hint=_HINT) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"key '{path}' is of another kind than Ed25519", hint=_HINT)
    return CryptoSigner(key)


def load_public(path: Path) -> SSlibKey:
    """Read a key to verify with.

    Raises:
        UsageError: it cannot be read, or is no public key of ours.
    """
    try:
        key = load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"'{path}' is no public key", hint="the file beside the private key, FILE.pub") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"key '{path}' is of another kind than Ed25519", hint=_HINT)
    return SSlibKey.from_crypto(key)


def write_pair(path: Path) -> Path:
    """Make a pair: the private key in `path`, the public one in the file beside it that is returned.

    Raises:
        UsageError: one of the files is there already, or cannot be written.
    """
    public = path.with_name(f"{path.name}.pub")
    signer = CryptoSigner.generate_ed25519()
    key = load_pem_private_key(signer.private_bytes, None).public_key()
    _write_new(public, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), mode=0o644)
    _write_new(path, signer.private_bytes, mode=0o600)
    return public


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"key '{path}' cannot be read: {error.strerror}") from error


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:  # noqa: PTH123 -- a descriptor
            stream.write(content)
    except OSError as error:
        raise UsageError(f"key '{path}' cannot be written: {error.strerror}") from error
