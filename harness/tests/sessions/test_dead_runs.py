"""Self-tests of runs that died: the next start clears what they left, and nothing else."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.tests.sessions.lingering import DAEMON, WAITS, processes_below, settled
from harness.tests.sessions.pipes import await_writer

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout

FAILS = '''
@pytest.mark.required
def test_fails(odd):
    """It fails."""
    odd("write", "x")
    assert False
'''


@pytest.mark.parametrize("rung", ["processes", "kernel"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_what_a_killed_run_left_is_gone_after_the_next_start(
    checkout: Checkout, begun: Path, rung: str, workers: tuple[str, ...]
) -> None:
    checkout.add_cases(WAITS.format(begun=str(begun), daemon=DAEMON))
    options = ("-p", "no:randomly", "--isolation", rung, *workers)
    process = checkout.start("smoke", "--artifact", checkout.wheel, *options)
    await_writer(begun)
    process.kill()
    killed = checkout.finish(process)
    running = processes_below(checkout)
    if rung == "kernel":
        assert settled(checkout) == []
    elif not workers:  # those hear of it, and tidy up
        assert running != []
    again = checkout.smoke("--isolation", rung, "-k", "not ends")

    assert killed.exit_code == -signal.SIGKILL
    assert (again.verdict, again.exit_code) == ("incomplete", 0), again.output
    assert settled(checkout) == []
    assert checkout.left_behind == []


def test_what_is_kept_for_people_or_is_others_stays(checkout: Checkout) -> None:
    checkout.add_cases(
        '@pytest.mark.required\ndef test_fails(odd):\n    """It fails."""\n    odd("write", "x")\n    assert 0\n'
    )
    (kept,) = checkout.smoke().lines("kept: ")
    (checkout.temporary / "smoke-of-somebody").mkdir()
    process = subprocess.Popen(["/bin/sleep", "60"], cwd=checkout.temporary / "smoke-of-somebody")
    checkout.smoke("-k", "version")

    assert Path(kept.removeprefix("kept: "), "run.sh").is_file()
    assert (checkout.temporary / "smoke-of-somebody").is_dir()
    assert process.poll() is None
    process.kill()
    process.wait(30)
