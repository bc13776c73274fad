"""The kill matrix: each entry built and smoked for real, and what its clauses said.

Owns the run of one entry and of many, and the judgement on them. Runs the smoke as a user does, in a
process of its own; what the smoke found is read from the verdict that it wrote.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.proving import catalogue
from harness.release.steps import run_step
from harness.verdict.clause import PREPARATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.proving.catalogue import Entry
    from harness.verdict.clause import Clause
    from harness.verdict.document import Document

DEADLINE = 900.0  # seconds, for the smoke of one entry
_OF_ANOTHER_RUN = ("PYTEST", "GITHUB_")  # starts of the names of variables
_SAYS_NOTHING = ("testbed-fault", "usage-error")  # verdicts that are not about the release

# The wheel comes straight from its builder, because an isolated build takes longer than most smokes.
_BUILD = """\
import sys
from hatchling.builders.wheel import WheelBuilder
print(*WheelBuilder(sys.argv[1]).build(directory=sys.argv[2], versions=["standard"]), sep="\\n")
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What became of one entry; `failed` maps the clauses that failed to what happened instead.

    `not_run` are clauses that were to have their say and had none.
    `problem` is why nothing can be said of it, when the smoke did not get as far as a verdict.
    """

    entry: Entry
    seconds: float
    verdict: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)
    not_run: tuple[str, ...] = ()
    problem: str = ""

    @property
    def survivors(self) -> tuple[str, ...]:
        """The clauses that should have failed and did not."""
        return tuple(clause for clause in self.entry.clauses if clause not in self.failed)

    @property
    def holds(self) -> bool:
        """Whether a broken release is caught by every clause that it names, and a harmless one by none."""
        if self.problem:
            return False
        if self.entry.is_harmless:
            return not self.failed and not self.not_run and self.verdict in {"passed", "incomplete"}
        return not self.survivors and self._verdict_says_so

    @property
    def _verdict_says_so(self) -> bool:
        return self.verdict == "unusable" or not set(PREPARATION) & set(self.entry.clauses)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prover:
    """How entries are run: on which checkout, for which clauses, in which directory."""

    checkout: Path
    reference: Path
    clauses: Mapping[str, Clause]
    directory: Path
    all_clauses: bool = False

    def prove(self, entry: Entry) -> Proof:
        """Run one entry; a failure of the harness or the machine is its problem."""
        started = time.monotonic()
        place = Path(tempfile.mkdtemp(prefix=f"{entry.id}-", dir=self.directory))
        try:
            document = self._smoke(entry, self._make(entry, place), place)
        except HarnessError as error:
            return Proof(entry=entry, seconds=time.monotonic() - started, problem=str(error))
        verdict, clauses = document["verdict"], document["clauses"]
        return Proof(
            entry=entry,
            seconds=time.monotonic() - started,
            verdict=verdict,
            failed={clause["id"]: clause["reason"] for clause in clauses if clause["outcome"] == "failed"},
            not_run=tuple(clause["id"] for clause in clauses if clause["outcome"] == "not-run"),
            problem=document["reason"] if verdict in _SAYS_NOTHING else "",
        )

    def prove_all(self, entries: Sequence[Entry], jobs: int) -> Iterator[Proof]:
        """Run entries, several at a time; the proofs come as they are ready."""
        pool = ThreadPoolExecutor(max_workers=jobs)
        try:
            for future in as_completed([pool.submit(self.prove, entry) for entry in entries]):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)  # after an interrupt nobody waits for what has not begun

    def cases(self, entry: Entry) -> tuple[str, ...]:
        """What pytest is given: the cases of the entry's clauses or families, or all."""
        if self.all_clauses or not (entry.clauses or entry.families):
            return ("smoke",)
        if entry.is_harmless:
            return tuple(f"smoke/test_{family}.py" for family in entry.families)
        chosen = [self.clauses[identifier] for identifier in entry.clauses]
        return tuple(f"smoke/test_{clause.family}.py::test_{clause.id}" for clause in chosen)

    def _make(self, entry: Entry, place: Path) -> Path:
        """The file or directory that the smoke is given."""
        tree = catalogue.copy(self.reference, place / "release")
        catalogue.apply(entry, tree)
        if entry.smoked == "source":
            return tree
        (place / "wheel").mkdir()
        self._step(place, "-c", _BUILD, str(tree), str(place / "wheel"))
        wheels = list((place / "wheel").glob("*.whl"))
        if len(wheels) != 1:
            raise HarnessError(f"no wheel was built: {_said(place)}")
        catalogue.append(entry, wheels[0])
        return wheels[0]

    def _smoke(self, entry: Entry, artifact: Path, place: Path) -> Document:
        options = {"--artifact": artifact, "--dist-dir": place / "dist", "--evidence": place / "evidence"}
        words = [str(word) for option in options.items() for word in option]
        words += ["-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        # One failed case fails its clause, and nobody waits for the others.
        words += ["-x"] if len(entry.clauses) == 1 and not self.all_clauses else []
        self._step(place, "-m", "pytest", *self.cases(entry), *words)
        verdict = place / "evidence" / "verdict.json"
        if not verdict.is_file():
            raise HarnessError(f"the smoke wrote no verdict: {_said(place)}")
        document: Document = json.loads(verdict.read_text(encoding="utf-8"))
        return document

    def _step(self, place: Path, *words: str) -> None:
        temporary = place / "tmp"
        temporary.mkdir(exist_ok=True)
        # A smoke that runs inside of another run must not take that one's settings, or its page on CI, for its own.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OF_ANOTHER_RUN)}
        environment = inherited | {"TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
        log = place / "output.log"
        run_step([sys.executable, *words], environment=environment, cwd=self.checkout, timeout=DEADLINE, log=log)


def _said(place: Path) -> str:
    """The last line of what the steps of an entry printed."""
    lines = (place / "output.log").read_text(encoding="utf-8").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def without_fault(clauses: Sequence[Clause], entries: Sequence[Entry]) -> tuple[str, ...]:
    """The clauses that no broken release is there for; those that a user must ask for are no part of it."""
    exercised = {identifier for entry in entries for identifier in entry.clauses}
    return tuple(clause.id for clause in clauses if not clause.opt_in and clause.id not in exercised)


def unknown_clauses(clauses: Sequence[Clause], entries: Sequence[Entry]) -> tuple[str, ...]:
    """What entries name as clauses and is none, one line each."""
    known = {clause.id for clause in clauses}
    return tuple(
        f"entry '{entry.id}' names '{identifier}', which is no clause"
        for entry in entries
        for identifier in entry.clauses
        if identifier not in known
    )


def as_data(proofs: Sequence[Proof], uncovered: Sequence[str], seconds: float) -> dict[str, object]:
    """The matrix as `kill-matrix.json` holds it, in the order of the ids."""
    rows = [
        {
            "id": proof.entry.id,
            "sentence": proof.entry.sentence,
            "harmless": proof.entry.is_harmless,
            "source": proof.entry.source,
            "clauses": list(proof.entry.clauses),
            "holds": proof.holds,
            "verdict": proof.verdict,
            "failed": dict(proof.failed),
            "problem": proof.problem,
            "seconds": round(proof.seconds, 2),
        }
        for proof in sorted(proofs, key=lambda proof: (proof.entry.is_harmless, proof.entry.id))
    ]
    return {"schema": 1, "seconds": round(seconds, 2), "clauses_without_fault": list(uncovered), "entries": rows}
