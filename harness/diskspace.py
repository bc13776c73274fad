"""Whether a disk has the room that a run takes for granted."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from harness.errors import TestbedError

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 64 << 20
_FILES = 2000
_FEWEST_FILES = 16  # what pytest itself makes before there is anybody to judge


def is_nearly_full(directory: Path) -> bool:
    """Whether there is less room than a runtime takes, in bytes or in files; False where nobody can tell."""
    with suppress(OSError):
        if shutil.disk_usage(directory).free < _BYTES:
            return True
        if hasattr(os, "statvfs"):
            disk = os.statvfs(directory)
            return disk.f_files > 0 and disk.f_favail < _FILES
    return False


def demand_files(directory: Path) -> None:
    """Require room for the few files without which a run cannot even say what is wrong.

    Raises:
        TestbedError: there is none.
    """
    with suppress(OSError):
        disk = os.statvfs(directory) if hasattr(os, "statvfs") else None
        if disk is not None and 0 <= disk.f_favail < _FEWEST_FILES and disk.f_files > 0:
            raise TestbedError(f"the disk has no room for files: '{directory}'")
