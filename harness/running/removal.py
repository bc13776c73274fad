"""Removes what a case or a product has left, whatever permissions are in it."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def remove(directory: Path) -> None:
    """Remove a tree whole, whatever permissions a case or the product left in it."""

    def retry(function: Callable[..., object], path: str, _error: object) -> None:
        # Only directories matter: what they hold can be unlinked once they can be written.
        for locked in (os.path.dirname(path), path):  # noqa: PTH120 -- the callback speaks strings
            if os.path.isdir(locked) and not os.path.islink(locked):  # noqa: PTH112, PTH114 -- the same
                os.chmod(locked, stat.S_IRWXU)  # noqa: PTH101 -- the same
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 -- the same
            shutil.rmtree(path)
        else:
            function(path)

    if sys.version_info >= (3, 12):
        shutil.rmtree(directory, onexc=retry)
    else:
        shutil.rmtree(directory, onerror=retry)
