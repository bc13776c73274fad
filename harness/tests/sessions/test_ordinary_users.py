"""Self-tests of runs by a real ordinary user: the same verdict as root's, and machines on which little can be written."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.tests.sessions.ordinaryuser import ordinary_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.tests.sessions.checkouts import Checkout


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
    words = ("smoke", "--artifact", checkout.wheel, "--isolation", rung, *workers)
    run = checkout.finish(checkout.start(*words, before=ordinary))

    assert who.stdout.strip() != "0"
    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert run.lines("isolation:") == [f"isolation: {rung}"]
    assert checkout.left_behind == []
