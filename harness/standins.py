"""What stands in for the user's own places in a run on the rung `kernel`, and the canaries in it.

A release that deletes a home finds one, and is found out by the canaries that are gone from it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

if sys.platform != "win32":
    import pwd

DIRECTORY = "stand-ins"

_CANARIES = (".canary-of-smoke", "Documents/canary-of-smoke", ".config/canary-of-smoke")


def homes() -> tuple[Path, ...]:
    """What programs may take for the user's home: what the environment says, and what the system knows."""
    said = {Path(os.path.expanduser("~"))}  # noqa: PTH111 -- Path.home() raises where this does not
    if sys.platform != "win32":
        with suppress(KeyError):  # containers run as users that their system does not know
            said.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return tuple(sorted({home.resolve() for home in said if home.is_dir() and home.resolve() != Path("/")}))


def canaries() -> tuple[Path, ...]:
    """The files whose absence says that somebody deletes what is not theirs."""
    return tuple(home / name for home in homes() for name in _CANARIES)


def furnish(scratch: Path, shown: Collection[Path]) -> dict[Path, Path]:
    """Make what stands in for each place that is to be hidden; none that is itself among those `shown` is.

    Raises:
        OSError: it cannot be made.
    """
    places: dict[Path, Path] = {}
    for home in homes():
        places[home] = scratch / DIRECTORY / f"home-{len(places)}"
        for name in _CANARIES:
            canary = places[home] / name
            canary.parent.mkdir(parents=True, exist_ok=True)
            canary.touch()
    if (temporary := Path("/tmp").resolve()).is_dir():  # noqa: S108 -- the others' place, which nobody is to reach
        places[temporary] = scratch / DIRECTORY / "tmp"
        places[temporary].mkdir(parents=True)
    return {place: content for place, content in places.items() if place not in shown}
