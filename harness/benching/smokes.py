"""The smoke as users run it, beside what they would do without it, and against its own lower bound."""

from __future__ import annotations

import os
import shutil
import sys
from statistics import median
from typing import TYPE_CHECKING

from harness.benching import peers
from harness.benching.bench import CHECKOUT, Smoked
from harness.benching.interleaving import interleave, ratio, versus
from harness.benching.rows import BY_ID, Figure
from harness.errors import TestbedError
from harness.running.environment import installer_environment
from harness.toolcaches import tool_caches

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from harness.benching.bench import Bench

TRIVIAL = ("smoke", "-n0", "-k", "test_version_is_that_of_the_artifact")
_TRIVIAL_PEERS = {"trivial-tox-pip": "tox -r", "trivial-tox-uv": "tox -r, uv", "trivial-tox-kept": "tox"}


def trivial(bench: Bench, wanted: Collection[str]) -> Iterator[Figure]:
    """One case on the reference source: everything else is what it takes to get there."""
    sides = _trivial_sides(bench)
    names = {row: name for row, name in _TRIVIAL_PEERS.items() if row in wanted}
    chosen = {name: side for name, side in sides.items() if name in {"ours", *names.values()}}
    samples = interleave(chosen, bench.rounds)
    for row, name in names.items():
        yield Figure(
            row=BY_ID[row],
            value=ratio(samples, "ours", name),
            detail=versus(samples, "ours", name),
            samples={"ours": samples["ours"], name: samples[name]},
        )


def _trivial_sides(bench: Bench) -> dict[str, Callable[[], float]]:
    projects = {name: peers.trivial_project(bench.place("tox")) for name in _TRIVIAL_PEERS.values()}
    return {
        "ours": lambda: bench.smoke(*TRIVIAL).seconds,
        "tox -r": lambda: peers.tox(bench, projects["tox -r"], "-r", variables=peers.WITHOUT_UV),
        "tox -r, uv": lambda: peers.tox(bench, projects["tox -r, uv"], "-r"),
        "tox": lambda: peers.tox(bench, projects["tox"], variables=peers.WITHOUT_UV),
    }


def whole(bench: Bench, wanted: Collection[str]) -> Iterator[Figure]:
    """Every case; tox runs them one after the other, which is also how long each command takes undisturbed."""
    ours: list[Smoked] = []
    theirs: list[Smoked] = []

    def smoke() -> float:
        ours.append(bench.smoke("smoke", *bench.workers))
        return ours[-1].seconds

    def tox() -> float:
        evidence = bench.place("evidence")
        project = peers.whole_project(bench.place("tox"), evidence)
        seconds = peers.tox(bench, project, "-r", variables=peers.WITHOUT_UV)
        theirs.append(Smoked(seconds=seconds, evidence=evidence))
        return seconds

    samples = interleave({"ours": smoke, "tox -r": tox}, bench.few_rounds, warm_up=False)
    demand_same_cases(ours[0].cases, theirs[0].cases)
    if "whole-tox" in wanted:
        alone = median(run.document["seconds"] for run in theirs)
        detail = f"{versus(samples, 'ours', 'tox -r')}, {alone:.1f} s of it for the cases"
        yield Figure(row=BY_ID["whole-tox"], value=ratio(samples, "ours", "tox -r"), detail=detail, samples=samples)
    if "whole-bound" in wanted:
        yield bound(bench, samples["ours"], ours, theirs)


def demand_same_cases(ours: dict[str, str], theirs: dict[str, str]) -> None:
    """Refuse a comparison of different work; whether one was built here or there is no case's outcome."""
    if ours.keys() != theirs.keys():
        different = sorted(ours.keys() ^ theirs.keys())
        raise TestbedError(f"the sides ran different cases: '{different[0]}' and {len(different) - 1} more")


def bound(bench: Bench, seconds: list[float], ours: list[Smoked], alone: list[Smoked]) -> Figure:
    """The whole against what cannot be saved: what `alone`, one after the other, the commands took."""
    prepared = [run.stages["builds"] + run.stages["installs"] for run in ours]
    commands = [run.command_seconds for run in alone]
    bounds = [one + each / bench.cores for one, each in zip(prepared, commands, strict=True)]
    samples = {"ours": seconds, "build and install": prepared, "commands": commands, "bound": bounds}
    detail = (
        f"{versus(samples, 'ours', 'bound')}: {median(prepared):.1f} s to build and install, "
        f"{median(commands):.1f} s of commands on {bench.cores} cores"
    )
    return Figure(row=BY_ID["whole-bound"], value=ratio(samples, "ours", "bound"), detail=detail, samples=samples)


def prune(bench: Bench, _wanted: Collection[str]) -> Iterator[Figure]:
    """What the promise is about that matters most, against the script that somebody would write for it."""
    cases = [f"smoke/test_{family}.py" for family in peers.PRUNE_FAMILIES]
    model = bench.smoke(*cases, "--artifact", bench.wheel, *bench.workers).document
    uv, caches = tool_caches(installer_environment(os.environ))
    variables = {"PATH": f"{uv.parent}{os.pathsep}{os.environ['PATH']}", **_as_text(caches)}

    def script() -> float:
        place = bench.place("script")  # a new one each time, since a run leaves what it made
        return bench.run("sh", peers.prune_script(model, bench.wheel, place, variables), cwd=place)

    sides = {
        "ours": lambda: bench.smoke(*cases, "--artifact", bench.wheel, *bench.workers).seconds,
        "script": script,
    }
    samples = interleave(sides, bench.rounds)
    detail = versus(samples, "ours", "script")
    yield Figure(row=BY_ID["prune-script"], value=ratio(samples, "ours", "script"), detail=detail, samples=samples)


def reuse(bench: Bench, _wanted: Collection[str]) -> Iterator[Figure]:
    """The install step of two runs on the same tarball, with a shelf that is empty before the first."""
    npm = ("--contract", CHECKOUT / "fixtures" / "ktx-npm" / "contract.toml")
    packed = bench.smoke(*TRIVIAL, *npm, "--artifact", CHECKOUT / "fixtures" / "ktx-npm").evidence / "dist"
    options = (*TRIVIAL, *npm, "--artifact", next(packed.glob("*.tgz")), "--reuse-installation")
    caches = bench.place("caches")
    _, shared = tool_caches(installer_environment(os.environ))  # which stay where they are
    variables = {"XDG_CACHE_HOME": str(caches), **_as_text(shared)}

    def install() -> float:
        return bench.smoke(*options, variables=variables).stages["installs"]

    def install_first() -> float:
        for shelf in caches.rglob("installations"):
            shutil.rmtree(shelf)
        return install()

    samples = interleave({"first": install_first, "second": install}, bench.rounds)
    value = ratio(samples, "second", "first")
    detail = f"{median(samples['second']) * 1000:.0f} ms against {median(samples['first']):.2f} s"
    yield Figure(row=BY_ID["reused-installation"], value=value, detail=detail, samples=samples)


def proof(bench: Bench, _wanted: Collection[str]) -> Iterator[Figure]:
    """Every entry of the catalogue, once: it takes its time."""
    matrix = bench.place("proof") / "kill-matrix.json"
    seconds = bench.run(sys.executable, "-m", "harness.proving", "--out", matrix)
    yield Figure(
        row=BY_ID["kill-matrix"],
        value=seconds,
        detail=f"on {bench.cores} cores, every entry as it must be",
        samples={"proof": [seconds]},
    )


def _as_text(directories: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in directories.items()}
