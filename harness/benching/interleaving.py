"""Rounds: every side once, then every side again, so that a slow minute of the machine is slow for all of them."""

from __future__ import annotations

import gc
import time
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Samples = dict[str, list[float]]


def interleave(sides: Mapping[str, Callable[[], float]], rounds: int, *, warm_up: bool = True) -> Samples:
    """What each side says of each round, in seconds; a first round, which fills caches, does not count."""
    samples: Samples = {name: [] for name in sides}
    for number in range(-1 if warm_up else 0, rounds):
        for name, side in sides.items():
            seconds = side()
            if number >= 0:
                samples[name].append(seconds)
    return samples


def ratio(samples: Mapping[str, Sequence[float]], ours: str, theirs: str) -> float:
    """The median of one side by the median of another."""
    return median(samples[ours]) / median(samples[theirs])


def timed(action: Callable[[], object]) -> float:
    """How many seconds something in this process takes, which starts without somebody else's garbage."""
    gc.collect()
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def versus(samples: Mapping[str, Sequence[float]], ours: str, theirs: str) -> str:
    """Both medians."""
    return f"{median(samples[ours]):.2f} s against {median(samples[theirs]):.2f} s"
