"""Self-tests of finding and ending what was left running, on real processes."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.running import children, processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What a daemon does: it leaves its parent, its session and its environment behind.
DAEMON = """
import os
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
null = os.open(os.devnull, os.O_RDWR)
for stream in range(3): os.dup2(null, stream)
os.execve("/bin/sleep", ["sleep", "60"], {})
"""
IGNORES_TERM = "trap '' TERM; echo ready; while :; do sleep 1; done"


class Bench:
    """Starts processes for one test, under a mark of their own."""

    def __init__(self) -> None:
        self.marker = uuid.uuid4().hex
        self.started: list[subprocess.Popen[str]] = []
        self.before = processes.children()
        self.environment = {"PATH": os.environ["PATH"], processes.MARKER: self.marker}

    def run(self, *argv: str) -> None:
        """Run to the end; what it leaves behind stays."""
        subprocess.run(argv, env=self.environment, check=True, timeout=30)

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start, and wait for its first line."""
        process = subprocess.Popen(argv, env=self.environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline()
        self.started.append(process)
        return process

    def close(self) -> None:
        """End everything, and prove it."""
        processes.end(self.find(), grace=0)
        for process in self.started:
            process.wait(30)
        assert not processes.settle(self.marker, 10, ignore=self.before)

    def find(self) -> tuple[processes.Leftover, ...]:
        """List what of it runs."""
        return processes.find(self.marker, ignore=self.before)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Processes that are gone when the test is over; this process has become a subreaper."""
    assert processes.become_subreaper()
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def ordinary(bench: Bench) -> Iterator[Bench]:
    """The same in a process that is no subreaper, as on any platform but Linux."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 0, 0, 0, 0)
    yield bench
    bench.close()
    libc.prctl(36, 1, 0, 0, 0)


def commands(leftovers: tuple[processes.Leftover, ...]) -> list[str]:
    return [leftover.command for leftover in leftovers]


def test_nothing_runs_where_nothing_was_started(bench: Bench) -> None:
    bench.run("/bin/sh", "-c", ":")

    assert bench.find() == ()


def test_a_daemon_with_an_empty_environment_is_found_and_ended(bench: Bench) -> None:
    bench.run(sys.executable, "-I", "-S", "-c", DAEMON)

    (daemon,) = processes.settle(bench.marker, 0.05, ignore=bench.before)
    processes.end((daemon,))

    assert not psutil.pid_exists(daemon.pid)
    assert bench.find() == ()


def test_a_leftover_is_ready_to_read(bench: Bench) -> None:
    started = time.time()
    bench.run("/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 &")

    (leftover,) = settled_command(bench, "sleep 60")

    assert str(leftover) == f"{leftover.pid}: sleep 60"
    assert abs(leftover.created - started) < 10


def settled_command(bench: Bench, command: str) -> tuple[processes.Leftover, ...]:
    """Wait for a forked child to have become the program that it is to run."""
    deadline = time.monotonic() + 30
    while commands(found := bench.find()) != [command] and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def test_a_program_without_a_command_line_is_known_by_its_name(bench: Bench) -> None:
    environment = bench.environment
    process = subprocess.Popen([""], executable=sys.executable, stdin=subprocess.PIPE, env=environment)  # noqa: S607

    found = commands(bench.find())
    process.communicate(timeout=30)

    assert len(found) == 1
    assert found[0].startswith("python")


def test_processes_to_ignore_are_ignored_with_their_descendants(bench: Bench) -> None:
    process = bench.start("/bin/sh", "-c", "sleep 60 & echo ready; wait")

    ignored = processes.find(bench.marker, ignore={*bench.before, process.pid})
    found = bench.find()

    assert ignored == ()
    assert len(found) == 2


def test_settling_waits_for_what_ends_and_reaps_it(bench: Bench) -> None:
    bench.run("/bin/sh", "-c", "sleep 0.1 >/dev/null 2>&1 &")
    (orphan,) = bench.find()

    assert processes.settle(bench.marker, 30, ignore=bench.before) == ()
    assert not psutil.pid_exists(orphan.pid)


def test_a_process_that_is_asked_to_end_may_clean_up(bench: Bench, tmp_path: Path) -> None:
    script = 'trap "touch cleaned; exit" TERM; echo ready; while :; do sleep 0.01; done'
    process = bench.start("/bin/sh", "-c", f'cd "{tmp_path}"; {script}')

    processes.end(processes.tree(process.pid), grace=30)

    assert (tmp_path / "cleaned").exists()


def test_a_process_that_will_not_end_is_killed_with_its_descendants(bench: Bench) -> None:
    # What is ignored is inherited: nothing here ends at once and is started again between the look and the end.
    process = bench.start("/bin/sh", "-c", "(trap '' TERM; echo ready; sleep 60) & wait")

    processes.end(processes.tree(process.pid), grace=0.1)

    assert bench.find() == ()


def test_what_is_started_on_being_ended_is_ended_too(bench: Bench) -> None:
    process = bench.start("/bin/sh", "-c", "trap 'sleep 60 & wait' TERM; echo ready; while :; do sleep 0.01; done")

    processes.end_command(process.pid, bench.marker, ignore=bench.before)

    assert bench.find() == ()


def test_only_what_was_named_is_ended(bench: Bench) -> None:
    bystander = bench.start("/bin/sh", "-c", "echo ready; exec sleep 60")
    other = bench.start("/bin/sh", "-c", "echo ready; exec sleep 60")

    processes.end(processes.tree(other.pid), grace=0)

    assert [leftover.pid for leftover in bench.find()] == [bystander.pid]


def test_ending_what_has_ended_does_nothing(bench: Bench) -> None:
    process = bench.start("/bin/sh", "-c", "echo ready; exec sleep 60")
    leftovers = processes.tree(process.pid)
    process.kill()
    process.wait(30)

    processes.end(leftovers)

    assert processes.tree(process.pid) == ()


def test_a_program_that_somebody_waits_for_is_neither_found_nor_reaped(bench: Bench) -> None:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(["/bin/sh", "-c", "exit 3"], env=bench.environment)

    with processes.supervised(start) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert bench.find() == ()
        assert processes.tree(process.pid) == ()
        assert process.wait(30) == 3


def test_without_a_subreaper_the_mark_finds_an_orphan(ordinary: Bench) -> None:
    ordinary.run("/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 &")

    (orphan,) = settled_command(ordinary, "sleep 60")

    assert psutil.Process(orphan.pid).ppid() != os.getpid()
    assert processes.find("another mark", ignore=ordinary.before) == ()


def test_who_carries_no_mark_belongs_to_nobody(ordinary: Bench) -> None:
    ordinary.environment.pop(processes.MARKER)
    ordinary.start("/bin/sh", "-c", "echo ready; exec sleep 60")
    children = processes.children()

    assert processes.find("", ignore=children) == ()
    assert processes.members(1 << 30, "", ignore=children) == {1 << 30}


def test_without_a_subreaper_descendants_of_what_is_ignored_are_ignored_too(ordinary: Bench) -> None:
    process = ordinary.start("/bin/sh", "-c", "sleep 60 & echo ready; wait")

    assert processes.find(ordinary.marker, ignore={*ordinary.before, process.pid}) == ()


def test_both_ways_of_listing_children_agree(bench: Bench) -> None:
    process = bench.start("/bin/sh", "-c", "sleep 60 & sleep 60 & echo ready; wait")

    listed = children.listed(process.pid)
    searched = children.searched(process.pid)

    assert len(listed) == 2
    assert searched == listed
    processes.end(processes.tree(process.pid), grace=0)
    process.wait(30)
    assert children.listed(process.pid) == set()
    assert children.searched(process.pid) == set()
