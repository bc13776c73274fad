"""`python -m harness.soak`: runs of the prune family in a row, each with a fault of the machine, and the count."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.options import DEFAULT_REFERENCE
from harness.proving import catalogue
from harness.release.building import build
from harness.running import isolation
from harness.running.environment import installer_environment
from harness.soak.faults import draw
from harness.soak.runs import Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.soak.runs import Outcome

_CHECKOUT = Path(__file__).resolve().parents[2]
_BROKEN = ("bare-prune-exits-0", "dry-run-deletes", "yes-removes-only-the-first")
_BUILD_SECONDS = 600
_USUAL_SECONDS = 15.0  # until a run has told how long it takes


@dataclass(kw_only=True, slots=True)
class Tally:
    """What came of the runs."""

    runs: int = 0
    faults: int = 0
    false_reds: int = 0
    false_greens: int = 0
    leftovers: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> str:
        """Count a run, and say in a word what is wrong with it."""
        self.runs += 1
        self.faults += outcome.fault.name != "none"
        self.false_reds += outcome.is_false_red
        self.false_greens += outcome.is_false_green
        return "FALSE RED" if outcome.is_false_red else "FALSE GREEN" if outcome.is_false_green else ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.false_reds or self.false_greens or self.leftovers)

    def __str__(self) -> str:
        return (
            f"runs: {self.runs}, faults: {self.faults}, false reds: {self.false_reds}, "
            f"false greens: {self.false_greens}, leftovers: {len(self.leftovers)}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak; 0 when no verdict was wrong and nothing was left."""
    parser = argparse.ArgumentParser(prog="python -m harness.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, metavar="N", help="how many (default: 200)")
    parser.add_argument("--seed", type=int, default=None, help="draws the same faults again")
    options = parser.parse_args(arguments)
    seed = random.randrange(1 << 30) if options.seed is None else options.seed  # noqa: S311 -- nobody guards it
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:
        directory = Path(name).resolve()
        machine = Machine(directory, cache(partial(_wheel, directory)))
        _say(f"seed {seed}")
        tally = _soak(machine, options.runs, random.Random(seed))  # noqa: S311 -- the same
    for line in tally.leftovers:
        _say(f"left: {line}")
    _say(str(tally))
    return 0 if tally.is_clean else 1


def _soak(machine: Machine, number: int, chance: random.Random) -> Tally:
    tally = Tally()
    rungs = ["processes"] if isolation.obstacle() else ["processes", "kernel"]
    usual, is_dirty = _USUAL_SECONDS, False
    while tally.runs < number:
        fault, rung = draw(chance), chance.choice(rungs)
        release = "good" if chance.random() < 0.5 else chance.choice(_BROKEN)  # noqa: PLR2004 -- a toss
        after = chance.uniform(0, usual)
        for outcome in machine.run(release, fault, rung, chance.randrange(1 << 30), after):
            problem = tally.add(outcome)
            row = f"{tally.runs:>4} {release:<28} {rung:<10} {fault.name:<22}"
            _say(f"{row} {outcome.exit_code:>4} {outcome.verdict:<14} {outcome.seconds:5.1f} s {problem}".rstrip())
            usual = usual if fault.spoils else outcome.seconds
        # The directory of a run that was ended early is for the next start, as are processes where it was killed;
        # on the rung `kernel` these are gone at once.
        is_dirty = fault.disturb is not None or (is_dirty and fault.apart)
        if not (fault.kills and rung == "processes") and not (is_dirty and fault.apart):
            tally.leftovers += machine.left(processes_only=is_dirty)
    return tally


def _wheel(directory: Path, release: str) -> Path:
    """Build the reference release as it is, or with a fault of the catalogue."""
    tree = catalogue.copy(_CHECKOUT / DEFAULT_REFERENCE, directory / release / "source")
    if release != "good":
        catalogue.apply(catalogue.read(_CHECKOUT / "fixtures" / "broken" / f"{release}.toml"), tree)
    environment, log = installer_environment(os.environ), directory / release / "build.log"
    place = directory / release / "built"
    return build(tree, place, environment=environment, timeout=_BUILD_SECONDS, log=log).wheel


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
