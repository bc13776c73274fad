"""Self-tests of releases whose daemon takes too much once the command that started it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout

# The daemon is ended, which nobody but the harness does, though the case runs no other command.
FILLS = '''
import time
from pathlib import Path

DAEMON = "(echo >pid $(exec sh -c 'echo $PPID'); sleep 0.5; truncate -s 2T filler; sleep 600) >/dev/null 2>&1 &"


@pytest.mark.required
def test_fills(odd, sandbox):
    """It keeps a daemon."""
    sandbox.writable.append(sandbox.working)
    sandbox.environment["PATH"] = os.environ["PATH"]
    sandbox.run("/bin/sh", "-c", DAEMON, leaves_processes=True)
    pid = int((sandbox.working / "pid").read_text())
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "it still runs"
        time.sleep(0.05)
'''


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_a_daemon_that_fills_the_disk_fails_the_release(checkout: Checkout, rung: str) -> None:
    checkout.add_cases(FILLS)
    run = checkout.smoke("--isolation", rung)

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert run.outcomes["fills"] == "failed"
    assert "what it left running wrote more than 1 GiB to disk" in run.output
