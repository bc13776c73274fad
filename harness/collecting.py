"""Which cases a session has: those of each way to call the release, and those behind an option that was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.options import is_given, read_settings

if TYPE_CHECKING:
    from harness.options import Settings

MARKERS = (
    "required: a release that breaks this promise is no release",
    "advisory: whoever tags a release that breaks this promise must be told",
    "opt_in(option): runs only when this option is given, and is missed by nobody otherwise",
    "every_invocation: runs in each way in which a release of this kind is called",
    "needs(name, ...): commands and features that the contract must have for the clause to apply",
    "needs_network(reason): what it runs reaches an index; any other case has no network but one of its own",
)

_MARKER = "every_invocation"
_FIXTURE = "invocation"


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Make a case of each way in which the release is called, of a function that is for all of them."""
    if metafunc.definition.get_closest_marker(_MARKER) is not None:
        metafunc.parametrize(_FIXTURE, _settings(metafunc.config).invocations, indirect=True)


def without_spare(made: object) -> object:
    """What pytest made of a function, without the cases that would only say again what others say.

    What a case is given varies where the release is called as the user chose: in any other way, the first must do.
    """
    if not isinstance(made, list):
        return made
    first: dict[str, object] = {}
    return [item for item in made if (way := _other_way(item)) is None or first.setdefault(way, item) is item]


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases whose option was not given."""
    chosen = [item for item in items if all(is_given(config, mark.args[0]) for mark in item.iter_markers("opt_in"))]
    if len(chosen) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def _other_way(item: object) -> str | None:
    """How a case of every way calls the release, unless that is as the user chose."""
    if not isinstance(item, pytest.Function) or item.get_closest_marker(_MARKER) is None:
        return None
    name = str(item.callspec.params[_FIXTURE])
    return name if name != _settings(item.config).invocation else None


def _settings(config: pytest.Config) -> Settings:
    try:
        return read_settings(config)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
