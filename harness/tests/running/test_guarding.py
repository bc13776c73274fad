"""Self-tests of daemons that take all they can of the machine, once their command has ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.running import processes
from harness.running.limits import Limits
from harness.running.result import InvariantBroken
from harness.running.sandbox import Sandbox, Testbed

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(memory=200 << 20, processes=50, disk=50 << 20)
ALLOCATES = "hoard = []\nwhile True: hoard.append(b'x' * (1 << 22))"
WRITES = "stream = open('filler', 'wb', buffering=0)\nwhile True: stream.write(bytes(1 << 20))"
FORKS = "import os, time\nwhile True:\n  if os.fork() == 0: time.sleep(600)\n  time.sleep(0.005)"
LATER = "import time; time.sleep(1)\n"  # when its command has ended, or that would be what took too much
SLEEPS = "import time; time.sleep(600)"
EXCESSES = {
    "what it left running used more than 200 MiB of memory": ALLOCATES,
    "what it left running wrote more than 50 MiB to disk": WRITES,
    "what it left running ran more than 50 processes at once": FORKS,
}
ends_soon = pytest.mark.timeout(60)


def sandbox_in(directory: Path) -> Sandbox:
    """A sandbox with little room."""
    (directory / "installation").mkdir()
    testbed = Testbed(
        installation=directory / "installation",
        programs={},
        caches={},
        runtime_root_variable="ODD_ROOT",
        crash=re.compile("Traceback"),
        command_timeout=60,
        limits=LIMITS,
    )
    return Sandbox(directory=directory / "sandbox", testbed=testbed)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """The same, of which nothing runs on after the test."""
    processes.become_subreaper()
    sandbox = sandbox_in(tmp_path)
    yield sandbox
    sandbox.close(keep=False)


def start(sandbox: Sandbox, script: str) -> None:
    """Have a command start a daemon, and leave it."""
    words = ("/bin/sh", "-c", '"$@" >/dev/null 2>&1 &', "sh", sys.executable, "-I", "-S", "-c", LATER + script)
    sandbox.run(*words, leaves_processes=True)


def await_end(sandbox: Sandbox) -> None:
    """Wait until nothing runs there any more."""
    assert processes.settle(str(sandbox.directory), 30, ignore=sandbox._others) == ()  # noqa: SLF001


@ends_soon
@pytest.mark.parametrize("excess", EXCESSES, ids=["memory", "disk", "processes"])
def test_a_daemon_that_takes_too_much_is_ended_and_the_next_command_tells(sandbox: Sandbox, excess: str) -> None:
    start(sandbox, EXCESSES[excess])
    await_end(sandbox)

    with pytest.raises(InvariantBroken, match=excess) as caught:
        sandbox.run("/bin/true")
    assert caught.value.clause == "stays_within_limits"
    sandbox.run("/bin/true")  # it is told once


@ends_soon
def test_without_another_command_the_end_of_the_case_tells(sandbox: Sandbox) -> None:
    start(sandbox, ALLOCATES)
    await_end(sandbox)

    with pytest.raises(InvariantBroken, match="used more than 200 MiB of memory"):
        sandbox.close(keep=False)
    assert (sandbox.directory / "run.sh").is_file()  # there is something to look into


@ends_soon
def test_what_must_not_stay_is_bounded_while_it_gets_its_time(sandbox: Sandbox) -> None:
    words = ("/bin/sh", "-c", f'{sys.executable} -I -S -c "{ALLOCATES}" >/dev/null 2>&1 &')

    with pytest.raises(InvariantBroken, match="what it left running used more than 200 MiB of memory"):
        sandbox.run(*words)


@ends_soon
def test_a_daemon_that_stays_within_its_limits_runs_on_whatever_commands_write(sandbox: Sandbox) -> None:
    sandbox.writable.append(sandbox.working)
    start(sandbox, SLEEPS)
    for name in ("one", "two", "three"):
        sandbox.run("/bin/sh", "-c", f"/usr/bin/head -c 30000000 /dev/zero >{name}; /bin/sleep 0.3")

    (daemon,) = processes.find(str(sandbox.directory), ignore=sandbox._others)  # noqa: SLF001
    assert SLEEPS in daemon.command
    assert sandbox.breaches == []


@ends_soon
def test_processes_of_the_case_are_not_the_daemons(sandbox: Sandbox) -> None:
    start(sandbox, SLEEPS)
    hoard = f"hoard = b'x' * {LIMITS.memory}; import time; print(1, flush=True); time.sleep(600)"
    process = sandbox.start_background(sys.executable, "-c", hoard)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    sandbox.run("/bin/sleep", "0.5")

    assert process.poll() is None


@ends_soon
def test_bounding_daemons_costs_the_harness_little(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from harness.tests.running import test_guarding as daemons
daemons.processes.become_subreaper()
sandbox = daemons.sandbox_in(Path(sys.argv[1]))
for script in daemons.EXCESSES.values():
    daemons.start(sandbox, script)
    daemons.await_end(sandbox)
    print(sandbox._guard.take_excess())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    words = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    *excesses, peak = done.stdout.splitlines()
    assert excesses == list(EXCESSES), done.stderr
    assert int(peak) < 200 << 10  # KiB
