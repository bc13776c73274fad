"""Compares RECORDs with what they describe: a wheel's own, and those of an environment.

Installers copy hashes from a wheel's RECORD without checking them, and some drop or add rows, so
that a lie may be left in either of the two only.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import posixpath
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.release.artifact import names, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.release.artifact import Artifact

_ALGORITHMS = {"sha256", "sha384", "sha512"}  # what the format allows

Listed = dict[Path, tuple[str, str]]  # normalized absolute path: hash and size, as RECORD writes them


def find(site_packages: Path, name: str) -> Distribution | None:
    """The distribution of that name, however it is spelt."""
    wanted = canonicalize_name(name)
    every = distributions(path=[str(site_packages)])
    return next((each for each in every if canonicalize_name(each.metadata["Name"]) == wanted), None)


def listed(distribution: Distribution, site_packages: Path) -> Listed:
    """Everything that a distribution's RECORD lists; nothing when it has none."""
    rows = _rows(distribution.read_text("RECORD") or "")
    return {Path(os.path.normpath(site_packages / name)): rows[name] for name in rows}


def mismatches(site_packages: Path, name: str, *, edited: Path | None = None) -> tuple[str, ...]:
    """Where the disk is not what the RECORD of a distribution says, one line a file.

    Files in the directory `edited` need only be there: the installer changed them once they were recorded.
    """
    distribution = find(site_packages, name)
    if distribution is None:
        return (f"'{name}' is not installed",)
    own = listed(distribution, site_packages)
    if not own:
        return (f"'{name}' has no RECORD",)
    checked = [path for path in own if path.parent != edited or not path.is_file()]
    complaints = [
        f"{_shown(path, site_packages)}: {said}" for path in checked if (said := _complaint(path, *own[path]))
    ]
    extra = [f"{_shown(path, site_packages)}: is not in RECORD" for path in _unlisted(own, site_packages)]
    return tuple(sorted([*complaints, *extra]))


def spoilt(site_packages: Path) -> tuple[str, ...]:
    """Files of an environment's packages that are not what the RECORD of theirs says, one line a file.

    Unlike `mismatches` it is about what installers put there from caches that nobody verifies: what is missing, added,
    outside of the packages, or in several RECORDs at once, is no sign of that.
    """
    claims: dict[Path, list[tuple[str, str]]] = {}
    for each in distributions(path=[str(site_packages)]):
        for path, row in listed(each, site_packages).items():
            if row[0] and path.is_relative_to(site_packages):
                claims.setdefault(path, []).append(row)
    single = {path: rows[0] for path, rows in claims.items() if len(rows) == 1 and path.is_file()}
    complaints = {path: _complaint(path, *row) for path, row in single.items()}
    return tuple(sorted(f"{_shown(path, site_packages)}: {said}" for path, said in complaints.items() if said))


def wheel_mismatches(artifact: Artifact) -> tuple[str, ...]:
    """The same for a wheel, before any installer has touched it; an sdist has no RECORD."""
    if artifact.kind != "wheel":
        return ()
    held = {member: read(artifact, member) for member in names(artifact)}
    rows = _rows(next((held[member].decode() for member in held if member.endswith(".dist-info/RECORD")), ""))
    wrong = {member: _difference(member, held.get(member), *rows[member]) for member in rows}
    extra = {member: "is not in RECORD" for member in held if member not in rows}
    return tuple(sorted(f"{member}: {said}" for member, said in (wrong | extra).items() if said))


def _rows(record: str) -> dict[str, tuple[str, str]]:
    padded = ([*row, "", ""] for row in csv.reader(record.splitlines()) if row)
    return {row[0]: (row[1], row[2]) for row in padded}


def _shown(path: Path, site_packages: Path) -> str:
    return Path(os.path.relpath(path, site_packages)).as_posix()


def _complaint(path: Path, recorded: str, size: str) -> str:
    content = path.read_bytes() if path.is_file() else None
    return _difference(path.name, content, recorded, size)


def _difference(name: str, content: bytes | None, recorded: str, size: str) -> str:
    if content is None:
        return "is missing"
    if posixpath.basename(name) == "RECORD" or (name.endswith(".pyc") and not recorded):
        return ""
    if size and size != str(len(content)):
        return f"has {len(content)} bytes where RECORD says {size}"
    algorithm, _, digest = recorded.partition("=")
    if algorithm not in _ALGORITHMS or not digest:
        return f"has no hash in RECORD that could be checked: '{recorded}'"
    actual = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).decode()
    return "" if actual.rstrip("=") == digest.rstrip("=") else "its content is not what RECORD says"


def _unlisted(own: Mapping[Path, tuple[str, str]], site_packages: Path) -> Iterator[Path]:
    """Files in the distribution's own directories that no distribution's RECORD lists."""
    everything = {path for each in distributions(path=[str(site_packages)]) for path in listed(each, site_packages)}
    for top in sorted({_top(path, site_packages) for path in own} - {None}, key=str):
        for path in sorted(Path(str(top)).rglob("*")):
            if not path.is_dir() and path not in everything and not _is_cache_of(path, everything):
                yield path


def _top(path: Path, site_packages: Path) -> Path | None:
    """The directory directly under site-packages that holds the file, if any does."""
    if not path.is_relative_to(site_packages) or path.parent == site_packages:
        return None
    return site_packages / path.relative_to(site_packages).parts[0]


def _is_cache_of(path: Path, sources: set[Path]) -> bool:
    source = path.parent.parent / f"{path.name.partition('.')[0]}.py"
    return path.suffix == ".pyc" and path.parent.name == "__pycache__" and source in sources
