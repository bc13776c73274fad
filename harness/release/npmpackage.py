"""What an npm package says of itself in its `package.json`, and whether that makes sense.

Where the file comes from, an archive or a directory, is for others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.release import semver

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "package.json"
MEMBER = f"package/{FILE_NAME}"  # npm packs everything into a directory of this name


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageJson:
    """A package: `commands` are its programs, `node` is the range of versions that it accepts ("" for any)."""

    name: str
    version: str
    commands: tuple[str, ...]
    node: str


def parse(content: bytes) -> PackageJson:
    """Read a `package.json`; ValueError, in the form "has no name", when it says nothing that can be used."""
    said = _load(content)
    name, version = said.get("name"), said.get("version")
    if not isinstance(name, str) or not name:
        raise ValueError("has no name in its package.json")
    if not isinstance(version, str) or not semver.is_version(version):
        raise ValueError(f"has no version that npm understands in its package.json: '{version}'")
    return PackageJson(name=name, version=version, commands=_commands(name, said.get("bin")), node=_node(said))


def is_source(directory: Path) -> bool:
    """Whether a directory is the source of an npm package; one of Python may hold a `package.json` as well."""
    return (directory / FILE_NAME).is_file() and not (directory / "pyproject.toml").is_file()


def _load(content: bytes) -> dict[str, object]:
    try:
        said = json.loads(content)
    except ValueError as error:
        raise ValueError(f"has a package.json that nobody can read: {error}") from error
    if not isinstance(said, dict):
        raise ValueError("has a package.json that is no object")  # noqa: TRY004 -- one kind for all complaints
    return said


def _commands(name: str, said: object) -> tuple[str, ...]:
    """One program may be given by its path alone, and is then called like the package."""
    if isinstance(said, str):
        return (name.rpartition("/")[2],)
    return tuple(said) if isinstance(said, dict) else ()


def _node(said: dict[str, object]) -> str:
    engines = said.get("engines")
    wanted = engines.get("node", "") if isinstance(engines, dict) else ""
    if not isinstance(wanted, str) or not semver.is_range(wanted):
        raise ValueError(f"needs a Node that nobody can read: '{wanted}'")
    return wanted
