"""Versions and ranges as npm writes them, and what they are in the words of Python's package index.

Which range holds for a release is for others.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import nodesemver

_PLAIN = {">": ">=", "<=": "<"}  # beside a pre-release: there are none of Node to tell them apart


def is_version(text: str) -> bool:
    """Whether npm publishes under such a version."""
    return text[:1].isdecimal() and _library().valid(text, loose=False) is not None


def is_range(text: str) -> bool:
    """Whether npm understands a range."""
    return _library().valid_range(text, loose=True) is not None


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version lies in a range."""
    return bool(_library().satisfies(version, wanted, loose=True))


def specifiers(wanted: str) -> tuple[str, ...]:
    """The alternatives of a range as specifiers of PEP 440, such that the first that can be met has the newest.

    For versions without pre-releases, which is what Node is published as.
    """
    alternatives = [_Alternative(comparators) for comparators in _library().make_range(wanted, loose=True).set]
    return tuple(each.specifier for each in sorted(alternatives, key=lambda each: each.upper_bound, reverse=True))


class _Alternative:
    """Comparators that must all hold."""

    def __init__(self, comparators: list[nodesemver.Comparator]) -> None:
        self._bounds = [each for each in comparators if each.semver is not _library().ANY]

    @property
    def specifier(self) -> str:
        return ",".join(f"{self._operator(bound)}{self._release(bound)}" for bound in self._bounds)

    @property
    def upper_bound(self) -> tuple[float, ...]:
        upper = [bound for bound in self._bounds if not bound.operator.startswith(">")]
        releases = [(bound.semver.major, bound.semver.minor, bound.semver.patch) for bound in upper]
        return min(releases, default=(float("inf"),))

    @staticmethod
    def _operator(bound: nodesemver.Comparator) -> str:
        operator = bound.operator or "=="
        return _PLAIN.get(operator, operator) if bound.semver.prerelease else operator

    @staticmethod
    def _release(bound: nodesemver.Comparator) -> str:
        return f"{bound.semver.major}.{bound.semver.minor}.{bound.semver.patch}"


@cache
def _library() -> Any:  # noqa: ANN401 -- a module without annotations
    """The module, once somebody needs it: it compiles grammars, which only releases on npm have a use for."""
    return import_module("nodesemver")
