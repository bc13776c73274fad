"""A case that waits and leaves a daemon, and what of a run still runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout

WAITS = '''
@pytest.mark.required
def test_ends(odd, sandbox):
    """It ends."""
    sandbox.run("/bin/sh", "-c", {daemon!r}, leaves_processes=True)
    odd("wait", {begun!r})
'''
# It keeps the mark of its sandbox, and nothing else of where it comes from.
DAEMON = "setsid /bin/sleep 600 >/dev/null 2>&1 &"


def processes_below(checkout: Checkout) -> list[str]:
    """What runs for the sessions of a checkout."""
    return [name for name in checkout.left_behind if name.startswith("[")]


def settled(checkout: Checkout) -> list[str]:
    """The same after up to 2 s."""
    deadline = time.monotonic() + 2
    while (running := processes_below(checkout)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return running
