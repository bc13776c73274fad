"""What a project demands of its releases, read from TOML: `[tool.ktx-smoke.release]`, or a file of its own.

Owns what such a file may say. Without one the strictest holds; applying either is for `checks`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, cast, get_args

import tomli
from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.release.artifact import Kind
from harness.release.installers import INSTALLERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

_KEYS = ("artifacts", "trusted-keys", "accepted", "pythons", "installers", "max-age")
_PROJECT_FILE = "pyproject.toml"
_SECTION = ("tool", "ktx-smoke", "release")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What a release consists of: at least one file of this kind, of the distribution of this (normalized) name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} of '{self.name}'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """A public key, and the last day (UTC) on which it is trusted."""

    file: Path
    expires: date = date.max


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """That a release may miss an advisory clause ("" for any), why, and until which day (UTC)."""

    clause: str
    reason: str
    expires: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What a release must have; no parts mean any files, no Pythons or installers mean any one smoke."""

    parts: tuple[Part, ...] = ()
    trusted: tuple[Trust, ...] = ()
    accepted: tuple[Acceptance, ...] = ()
    pythons: tuple[str, ...] = ()
    installers: tuple[str, ...] = ()
    max_age: timedelta | None = None


def load(path: Path) -> Policy:
    """Read a policy from its own file, or from the project file of that name.

    Raises:
        UsageError: the file is not TOML, has a key that nobody knows, or a value of another kind.
    """
    data = _parsed(path)
    if path.name == _PROJECT_FILE:
        section = _section(path, data)
        if section is None:
            raise UsageError(f"policy '{path}' lacks the table '{'.'.join(_SECTION)}'")
        data = section
    return _read(path, data)


def find(directory: Path) -> Path | None:
    """The project file in a directory, if it has a policy."""
    path = directory / _PROJECT_FILE
    return path if path.is_file() and _section(path, _parsed(path)) is not None else None


def duration(text: str) -> timedelta:
    """Read '90m', '36h' or '7d'.

    Raises:
        UsageError: it is none of these.
    """
    parts = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if parts is None:
        raise UsageError(f"an age is a number with m, h or d after it, as '7d', not '{text}'")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


def _parsed(path: Path) -> Mapping[str, object]:
    try:
        return tomli.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"policy '{path}' cannot be read: {error.strerror}") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"policy '{path}' is not valid: {error}") from error


def _section(path: Path, data: Mapping[str, object]) -> Mapping[str, object] | None:
    tool, own, release = _SECTION
    tools = data.get(tool, {})
    if not isinstance(tools, dict) or own not in tools:
        return None
    table = _table(path, own, tools[own], known=(release,))
    return _table(path, release, table[release], known=_KEYS) if table else None


def _read(path: Path, data: Mapping[str, object]) -> Policy:
    _table(path, "", data, known=_KEYS)
    max_age = data.get("max-age")
    return Policy(
        parts=tuple(_part(path, table) for table in _list(path, "artifacts", data)),
        trusted=tuple(_trust(path, table) for table in _list(path, "trusted-keys", data)),
        accepted=tuple(_acceptance(path, table) for table in _list(path, "accepted", data)),
        pythons=tuple(_python(path, value) for value in _list(path, "pythons", data)),
        installers=tuple(_one_of(path, "installers", value, INSTALLERS) for value in _list(path, "installers", data)),
        max_age=None if max_age is None else duration(_text(path, "max-age", max_age)),
    )


def _part(path: Path, value: object) -> Part:
    table = _table(path, "artifacts", value, known=("kind", "name"), needed=("kind", "name"))
    kind = _one_of(path, "kind", table["kind"], get_args(Kind))
    return Part(kind=kind, name=canonicalize_name(_text(path, "name", table["name"])))


def _trust(path: Path, value: object) -> Trust:
    table = _table(path, "trusted-keys", value, known=("file", "expires"), needed=("file",))
    file = path.parent / _text(path, "file", table["file"])
    return Trust(file=file, expires=_date(path, table["expires"])) if "expires" in table else Trust(file=file)


def _acceptance(path: Path, value: object) -> Acceptance:
    known = ("verdict", "clause", "reason", "expires")
    table = _table(path, "accepted", value, known=known, needed=("verdict", "reason", "expires"))
    if table["verdict"] != "warned":
        raise UsageError(f"policy '{path}' accepts the verdict '{table['verdict']}', only 'warned' can be accepted")
    return Acceptance(
        clause=_text(path, "clause", table["clause"]) if "clause" in table else "",
        reason=_text(path, "reason", table["reason"]),
        expires=_date(path, table["expires"]),
    )


def _python(path: Path, value: object) -> str:
    text = _text(path, "pythons", value)
    if not re.fullmatch(r"[0-9]+\.[0-9]+", text):
        raise UsageError(f"policy '{path}': a Python is given as '3.13', not '{text}'")
    return text


def _table(
    path: Path, name: str, value: object, *, known: Collection[str], needed: Collection[str] = ()
) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise UsageError(f"policy '{path}': '{name}' must be a table")
    of = f" of '{name}'" if name else ""
    for key in value:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)
            raise UsageError(f"policy '{path}' has an unknown key '{key}'{of}", hint=f"did you mean '{nearest[0]}'?")
    for key in needed:
        if key not in value:
            raise UsageError(f"policy '{path}' lacks the key '{key}'{of}")
    return value


def _list(path: Path, name: str, data: Mapping[str, object]) -> list[object]:
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not value:
        raise UsageError(f"policy '{path}': '{name}' must be a list with something in it")
    return cast("list[object]", value)


def _text(path: Path, name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"policy '{path}': '{name}' must be a text")
    return value


def _date(path: Path, value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise UsageError(f"policy '{path}': 'expires' must be a date, as 2027-12-31, without quotes")
    return value


def _one_of(path: Path, name: str, value: object, known: Collection[str]) -> str:
    text = _text(path, name, value)
    if text not in known:
        nearest = difflib.get_close_matches(text, known, n=1, cutoff=0)
        raise UsageError(f"policy '{path}': '{name}' cannot be '{text}'", hint=f"did you mean '{nearest[0]}'?")
    return text
