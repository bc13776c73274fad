"""What the version under test calls things: command words, messages, features, read from TOML.

One file per line of releases. A command that a contract lacks does not exist in that version, and
clauses that need it are not applicable. What the words mean is the business of the cases.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tomli
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from harness.release.artifact import Artifact

_NEEDED = (("commands", "version"), ("messages", "traceback"))  # what the harness itself goes by
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
        return canonicalize_name(artifact.name) in names and self.versions.contains(
            _comparable(artifact.version), prereleases=True
        )

    def lacks(self, needs: Collection[str]) -> tuple[str, ...]:
        """Those of the needed commands and features that this version does not have."""
        return tuple(need for need in needs if need not in self.commands and need not in self.features)


def load(path: Path) -> Contract:
    """Read one contract file.

    Raises:
        UsageError: the file is not TOML, lacks a key, has one too many, or a pattern does not compile.
    """
    try:
        data = tomli.loads(path.read_text(encoding="utf-8"))
        _only_known(path, data, ("release", "commands", "messages", "features"))
        release = _table(path, data, "release")
        _only_known(path, release, _RELEASE_KEYS)
        return Contract(
            path=path,
            distributions=_texts(path, "distributions", release["distributions"]),
            versions=SpecifierSet(_text(path, "versions", release["versions"])),
            executable=_text(path, "executable", release["executable"]),
            runtime_root_variable=_text(path, "runtime_root_variable", release["runtime_root_variable"]),
            commands={name: _texts(path, name, words) for name, words in _table(path, data, "commands").items()},
            messages={name: _pattern(path, name, text) for name, text in _table(path, data, "messages").items()},
            features={name: _text(path, name, text) for name, text in _table(path, data, "features").items()},
        )
    except OSError as error:
        raise UsageError(f"contract '{path}' cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise UsageError(f"contract '{path}' lacks the key {error}") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError, InvalidSpecifier) as error:
        raise UsageError(f"contract '{path}' is not valid: {error}") from error


def choose(directory: Path, artifact: Artifact, wanted: str | None, *, stands_in: Path) -> Contract:
    """The contract that holds for an artifact: the one asked for by name or file, else the one that says so.

    A relative file is one of the directory that the user `stands_in`.

    Raises:
        UsageError: there is none; the message lists what there is.
    """
    shipped = {path.stem: path for path in sorted(directory.glob("*.toml"))}
    known = ", ".join(f"'{name}'" for name in shipped) or "none"
    if wanted is not None:
        path = shipped.get(wanted) or stands_in / wanted
        if not path.is_file():
            raise UsageError(f"no contract '{wanted}'", hint=f"there is {known}, or give a file")
        return load(path)
    for path in shipped.values():
        contract = load(path)
        if contract.is_for(artifact):
            return contract
    raise UsageError(
        f"no contract is for '{artifact.name}' {artifact.version}",
        hint=f"there is {known}, or give a file with --contract",
    )


def _comparable(version: str) -> str:
    """A version as Python's specifiers compare it.

    npm allows pre-releases that Python cannot spell (`1.0.0-next.3`): they come before the release that they are
    of, and after all that came before it, which is all that a line of releases asks.
    """
    try:
        return str(Version(version))
    except InvalidVersion:
        release, is_prerelease, _ = version.partition("+")[0].partition("-")
        return f"{release}.dev0" if is_prerelease else release


def _only_known(path: Path, table: Mapping[str, object], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)
            raise UsageError(f"contract '{path}' has an unknown key '{key}'", hint=f"did you mean '{nearest[0]}'?")


def _table(path: Path, data: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"contract '{path}': '{name}' must be a table")
    for owner, key in _NEEDED:
        if owner == name and key not in table:
            raise UsageError(f"contract '{path}' lacks the key '{key}' of '{name}'")
    return table


def _text(path: Path, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"contract '{path}': '{name}' must be a string")
    return value


def _texts(path: Path, name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageError(f"contract '{path}': '{name}' must be a list of strings")
    return tuple(value)


def _pattern(path: Path, name: str, text: object) -> re.Pattern[str]:
    try:
        return re.compile(_text(path, name, text), re.MULTILINE)
    except re.error as error:
        raise UsageError(f"contract '{path}': the pattern of message '{name}' does not compile: {error}") from error
