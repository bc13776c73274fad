"""Versions and ranges of npm: what they mean, and what they are for Python's index."""

from __future__ import annotations

import pytest

from harness.release.semver import is_range, is_version, satisfies, specifiers


@pytest.mark.parametrize("text", ["1.0.0", "0.1.0-rc.0", "1.2.3-next.4+build.5"])
def test_a_version_that_npm_publishes(text: str) -> None:
    assert is_version(text)


@pytest.mark.parametrize("text", ["", "1.0", "v1.0.0", "=1.0.0", "01.0.0", " 1.0.0", "1.0.0rc1", "latest"])
def test_no_version_that_npm_publishes(text: str) -> None:
    assert not is_version(text)


@pytest.mark.parametrize("text", ["lts/*", "latest", ">=18,<20", "twenty"])
def test_no_range(text: str) -> None:
    assert not is_range(text)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", ("",)),
        ("*", ("",)),
        ("22", (">=22.0.0,<23.0.0",)),
        ("v22.1.0", ("==22.1.0",)),
        (">= 22", (">=22.0.0",)),
        ("~22.4", (">=22.4.0,<22.5.0",)),
        ("18 - 20", (">=18.0.0,<21.0.0",)),
        (">=22.0.0-0 <24.0.0-0", (">=22.0.0,<24.0.0",)),
        (">22.1.0-rc.1 <=23.0.0-rc.1", (">=22.1.0,<23.0.0",)),
        ("^18.3.0 || ^20.1.0", (">=20.1.0,<21.0.0", ">=18.3.0,<19.0.0")),
        ("^20 || >=99 || 18", (">=99.0.0", ">=20.0.0,<21.0.0", ">=18.0.0,<19.0.0")),
    ],
)
def test_the_alternatives_of_a_range_come_newest_first(wanted: str, expected: tuple[str, ...]) -> None:
    assert is_range(wanted)
    assert specifiers(wanted) == expected


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [("24.1.0", "", True), ("24.1.0", ">=22", True), ("20.9.0", ">=22", False), ("20.9.0", "^18 || ^20", True)],
)
def test_whether_a_version_lies_in_a_range(version: str, wanted: str, *, holds: bool) -> None:
    assert satisfies(version, wanted) is holds
