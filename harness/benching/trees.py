"""Snapshots of a tree by themselves, in this process."""

from __future__ import annotations

import os
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from harness.benching.interleaving import interleave, timed
from harness.benching.rows import BY_ID, Figure
from harness.running import filetree

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from harness.benching.bench import Bench

SIZES = (1_000, 10_000, 100_000)
_FILES_A_DIRECTORY = 100


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
