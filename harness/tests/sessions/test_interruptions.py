"""Self-tests of sessions that are ended from outside while a command runs."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from harness.interrupts import STARTED_BY
from harness.tests.sessions.lingering import settled
from harness.tests.sessions.pipes import await_writer

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout

pytestmark = pytest.mark.timeout(60)

WAITS = """
@pytest.mark.required
def test_ends(odd):
    \"""It ends.\"""
    odd("wait", {begun!r})
"""


def interrupt_as_terminal(process: subprocess.Popen[str]) -> None:
    """Ctrl-C: everything in the foreground hears it."""
    os.killpg(process.pid, signal.SIGINT)


def interrupt_alone(process: subprocess.Popen[str]) -> None:
    """What a script sends."""
    process.send_signal(signal.SIGINT)


def interrupt_twice(process: subprocess.Popen[str]) -> None:
    """What people do who do not see that the first was heard."""
    interrupt_as_terminal(process)
    time.sleep(0.2)
    interrupt_as_terminal(process)


def terminate(process: subprocess.Popen[str]) -> None:
    """What nox and CI services send."""
    process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("rung", ["processes", "kernel"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("interrupt", [interrupt_as_terminal, interrupt_alone, interrupt_twice, terminate])
def test_an_interrupt_leaves_a_verdict_and_nothing_else(
    checkout: Checkout, begun: Path, interrupt: object, workers: tuple[str, ...], rung: str
) -> None:
    assert callable(interrupt)
    checkout.add_cases(WAITS.format(begun=str(begun)))
    checkout.rung = rung
    process = checkout.start("smoke", "--artifact", checkout.wheel, "-p", "no:randomly", *workers)
    await_writer(begun)
    interrupt(process)
    run = checkout.finish(process)

    assert (run.verdict, run.exit_code) == ("interrupted", 2), run.output
    assert run.outcomes["ends"] == "not-run"
    assert run.output.splitlines()[-1].startswith("verdict:   interrupted in "), run.output
    assert "Traceback" not in run.output
    assert checkout.left_behind == []


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_what_is_to_end_with_whoever_started_it_ends_with_it(checkout: Checkout, begun: Path, rung: str) -> None:
    checkout.add_cases(WAITS.format(begun=str(begun)))
    checkout.rung = rung
    process = checkout.start("smoke", "--artifact", checkout.wheel, "--python", "all", "--evidence", "evidence")
    await_writer(begun)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 30
    while checkout.left_behind and time.monotonic() < deadline:
        time.sleep(0.05)

    assert checkout.left_behind == []
    (verdict,) = checkout.directory.glob("evidence/*/verdict.json")
    assert json.loads(verdict.read_bytes())["verdict"] == "interrupted"


def test_what_is_to_end_with_somebody_who_has_died_does_not_begin(checkout: Checkout) -> None:
    checkout.settings[STARTED_BY] = "1"
    run = checkout.smoke()

    assert run.exit_code == -signal.SIGTERM, run.output
    assert checkout.left_behind == []


def test_an_isolated_session_that_nobody_waits_for_does_not_begin(checkout: Checkout) -> None:
    scratch = checkout.temporary / "smoke-abcdefgh"
    scratch.mkdir()
    (scratch / "run.lock").touch()
    run = checkout.smoke("--isolated-in", scratch)

    assert run.exit_code == 7, run.output
    assert "whoever started this session has died" in run.output


STUBBORN = """
@pytest.mark.required
def test_ends(odd):
    \"""It ends, but not at once.\"""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    odd("wait", {begun!r})
"""


def test_a_session_that_nobody_waits_for_gets_no_time_from_the_kernel(checkout: Checkout, begun: Path) -> None:
    checkout.add_cases(STUBBORN.format(begun=str(begun)))
    checkout.rung = "kernel"
    process = checkout.start("smoke", "--artifact", checkout.wheel, "--python", "all", "-p", "no:randomly")
    await_writer(begun)
    process.kill()
    process.communicate()

    assert settled(checkout) == []
    assert checkout.left_behind == []
