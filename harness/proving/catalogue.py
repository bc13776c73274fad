"""The catalogue: releases with one fault each, and harmless ones, as changes of a reference release.

An entry is one TOML file, and its name is the entry's id. Owns what such a file may say and how it is
applied to a copy of the reference; building and smoking that copy is for `matrix`.
"""

from __future__ import annotations

import difflib
import re
import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import tomli

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

Smoked = Literal["wheel", "source"]

_KEYS = ("sentence", "clauses", "families", "smoke", "previous", "source", "change", "add", "wheel")
_LISTS = ("clauses", "families", "change", "add")
_CHANGE_KEYS = ("file", "find", "replace")
_TEXT_KEYS = ("file", "text")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CACHES = shutil.ignore_patterns("__pycache__", ".*_cache")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A text that a file of the reference holds in exactly one place, and what is there instead."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text for a file: the whole of a new one, or what is appended to one of the built wheel."""

    file: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One release; `clauses` must fail it, and without any it is harmless and nothing may.

    `families` are the modules of cases that matter for a harmless one, all when there are none.
    `smoked` says what the smoke is given: a wheel, or the source when the way to the wheel matters.
    `previous` is the version at which the unchanged reference is the release before, for clauses on upgrades.
    `source` tells from which real release a fault is.
    """

    id: str
    sentence: str
    clauses: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    added: tuple[Text, ...] = ()
    appended: tuple[Text, ...] = ()
    smoked: Smoked = "wheel"
    previous: str = ""
    source: str = ""

    @property
    def is_harmless(self) -> bool:
        """Whether a smoke that fails it cries wolf."""
        return not self.clauses


def load(fixtures: Path) -> tuple[Entry, ...]:
    """Read the broken releases and then the harmless ones, each in the order of their ids.

    Raises:
        UsageError: a file is not TOML, or says something that an entry cannot.
    """
    broken = tuple(map(read, sorted((fixtures / "broken").glob("*.toml"))))
    harmless = tuple(map(read, sorted((fixtures / "harmless").glob("*.toml"))))
    for entry in broken:
        _demand(bool(entry.clauses), entry.id, "names no clause that must fail")
    for entry in harmless:
        _demand(entry.is_harmless, entry.id, "is harmless and names clauses that must fail")
    return broken + harmless


def read(path: Path) -> Entry:
    """Read one entry.

    Raises:
        UsageError: the same as for `load`.
    """
    try:
        data = tomli.loads(path.read_text(encoding="utf-8"))
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"entry '{path.stem}' is not valid: {error}") from error
    _demand(_ID.fullmatch(path.stem) is not None, path.stem, "needs an id in lower case, its words joined by hyphens")
    _check(path.stem, data, known=_KEYS, needed=("sentence",), lists=_LISTS)
    smoked = str(data.get("smoke", "wheel"))
    _demand(smoked in {"wheel", "source"}, path.stem, f"smokes 'wheel' or 'source', not '{smoked}'")
    entry = Entry(
        id=path.stem,
        sentence=str(data["sentence"]),
        clauses=tuple(map(str, data.get("clauses", ()))),
        families=tuple(map(str, data.get("families", ()))),
        changes=tuple(Change(**_texts(path.stem, table, _CHANGE_KEYS)) for table in data.get("change", ())),
        added=tuple(Text(**_texts(path.stem, table, _TEXT_KEYS)) for table in data.get("add", ())),
        appended=_appended(path.stem, data.get("wheel")),
        smoked=cast("Smoked", smoked),
        previous=str(data.get("previous", "")),
        source=str(data.get("source", "")),
    )
    _demand(bool(entry.changes or entry.added or entry.appended), entry.id, "changes nothing")
    _demand(smoked == "wheel" or not entry.appended, entry.id, "changes the wheel, and has the source smoked")
    return entry


def copy(reference: Path, destination: Path) -> Path:
    """Copy the reference release, without what running it left there."""
    return shutil.copytree(reference, destination, ignore=_CACHES)


def apply(entry: Entry, tree: Path) -> None:
    """Make the changes of an entry in a copy of the reference.

    Raises:
        UsageError: a text is not in exactly one place, or a new file is there already.
    """
    for change in entry.changes:
        path = tree / change.file
        _demand(path.is_file(), entry.id, f"changes '{change.file}', which is no file of the reference")
        content = path.read_text(encoding="utf-8")
        found = content.count(change.find)
        _demand(found == 1, entry.id, f"finds its text {found} times in '{change.file}', not once:\n{change.find}")
        path.write_text(content.replace(change.find, change.replace), encoding="utf-8")
    for new in entry.added:
        path = tree / new.file
        _demand(not path.exists(), entry.id, f"adds '{new.file}', which the reference has already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(new.text, encoding="utf-8")


def append(entry: Entry, wheel: Path) -> None:
    """Append the texts of an entry to files of a wheel, whose RECORD nobody mends.

    Raises:
        UsageError: the wheel has no such file.
    """
    with zipfile.ZipFile(wheel) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for text in entry.appended:
        _demand(text.file in content, entry.id, f"appends to '{text.file}', which the wheel does not hold")
        content[text.file] += text.text.encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def _appended(identifier: str, table: object) -> tuple[Text, ...]:
    if table is None:
        return ()
    _check(identifier, _table(identifier, table), known=("append",), needed=("append",))
    values = _table(identifier, _table(identifier, table)["append"])
    return (Text(**_texts(identifier, values, _TEXT_KEYS)),)


def _texts(identifier: str, table: object, keys: Collection[str]) -> dict[str, str]:
    values = _table(identifier, table)
    _check(identifier, values, known=keys, needed=keys)
    for key, value in values.items():
        _demand(isinstance(value, str), identifier, f"needs a text as '{key}'")
    return {key: str(value) for key, value in values.items()}


def _table(identifier: str, value: object) -> Mapping[str, object]:
    _demand(isinstance(value, dict), identifier, "needs a table for each change, addition and wheel")
    return cast("Mapping[str, object]", value)


def _check(
    identifier: str,
    table: Mapping[str, object],
    *,
    known: Collection[str],
    needed: Collection[str],
    lists: Collection[str] = (),
) -> None:
    for key, value in table.items():
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)
        _demand(key in known, identifier, f"has an unknown key '{key}'; did you mean '{nearest[0]}'?")
        _demand(key not in lists or isinstance(value, list), identifier, f"needs a list as '{key}'")
    for key in needed:
        _demand(bool(table.get(key)) or key == "replace", identifier, f"lacks '{key}'")


def _demand(holds: bool, identifier: str, otherwise: str) -> None:  # noqa: FBT001 -- reads like an assertion
    if not holds:
        raise UsageError(f"entry '{identifier}' {otherwise}")
