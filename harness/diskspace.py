"""Whether a disk has the room that a run takes for granted."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 64 << 20
_FILES = 2000


def is_nearly_full(directory: Path) -> bool:
    """Whether there is less room than a runtime takes, in bytes or in files; False where nobody can tell."""
    with suppress(OSError):
        if shutil.disk_usage(directory).free < _BYTES:
            return True
        if hasattr(os, "statvfs"):
            disk = os.statvfs(directory)
            return disk.f_files > 0 and disk.f_favail < _FILES
    return False
