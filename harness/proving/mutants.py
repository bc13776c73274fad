"""`python -m harness.proving.mutants`: mutation testing of the pure modules, a line a module.

Owns which modules those are, the list of survivors with a reason each, and the judgement: enough mutants
are killed, and every survivor is explained. What a mutant is and how it is tried is for `mutation`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tomli

from harness.errors import HarnessError, UsageError
from harness.proving.mutation import DEADLINE, Laboratory, mutants_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.proving.mutation import Mutant, Trial

CHECKOUT = Path(__file__).resolve().parents[2]
SURVIVORS = Path("harness", "proving", "survivors.toml")
MODULES = (
    "harness/running/filetree.py",
    "harness/running/environment.py",
    "harness/release/contract.py",
    "harness/release/artifact.py",
    "harness/release/members.py",
    "harness/verdict/clause.py",
    "harness/verdict/evidence.py",
)
NEEDED_SHARE = 0.9
_KEYS = {"module", "line", "becomes", "reason"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Survivor:
    """A mutant that may survive: the change, by its text, since the numbers of lines change too often."""

    module: str
    line: str
    becomes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The trials of one module, or of several; `left_out` is the number of mutants that do not count."""

    name: str
    trials: tuple[Trial, ...]
    left_out: int

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        """The mutants that no self-test noticed."""
        return tuple(trial.mutant for trial in self.trials if trial.outcome == "survived")

    @property
    def overdue(self) -> int:
        """How many of the killed ones are so because the self-tests did not come to an end."""
        return sum(trial.outcome == "overdue" for trial in self.trials)

    @property
    def share(self) -> float:
        """The part that was killed, from 0 to 1; of nothing nothing was."""
        return 1 - len(self.survivors) / len(self.trials) if self.trials else 0.0


def main(arguments: Sequence[str] | None = None, *, checkout: Path = CHECKOUT) -> int:
    """Try the mutants; 0 when enough are killed and the rest is explained, 1 when not, 4 when nobody can tell."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    try:
        known = read(checkout / SURVIVORS)
        scores = list(_told(_try_all(checkout, options.modules or MODULES, options.jobs)))
    except HarnessError as error:
        sys.stderr.write(f"{error}\n{error.detail}".rstrip() + "\n")
        return 4
    total = Score(
        name="all",
        trials=tuple(trial for score in scores for trial in score.trials),
        left_out=sum(score.left_out for score in scores),
    )
    unexplained = [mutant for mutant in total.survivors if _as_survivor(mutant) not in known]
    for line in _summary(total, unexplained, _gone(known, scores), time.monotonic() - started):
        sys.stdout.write(f"{line}\n")
    return 0 if total.share >= NEEDED_SHARE and not unexplained else 1


def read(path: Path) -> Mapping[Survivor, str]:
    """Read the list of survivors, each with the reason why no self-test can or need notice it.

    Raises:
        UsageError: the file cannot be read or is not TOML, or an entry lacks a key or has one too many.
    """
    try:
        entries = tomli.loads(path.read_text(encoding="utf-8")).get("survivor", [])
    except (OSError, tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"'{path.name}' cannot be read: {error}") from error
    for entry in entries:
        if set(entry) != _KEYS or not all(entry.values()):
            raise UsageError(f"a survivor in '{path.name}' needs {', '.join(sorted(_KEYS))}: {entry}")
    return {
        Survivor(module=entry["module"], line=entry["line"], becomes=becomes): entry["reason"]
        for entry in entries
        for becomes in entry["becomes"]
    }


def _as_survivor(mutant: Mutant) -> Survivor:
    return Survivor(module=mutant.module, line=mutant.was, becomes=mutant.becomes)


def _gone(known: Mapping[Survivor, str], scores: Sequence[Score]) -> list[Survivor]:
    """The entries of the list that are there for nothing, as far as their module was tried."""
    tried = {score.name for score in scores}
    surviving = {_as_survivor(mutant) for score in scores for mutant in score.survivors}
    return [survivor for survivor in known if survivor.module in tried and survivor not in surviving]


def _try_all(checkout: Path, modules: Sequence[str], jobs: int) -> Iterator[Score]:
    """Try every mutant, several at a time; the scores come in the order of the modules."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        laboratory = Laboratory(checkout, modules, Path(directory), jobs)
        pool = ThreadPoolExecutor(max_workers=jobs)
        try:
            for module in modules:
                # Making mutants takes time as well: the first are tried while the others are made.
                futures = [
                    mutant and pool.submit(laboratory.attempt, mutant) for mutant in mutants_of(checkout, module)
                ]
                trials = tuple(future.result() for future in futures if future)
                yield Score(name=module, trials=trials, left_out=len(futures) - len(trials))
        finally:
            pool.shutdown(cancel_futures=True)  # after an interrupt nobody waits for what has not begun


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.proving.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules to change, from the root (default: the pure ones)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="mutants at a time (default: 2)")
    return parser


def _told(scores: Iterator[Score]) -> Iterator[Score]:
    """Print the line of a module as soon as it is known."""
    sys.stdout.write(f"{'module':<32} {'mutants':>8} {'killed':>8} {'survived':>9} {'share':>8} {'work':>8}\n")
    for score in scores:
        sys.stdout.write(f"{_row(score)}\n")
        sys.stdout.flush()
        yield score


def _row(score: Score) -> str:
    mutants, survived = len(score.trials), len(score.survivors)
    seconds = sum(trial.seconds for trial in score.trials)
    counts = f"{mutants:8} {mutants - survived:8} {survived:9} {score.share:8.1%} {seconds:6.0f} s"
    return f"{score.name:<32} {counts}"


def _summary(total: Score, unexplained: Sequence[Mutant], gone: Sequence[Survivor], seconds: float) -> Iterator[str]:
    yield _row(total)
    yield f"in {seconds:.0f} s; {total.overdue} of the killed ran into the deadline of {DEADLINE:.0f} s"
    yield f"left out: {total.left_out} that Python refuses, that change an annotation, or that cosmic-ray cannot make"
    for mutant in unexplained:
        yield f"NOT EXPLAINED  {mutant.module}:{mutant.line}\n  - {mutant.was}\n  + {mutant.becomes}"
    for survivor in gone:
        yield f"no longer survives  {survivor.module}\n  - {survivor.line}\n  + {survivor.becomes}"
    if total.share < NEEDED_SHARE:
        yield f"{total.share:.1%} killed, and {NEEDED_SHARE:.0%} are needed"


if __name__ == "__main__":
    sys.exit(main())
