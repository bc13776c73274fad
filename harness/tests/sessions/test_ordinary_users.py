"""Self-tests of runs by a real ordinary user: the same verdict as root's, and places that they may not write."""

from __future__ import annotations

import subprocess
from itertools import product
from typing import TYPE_CHECKING

import pytest

from harness.tests.sessions.ordinaryuser import give_to_user, ordinary_user
from harness.tests.sessions.unwritable import CACHE, CACHE_OF_PIP, CHECKOUT, DEFAULT, DIST, EVIDENCE, TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout
    from harness.tests.sessions.unwritable import Place


EVERYWHERE = (CACHE, TEMPORARY, EVIDENCE, DEFAULT, DIST, CHECKOUT)


@pytest.fixture
def ordinary(checkout: Checkout) -> Iterator[tuple[str, ...]]:
    """The words before a command of an ordinary user, whose checkout it is."""
    with ordinary_user(checkout) as words:
        yield words


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_an_ordinary_user_gets_the_verdict_that_root_gets(
    checkout: Checkout, ordinary: tuple[str, ...], rung: str, workers: tuple[str, ...]
) -> None:
    who = subprocess.run([*ordinary, "/usr/bin/id", "-u"], capture_output=True, text=True, check=True)
    words: tuple[str | Path, ...] = ("smoke", "--artifact", checkout.wheel, "--isolation", rung, *workers)
    run = checkout.finish(checkout.start(*words, before=ordinary))

    assert who.stdout.strip() != "0"
    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert run.lines("isolation:") == [f"isolation: {rung}"]
    assert checkout.left_behind == []


@pytest.mark.parametrize(
    ("place", "rung"),
    [
        *product([CACHE, TEMPORARY, EVIDENCE, DEFAULT, DIST, CHECKOUT], ["processes", "kernel"]),
        (CACHE_OF_PIP, "kernel"),
    ],
    ids=str,
)
def test_a_place_without_permission_is_named(
    checkout: Checkout, ordinary: tuple[str, ...], place: Place, rung: str
) -> None:
    directory, words = place.prepare(checkout)
    give_to_user(checkout.directory.parent)
    directory.chmod(0o555)
    before = sorted(directory.rglob("*"))
    run = checkout.finish(checkout.start(*words, "--isolation", rung, before=ordinary))

    place.assert_told(run, "Permission denied")
    assert set(before) <= set(directory.rglob("*"))
    assert checkout.left_behind == []
