"""Many trials, a few at a time, each in a process of its own that is forked from a warm one.

Owns these processes: their number, their deadline, and that none outlives whoever asked for the proofs.
What happens in them is for `trial`.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from harness.proving import trial
from harness.proving.matrix import Proof
from harness.running import processes

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, SpawnContext
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from harness.proving.catalogue import Entry
    from harness.proving.trial import Trial
    from harness.verdict.clause import Clause

DEADLINE = 900.0  # seconds, for one trial

_GRACE_SECONDS = 5.0  # for a smoke to end what it runs, and to tidy up
_CONTEXT: ForkServerContext | SpawnContext
if "forkserver" in multiprocessing.get_all_start_methods():
    _CONTEXT = multiprocessing.get_context("forkserver")
else:  # pragma: no cover - Windows cannot fork
    _CONTEXT = multiprocessing.get_context("spawn")
_CONTEXT.set_forkserver_preload(["harness.proving.warm"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Prover:
    """How entries are tried: by which clauses, below which directory, for how many seconds at most."""

    clauses: Mapping[str, Clause]
    directory: Path
    all_clauses: bool = False
    deadline: float = DEADLINE

    def prove(self, entry: Entry) -> Proof:
        """Try one entry; a failure of the harness or the machine is its problem."""
        [proof] = self.prove_all([entry], jobs=1)
        return proof

    def prove_all(self, entries: Sequence[Entry], jobs: int) -> Generator[Proof]:
        """Try entries in this order, several at a time; the proofs come as they are ready.

        Closing the iterator ends the trials that still run.
        """
        waiting = deque(map(self.trial, entries))
        running: dict[Connection, _Running] = {}
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    _begin(waiting.popleft(), running, self.deadline)
                for receiver in _ready(running):
                    yield _proof(receiver, running.pop(receiver))
        finally:
            _end(running.values())

    def trial(self, entry: Entry) -> Trial:
        """What is run for an entry."""
        enough = () if self.all_clauses else entry.clauses
        return trial.Trial(entry=entry, cases=self.cases(entry), enough=enough, directory=self.directory)

    def cases(self, entry: Entry) -> tuple[str, ...]:
        """What pytest is given: the cases of the entry's clauses or families, or all."""
        if self.all_clauses or not (entry.clauses or entry.families):
            return ("smoke",)
        if entry.is_harmless:
            return tuple(f"smoke/test_{family}.py" for family in entry.families)
        chosen = [self.clauses[identifier] for identifier in entry.clauses]
        return tuple(f"smoke/test_{clause.family}.py::test_{clause.id}" for clause in chosen)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    """A trial in progress; times are those of the monotonic clock."""

    entry: Entry
    process: BaseProcess
    started: float
    deadline: float


def _begin(chosen: Trial, running: dict[Connection, _Running], seconds: float) -> None:
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=trial.run, args=(chosen, sender))
    process.start()
    started = time.monotonic()
    running[receiver] = _Running(entry=chosen.entry, process=process, started=started, deadline=started + seconds)
    sender.close()  # so that the end of the process is the end of the pipe


def _ready(running: Mapping[Connection, _Running]) -> list[Connection]:
    """Wait for the first that has something to say, has died, or is overdue."""
    first = min(each.deadline for each in running.values())
    wait(list(running), timeout=max(0.0, first - time.monotonic()))
    now = time.monotonic()
    return [receiver for receiver, each in running.items() if receiver.poll() or each.deadline <= now]


def _proof(receiver: Connection, each: _Running) -> Proof:
    try:
        if receiver.poll():
            proof: Proof = receiver.recv()
            each.process.join()
            return proof
        problem = f"it did not finish in {each.deadline - each.started:g} s"
    except EOFError:
        each.process.join()
        problem = f"its process died, with exit code {each.process.exitcode}"
    finally:
        receiver.close()
        _end([each])
    return Proof(entry=each.entry, seconds=time.monotonic() - each.started, problem=problem)


def _end(running: Iterable[_Running]) -> None:
    """End the processes and all that they started."""
    processes.end(
        [member for each in running if each.process.pid for member in processes.tree(each.process.pid)],
        grace=_GRACE_SECONDS,
    )
    for each in running:
        each.process.join()
