"""Self-tests of sessions that are ended from outside while a command runs."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

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


def terminate(process: subprocess.Popen[str]) -> None:
    """What nox and CI services send."""
    process.send_signal(signal.SIGTERM)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A pipe that the command writes to when it has begun."""
    pipe = tmp_path / "begun"
    os.mkfifo(pipe)
    return pipe


@pytest.mark.parametrize("rung", ["processes", "kernel"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("interrupt", [interrupt_as_terminal, interrupt_alone, terminate])
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
