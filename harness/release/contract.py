"""What the version under test calls things: command words, messages, features, read from TOML.

One file per line of releases. A command that a contract lacks does not exist in that version, and
clauses that need it are not applicable. What the words mean is the business of the cases.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from harness.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from harness.release.artifact import Artifact

_RELEASE_KEYS = ("distributions", "versions", "executable", "runtime_root_variable")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """The words of one line of releases."""

    path: Path
    distributions: tuple[str, ...]
    versions: SpecifierSet
    executable: str
    runtime_root_variable: str
    commands: Mapping[str, tuple[str, ...]]
    messages: Mapping[str, re.Pattern[str]]
    features: Mapping[str, str]

    @property
    def name(self) -> str:
        """What `--contract` calls it."""
        return self.path.stem

    def is_for(self, artifact: Artifact) -> bool:
        """Whether the artifact belongs to this line of releases."""
        names = {canonicalize_name(name) for name in self.distributions}
        return canonicalize_name(artifact.name) in names and self.versions.contains(artifact.version, prereleases=True)

    def lacks(self, needs: Collection[str]) -> tuple[str, ...]:
        """Those of the needed commands and features that this version does not have."""
        return tuple(need for need in needs if need not in self.commands and need not in self.features)


def load(path: Path) -> Contract:
    """Read one contract file.

    Raises:
        UsageError: the file is not TOML, lacks a key, has one too many, or a pattern does not compile.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        release = data["release"]
        _only_known(path, data, ("release", "commands", "messages", "features"))
        _only_known(path, release, _RELEASE_KEYS)
        return Contract(
            path=path,
            distributions=tuple(release["distributions"]),
            versions=SpecifierSet(release["versions"]),
            executable=release["executable"],
            runtime_root_variable=release["runtime_root_variable"],
            commands={name: tuple(words) for name, words in data.get("commands", {}).items()},
            messages={name: _pattern(path, name, text) for name, text in data.get("messages", {}).items()},
            features=data.get("features", {}),
        )
    except OSError as error:
        raise UsageError(f"contract '{path}' cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise UsageError(f"contract '{path}' lacks the key {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, InvalidSpecifier) as error:
        raise UsageError(f"contract '{path}' is not valid: {error}") from error


def choose(directory: Path, artifact: Artifact, wanted: str | None) -> Contract:
    """The contract that holds for an artifact: the one asked for by name or file, else the one that says so.

    Raises:
        UsageError: there is none; the message lists what there is.
    """
    shipped = {path.stem: path for path in sorted(directory.glob("*.toml"))}
    known = ", ".join(f"'{name}'" for name in shipped)
    if wanted is not None:
        path = shipped.get(wanted) or directory.parent.parent / wanted
        if not path.is_file():
            raise UsageError(f"no contract '{wanted}'", hint=f"there is {known}, or give a file")
        return load(path)
    for path in shipped.values():
        contract = load(path)
        if contract.is_for(artifact):
            return contract
    raise UsageError(
        f"no contract is for '{artifact.name}' {artifact.version}",
        hint=f"--contract takes {known}, or a file",
    )


def _only_known(path: Path, table: Mapping[str, object], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)
            raise UsageError(f"contract '{path}' has an unknown key '{key}'", hint=f"did you mean '{nearest[0]}'?")


def _pattern(path: Path, name: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.MULTILINE)
    except re.error as error:
        raise UsageError(f"contract '{path}': the pattern of message '{name}' does not compile: {error}") from error
