"""Interpreters on this machine, wherever they were installed; making environments from them is for `installation`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import findpython
from packaging.specifiers import SpecifierSet

if TYPE_CHECKING:
    from pathlib import Path

# Those that releases may still be asked to run on; which ones a release admits, it says itself.
KNOWN = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

_VERSION = re.compile(r"\d+(\.\d+){0,2}")


def find(wanted: str) -> Path | None:
    """The interpreter of a version such as `3.12`, if there is one; None for what is no version as well."""
    if not _VERSION.fullmatch(wanted):
        return None
    found = findpython.find(wanted)
    return found.executable if found else None


def admitted(requires_python: str) -> tuple[str, ...]:
    """Those of the known versions of which some release meets a Requires-Python."""
    specifier = SpecifierSet(requires_python)
    return tuple(version for version in KNOWN if any(specifier.contains(f"{version}.{patch}") for patch in range(40)))
