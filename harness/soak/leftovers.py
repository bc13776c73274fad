"""What runs leave: processes that work in a directory, and directories that no verdict names."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.running import marks, processes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SETTLE_SECONDS = 2.0


def settle(temporary: Path) -> list[str]:
    """Wait up to two seconds for all that works there to end, and tell what does not."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (running := _running(temporary)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return running


def end(temporary: Path) -> None:
    """End what works there."""
    processes.end(processes.described(marks.working_below(temporary.parent)))


def kept(evidence: Iterable[Path]) -> set[Path]:
    """The directories that verdicts ask people to look into."""
    return {scratch for place in evidence for scratch in _kept_by(place)}


def _running(temporary: Path) -> list[str]:
    return [str(each) for each in processes.described(marks.working_below(temporary.parent))]


def _kept_by(evidence: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        scratch = Path(os.fsdecode((evidence / "scratch.txt").read_bytes()).strip())
        document = json.loads((evidence / "verdict.json").read_bytes())
        cases = [case for clause in document["clauses"] for case in clause["cases"]]
        places = [Path(case["failure"]["kept"]) for case in cases if case["failure"] and case["failure"]["kept"]]
        if any(place.is_relative_to(scratch) for place in places):
            yield scratch
