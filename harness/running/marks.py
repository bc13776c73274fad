"""How processes are told by their environment, whoever started them: which sandbox they are of, where they work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARKER = "SMOKE_SANDBOX"

_PLACES = (MARKER, "TMPDIR", "TEMP", "TMP")


def marked(marker: str) -> set[int]:
    """Find what carries this mark; "" is none."""
    return {pid for pid, said in _environments() if marker and said.get(MARKER) == marker}


def working_below(directory: Path) -> set[int]:
    """Find what has its sandbox or its temporary files in this directory, this process aside."""
    start = f"{directory}{os.sep}"
    found = {pid for pid, said in _environments() if any(said.get(name, "").startswith(start) for name in _PLACES)}
    return found - {os.getpid()}


def _environments() -> Iterator[tuple[int, dict[str, str]]]:
    """The processes of the machine, each with its environment as far as this user may read it."""
    for each in psutil.process_iter(["environ"]):
        yield each.pid, each.info["environ"] or {}
