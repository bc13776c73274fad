"""Writes files that nobody ever reads half of."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WRITING_SECONDS = 60.0  # nobody takes longer


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step: it is the old one or the new one, never half of it; OSError when it cannot be."""
    forget_unfinished(path)
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def forget_unfinished(path: Path) -> None:
    """Remove what somebody left beside a file who was killed while writing it."""
    unfinished = re.compile(rf"\.{re.escape(path.name)}-(\d+|[a-z0-9_]{{8}})")
    with suppress(OSError):
        for name in filter(unfinished.fullmatch, os.listdir(path.parent)):  # noqa: PTH208 -- few of many are
            other = path.with_name(name)
            # Told by its age: the number in its name may be that of a process which runs in another container.
            with suppress(OSError):
                if time.time() - other.lstat().st_mtime > _WRITING_SECONDS:
                    other.unlink()
