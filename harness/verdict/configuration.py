"""What a smoke was held to, by digest: the contract file, and the harness with its cases.

Owns which files count. Whoever attests a verdict and whoever checks the attestation must agree on them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HARNESS = Path(__file__).resolve().parents[1]
_JUDGES_NOTHING = {"gate", "proving", "soak", "tests", "__pycache__"}
_SUFFIXES = {".py", ".json"}


def digest_of_file(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def digest_of_harness(cases: Path) -> str:
    """The `dirHash` of the code that judges (in-toto's name): this package, and the cases in their directory.

    That is the sha256 of what `sha256sum` prints for these files, in the order of their names.
    """
    named = dict((*_files(_HARNESS), *_files(cases)))
    listing = "".join(f"{digest_of_file(named[name])}  {name}\n" for name in sorted(named))
    return hashlib.sha256(listing.encode()).hexdigest()


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    for path in root.rglob("*"):
        name = path.relative_to(root)
        if path.suffix in _SUFFIXES and not _JUDGES_NOTHING.intersection(name.parts):
            yield (root.name / name).as_posix(), path
