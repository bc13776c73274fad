"""Real trees for the self-tests of `harness.running.filetree`."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from harness.running.filetree import Snapshot, difference, snapshot

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, content: str = "") -> Path:
    """A file, in directories that need not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def remove(directory: Path) -> None:
    """Remove a tree in a way that works on deep ones and, even if this process is not root's, on closed directories."""
    subprocess.run(["/bin/chmod", "-R", "u+rwx", directory], check=True)
    subprocess.run(["/bin/rm", "-rf", directory], check=True)


def change(before: Snapshot, root: Path) -> str:
    """What happened to a tree since it was looked at."""
    return difference(before, snapshot(root, previous=before)).render()
