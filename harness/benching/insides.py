"""Parts of the harness by themselves, in this process: a sandbox, and snapshots of a tree."""

from __future__ import annotations

import os
import shutil
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from harness.benching.bench import CHECKOUT, DEADLINE
from harness.benching.interleaving import interleave, timed
from harness.benching.rows import BY_ID, Figure
from harness.options import Settings
from harness.preparation import prepare_once
from harness.running import filetree, processes
from harness.running.sandbox import Sandbox
from harness.verdict.archive import Archive

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from harness.benching.bench import Bench
    from harness.preparation import Preparation
    from harness.running.sandbox import Testbed

SIZES = (1_000, 10_000, 100_000)
_MORE = 5  # rounds for each that is asked for: these take milliseconds
_FILES_A_DIRECTORY = 100


def sandboxes(bench: Bench, wanted: Collection[str]) -> Iterator[Figure]:
    """A command that does nothing, in sandboxes of their own: what it takes beyond the command's own time."""
    processes.become_subreaper()  # as sessions are
    preparation = _prepare(bench)
    assert preparation.testbed is not None  # noqa: S101 -- or there would have been an error
    runtime = _runtime(bench, preparation, preparation.testbed)
    sides = {
        "sandbox-empty": lambda: _sandbox(bench, preparation.testbed),
        "sandbox-runtime": lambda: _sandbox(bench, preparation.testbed, runtime),
    }
    samples = interleave({row: side for row, side in sides.items() if row in wanted}, _MORE * bench.rounds)
    for row, seconds in samples.items():
        entries = f", with {len(filetree.snapshot(runtime))} entries" if row == "sandbox-runtime" else ""
        yield Figure(
            row=BY_ID[row],
            value=median(seconds) * 1000,
            detail=f"{min(seconds) * 1000:.1f} to {max(seconds) * 1000:.1f} ms{entries}",
            samples={"ours": seconds},
        )


def _sandbox(bench: Bench, testbed: Testbed, runtime: Path | None = None) -> float:
    """The time of a sandbox without that of its command; what a product or a case puts into it is theirs."""
    directory = bench.place("sandbox") / "0"
    made = time.perf_counter()
    sandbox = Sandbox(directory=directory, testbed=testbed)
    filled = started = time.perf_counter()
    if runtime is not None:
        shutil.copytree(runtime, sandbox.runtime_root / "0.0.0", symlinks=True)
        time.sleep(0.1)  # as after an installation: what was just written is read twice
        started = time.perf_counter()
    sandbox.run(shutil.which("true") or "true")
    sandbox.close(keep=False)
    return time.perf_counter() - started + filled - made - sandbox.results[0].duration


def _prepare(bench: Bench) -> Preparation:
    """The reference, installed as for a smoke."""
    place = bench.place("preparation")
    archive = Archive(evidence=place, scratch=place)
    preparation = prepare_once(_settings(bench.wheel), archive)
    if preparation.failure is not None:
        raise preparation.failure
    return preparation


def _settings(wheel: Path) -> Settings:
    return Settings(
        reference=str(wheel),
        beside=(),
        checkout=CHECKOUT,
        invoked_in=CHECKOUT,
        build="wheel",
        dist=wheel.parent,
        installer="uv",
        python="",
        node="",
        reuse_installation=False,
        install_timeout=DEADLINE,
        command_timeout=DEADLINE,
        evidence=None,
        contract=None,
        expect_version=None,
        previous=None,
        local_embeddings=False,
        strict=False,
        sign_key=None,
    )


def _runtime(bench: Bench, preparation: Preparation, testbed: Testbed) -> Path:
    """A runtime that the product installed."""
    assert preparation.installation is not None  # noqa: S101 -- the same
    assert preparation.contract is not None  # noqa: S101 -- the same
    executable = preparation.installation.executable(preparation.contract.executable)
    sandbox = Sandbox(directory=bench.place("runtime") / "0", testbed=testbed)
    sandbox.run(executable, *preparation.contract.commands["install"], "--yes")
    return next(path for path in sandbox.runtime_root.iterdir() if path.is_dir())


def trees(bench: Bench, wanted: Collection[str], *, sizes: Sequence[int] = SIZES) -> Iterator[Figure]:
    """Snapshots of trees: all read, and with nothing changed since the one before."""
    roots = {size: _tree(bench.place("tree"), size) for size in sizes}
    time.sleep(0.1)  # a stamp that is too fresh is no proof
    before = {size: filetree.snapshot(root) for size, root in roots.items()}
    sides: dict[str, Callable[[], float]] = {}
    for size, root in roots.items():
        sides[f"{size} read"] = partial(_compare, root, before[size], previous=None)
        sides[f"{size} unchanged"] = partial(_compare, root, before[size], previous=before[size])
        sides[f"{size} walk"] = partial(timed, partial(_walk, root))
    samples = interleave(sides, bench.rounds)
    if "tree-linear" in wanted:
        costs = {size: median(samples[f"{size} read"]) / size for size in sizes}
        detail = ", ".join(f"{cost * 1e6:.1f} µs of {size:,}" for size, cost in costs.items())
        value = costs[max(sizes)] / costs[min(sizes)]
        yield Figure(row=BY_ID["tree-linear"], value=value, detail=detail, samples=samples)
    if "tree-unchanged" in wanted:
        ratios = [median(samples[f"{size} unchanged"]) / median(samples[f"{size} walk"]) for size in sizes]
        detail = ", ".join(f"{each:.2f} with {size:,}" for size, each in zip(sizes, ratios, strict=True))
        yield Figure(row=BY_ID["tree-unchanged"], value=max(ratios), detail=detail, samples=samples)


def _compare(root: Path, before: filetree.Snapshot, *, previous: filetree.Snapshot | None) -> float:
    return timed(lambda: filetree.difference(before, filetree.snapshot(root, previous=previous)))


def _tree(root: Path, size: int) -> Path:
    for number in range(size):
        directory = root / str(number // _FILES_A_DIRECTORY)
        if number % _FILES_A_DIRECTORY == 0:
            directory.mkdir()
        (directory / str(number)).write_text(f"{number}\n", encoding="utf-8")
    return root


def _walk(root: Path) -> int:
    found = 0
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            os.lstat(os.path.join(directory, name))  # noqa: PTH118 -- what anybody would write who wants it fast
            found += 1
    return found
