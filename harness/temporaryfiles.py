"""Where this process, its workers and their tools put what they need for a moment: all of it goes with the run."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VARIABLES = ("TMPDIR", "TEMP", "TMP")  # what says where that is, on every platform


def keep_temporary_files(place: Path) -> Callable[[], None]:
    """Have them put there from now on; gives what puts an end to that."""
    variables, directory = {name: os.environ[name] for name in VARIABLES if name in os.environ}, tempfile.tempdir
    with suppress(OSError):  # a full disk will be told by whoever needs it
        place.mkdir()
        os.environ.update(dict.fromkeys(VARIABLES, str(place)))
        tempfile.tempdir = str(place)

    def restore() -> None:
        for name in VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(variables)
        tempfile.tempdir = directory

    return restore
