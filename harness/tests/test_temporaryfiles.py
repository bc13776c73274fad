"""Self-tests of where files go that are needed for a moment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from harness.temporaryfiles import keep_temporary_files

if TYPE_CHECKING:
    from pathlib import Path

SAYS = "import tempfile; print(tempfile.gettempdir())"


def test_files_go_there_until_that_ends(tmp_path: Path) -> None:
    place, variables, directory = tmp_path / "place", dict(os.environ), tempfile.gettempdir()
    restore = keep_temporary_files(place)
    try:
        here = tempfile.gettempdir()
        child = subprocess.run([sys.executable, "-c", SAYS], check=True, capture_output=True, text=True).stdout
    finally:
        restore()

    assert (here, child) == (str(place), f"{place}\n")
    assert (dict(os.environ), tempfile.gettempdir()) == (variables, directory)


def test_where_nothing_can_be_made_they_stay_where_they_are(tmp_path: Path) -> None:
    directory = tempfile.gettempdir()
    restore = keep_temporary_files(tmp_path / "nowhere" / "place")

    assert tempfile.gettempdir() == directory
    restore()
