"""Self-tests of what a command may take of the machine, with real commands that take all they can."""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.running import filetree, processes
from harness.running.command import CompletedCommand, execute
from harness.running.limits import HEAVY, Limits, Watch, size_of
from harness.running.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GIB = 1 << 30
PATIENT = "import time; print('begun', flush=True); time.sleep(60)"
FORKS = """
import os, time
print("begun", flush=True)
for _ in range(300):
    if os.fork() == 0:
        time.sleep(60)
time.sleep(60)
"""
# Each child makes the next and goes, as what wants to stay does; the family lives on without the command.
RUNS_AWAY = """
import os, time
print("begun", flush=True)
if os.fork():
    time.sleep(60)
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
    time.sleep(0.001)
"""
ALLOCATES = """
print("begun", flush=True)
hoard = []
while True:
    hoard.append(b"x" * (1 << 22))
"""
SHARES_THE_HOARD = """
import os, time
print("begun", flush=True)
hoard = b"x" * (60 << 20)
children = []
for _ in range(4):
    children.append(os.fork())
    if not children[-1]:
        time.sleep(1.5)
        os._exit(0)
for child in children:
    os.waitpid(child, 0)
"""
ALLOCATES_APART = """
import os, time
print("begun", flush=True)
for _ in range(4):
    if os.fork() == 0:
        hoard = b"x" * (60 << 20)
        time.sleep(60)
time.sleep(60)
"""
WRITES = """
print("begun", flush=True)
with open("filler", "wb", buffering=0) as stream:
    while True:
        stream.write(bytes(1 << 20))
"""
MAKES_FILES = """
import itertools, os
print("begun", flush=True)
os.mkdir("deep")
for number in itertools.count():
    open(f"deep/{number}", "w").close()
"""
MAKES_A_HOLE = """
import time
print("begun", flush=True)
with open("hole", "wb") as stream:
    stream.truncate(1 << 40)
time.sleep(60)
"""


class Bench:
    """Runs programs in one directory, within limits."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.before = processes.children()
        self.environment = {"PATH": os.environ["PATH"], processes.MARKER: uuid.uuid4().hex}

    def watch(self, limits: Limits) -> Watch:
        """What watches a program that starts now."""
        return Watch(limits=limits, directory=self.directory, already=size_of(filetree.snapshot(self.directory)))

    def run(self, script: str, limits: Limits) -> CompletedCommand:
        """Run a program of Python."""
        words = [sys.executable, "-I", "-S", "-c", script]
        environment = self.environment
        return execute(words, cwd=self.directory, environment=environment, timeout=60, watch=self.watch(limits))

    def run_on_terminal(self, script: str, limits: Limits) -> CompletedCommand:
        """The same on a terminal."""
        words = [sys.executable, "-I", "-S", "-c", script]
        watch = self.watch(limits)
        with Terminal(words, cwd=self.directory, environment=self.environment, timeout=60, watch=watch) as terminal:
            return terminal.finish()

    def left_running(self) -> tuple[processes.Leftover, ...]:
        """List what was started here and runs on."""
        return processes.find(self.environment[processes.MARKER], ignore=self.before)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Programs of which nothing runs on after the test."""
    processes.become_subreaper()
    bench = Bench(tmp_path)
    yield bench
    processes.end(bench.left_running(), grace=0)


@pytest.mark.parametrize(
    ("script", "limits", "excess"),
    [
        (FORKS, Limits(processes=50), "ran more than 50 processes at once"),
        (RUNS_AWAY, Limits(processes=50), "ran more than 50 processes at once"),
        (ALLOCATES, Limits(memory=200 << 20), "used more than 200 MiB of memory"),
        (ALLOCATES_APART, Limits(memory=150 << 20), "used more than 150 MiB of memory"),
        (WRITES, Limits(disk=50 << 20), "wrote more than 50 MiB to disk"),
        (MAKES_FILES, Limits(disk=20 << 20), "wrote more than 20 MiB to disk"),
        (MAKES_A_HOLE, Limits(), "wrote more than 1 GiB to disk"),
    ],
    ids=["forks", "runs away", "allocates", "allocates in each process", "writes", "makes files", "makes a hole"],
)
@pytest.mark.parametrize("run", [Bench.run, Bench.run_on_terminal], ids=["pipes", "terminal"])
def test_what_takes_too_much_is_ended_and_what_it_said_is_kept(
    bench: Bench, run: Callable[[Bench, str, Limits], CompletedCommand], script: str, limits: Limits, excess: str
) -> None:
    completed = run(bench, script, limits)

    assert (completed.excess, completed.exit_code) == (excess, None)
    assert (completed.timed_out, completed.flooded) == (False, False)
    assert completed.stdout == "begun\n"
    assert bench.left_running() == ()


@pytest.mark.parametrize("limits", [Limits(), HEAVY], ids=["usual", "heavy"])
def test_what_stays_within_its_limits_is_left_alone(bench: Bench, limits: Limits) -> None:
    completed = bench.run("import time; time.sleep(0.8); print('done')", limits)

    assert (completed.excess, completed.exit_code, completed.stdout) == ("", 0, "done\n")


def test_memory_that_processes_share_counts_once(bench: Bench) -> None:
    completed = bench.run(SHARES_THE_HOARD, Limits(memory=150 << 20))

    assert (completed.excess, completed.exit_code) == ("", 0)


def test_what_was_there_before_does_not_count(bench: Bench) -> None:
    (bench.directory / "old").write_bytes(bytes(30 << 20))

    completed = bench.run("import time; time.sleep(0.8)", Limits(disk=20 << 20))

    assert (completed.excess, completed.exit_code) == ("", 0)


def test_what_a_quick_command_wrote_is_seen_afterwards(bench: Bench) -> None:
    watch = bench.watch(Limits(disk=1 << 20))
    (bench.directory / "new").write_bytes(bytes(2 << 20))

    assert watch.judge(filetree.snapshot(bench.directory)) == "wrote more than 1 MiB to disk"
    (bench.directory / "new").write_bytes(b"little")
    assert watch.judge(filetree.snapshot(bench.directory)) == ""


def test_what_takes_long_to_look_at_is_looked_at_seldom(bench: Bench) -> None:
    watch = bench.watch(Limits())

    def members() -> list[int]:
        time.sleep(0.1)
        return [os.getpid()]

    assert watch.look(members) == ""
    assert watch.pause >= 1


def test_what_has_ended_or_vanished_takes_nothing(tmp_path: Path) -> None:
    gone = Watch(limits=Limits(memory=0), directory=tmp_path / "gone", already=0)

    assert not psutil.pid_exists(1 << 30)
    assert gone.look(lambda: [1 << 30]) == ""


def test_a_gibibyte_of_output_costs_the_harness_little(bench: Bench) -> None:
    script = """
import resource, sys
from pathlib import Path
from harness.running.command import execute
flood = "import os\\nwhile True: os.write(1, b'x')"
done = execute([sys.executable, "-c", flood], cwd=Path(), environment={}, timeout=60)
assert done.flooded, done
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    repository = Path(__file__).parents[3]
    words = [sys.executable, "-c", script]
    environment = bench.environment | {"PYTHONPATH": str(repository)}
    completed = execute(words, cwd=bench.directory, environment=environment, timeout=120)

    assert completed.exit_code == 0, completed.stderr
    assert int(completed.stdout) < 200 << 10  # KiB
