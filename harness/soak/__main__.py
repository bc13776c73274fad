"""`python -m harness.soak`: runs of the prune family in a row, each with a fault of the machine, and the count."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.interrupts import terminable
from harness.options import DEFAULT_REFERENCE
from harness.proving import catalogue
from harness.release.building import build
from harness.running import isolation
from harness.running.environment import installer_environment
from harness.soak.faults import NONE, draw
from harness.soak.runs import Machine, Plan
from harness.temporaryfiles import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.soak.runs import Outcome

_CHECKOUT = Path(__file__).resolve().parents[2]
_BROKEN = ("bare-prune-exits-0", "dry-run-deletes", "yes-removes-only-the-first")
_BUILD_SECONDS = 600
_BUILDING = 0.25  # so many runs build the release as well
_NEXT = "bare_prune_refuses_when_asked_twice"  # one case tells whether a run is as it should be


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
        self.faults += outcome.plan.fault is not NONE
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
    parser.add_argument(
        "--faults", nargs="+", default=(), metavar="WORD", help="only those with one of these in their names"
    )
    options = parser.parse_args(arguments)
    try:
        draw(random.Random(), tuple(options.faults))  # noqa: S311 -- nobody guards it
    except LookupError:
        parser.error(f"no fault has {' or '.join(map(repr, options.faults))} in its name")
    seed = random.randrange(1 << 30) if options.seed is None else options.seed  # noqa: S311 -- the same
    with terminable(), tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:
        directory = Path(name).resolve()
        source = cache(partial(_source, directory))
        machine = Machine(directory, source, cache(lambda release: _wheel(source(release))))
        _say(f"seed {seed}")
        tally = Tally()
        with machine, suppress(KeyboardInterrupt):  # what there is of it counts
            _soak(machine, tally, options.runs, random.Random(seed), tuple(options.faults))  # noqa: S311 -- the same
    _say(str(tally))
    return 0 if tally.is_clean and tally.runs >= options.runs else 1


def _soak(machine: Machine, tally: Tally, number: int, chance: random.Random, words: tuple[str, ...]) -> None:
    rungs = ["processes"] if isolation.obstacle() else ["processes", "kernel"]
    (usual,) = machine.run(Plan(release="good", fault=NONE, rung=rungs[0], seed=0))  # how long one takes here and now
    while tally.runs < number:
        plan = Plan(
            release="good" if chance.random() < 0.5 else chance.choice(_BROKEN),  # noqa: PLR2004 -- a toss
            fault=draw(chance, words),
            rung=chance.choice(rungs),
            seed=chance.randrange(1 << 30),
            after=chance.uniform(0, usual.seconds),
            build=chance.random() < _BUILDING,
        )
        _disturb(machine, tally, plan)


def _disturb(machine: Machine, tally: Tally, plan: Plan) -> None:
    """Do a run, and where it was ended another one, as it would be the next."""
    for outcome in machine.run(plan):
        _tell(outcome, f"{tally.runs + 1:>4}", tally.add(outcome))
    # On the rung `kernel` the kernel sees to it; otherwise what a killed run left is for the next start.
    left = [] if plan.fault.kills and plan.rung == "processes" else machine.running()
    if plan.fault.disturb is not None:
        (after,) = machine.run(replace(plan, release="good", fault=NONE, build=False, only=_NEXT, workers=0))
        if after.is_false_red:
            tally.false_reds += 1
            _tell(after, "then", "FALSE RED")
        left += machine.running()
    left += machine.lying()
    for line in left:
        _say(f"     left: {line}")
    tally.leftovers += left


def _tell(outcome: Outcome, number: str, problem: str) -> None:
    plan = outcome.plan
    moment = f"{plan.after:4.1f} s" if plan.fault.disturb is not None else ""
    what = f"{plan.release:<27}{'+ build' if plan.build else '':<8}{plan.rung:<10} {plan.fault.name:<20} {moment:<6}"
    _say(f"{number} {what} {outcome.exit_code:>4} {outcome.verdict:<14} {outcome.seconds:5.1f} s {problem}".rstrip())


def _source(directory: Path, release: str) -> Path:
    """Copy the reference release, and give it a fault of the catalogue where one is asked for."""
    tree = catalogue.copy(_CHECKOUT / DEFAULT_REFERENCE, directory / release / "source")
    if release != "good":
        catalogue.apply(catalogue.read(_CHECKOUT / "fixtures" / "broken" / f"{release}.toml"), tree)
    return tree


def _wheel(source: Path) -> Path:
    place, log = source.with_name("built"), source.with_name("build.log")
    environment = installer_environment(os.environ) | dict.fromkeys(VARIABLES, str(source.parent))
    return build(source, place, environment=environment, timeout=_BUILD_SECONDS, log=log).wheel


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
