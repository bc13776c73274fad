"""Which rung of isolation this machine offers, and how a run is put on the highest.

`environment`: private directories and variables from nothing. `processes`: besides, whatever a command starts
is found, orphans with an empty environment included. `kernel`: the whole run is in namespaces of its own, with a
view of the disk in which little can be written. What is in that view is for the caller.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.errors import TestbedError
from harness.running import launching
from harness.running.privileges import is_superuser

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

Rung = Literal["environment", "processes", "kernel"]

RUNGS: tuple[Rung, ...] = ("environment", "processes", "kernel")
HAS_SUBREAPER = sys.platform == "linux"

_PROGRAM = "bwrap"
# One that dies with whoever started it, and takes everything in it along.
_NAMESPACES = ("--die-with-parent", "--unshare-pid", "--unshare-ipc")
# Of root's powers those over files remain, which cases use and lay down: none of them gets past a read-only mount.
_POWERS_OF_ROOT = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_SETPCAP")
# To say who is who in a namespace of users, which `launching` does, and then gives these up.
_POWERS_TO_LAUNCH = ("CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP")
_LAUNCHING = (sys.executable, "-I", "-S", launching.__file__)
_EVERYTHING = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")


def obstacle() -> str:
    """Say in a line why this machine does not offer the rung `kernel`, or ""."""
    if sys.platform != "linux":
        return "it takes Linux"
    program = shutil.which(_PROGRAM)
    if program is None:
        return f"'{_PROGRAM}' is missing; hint: install bubblewrap"
    within = [program, "--unshare-user", "--unshare-net", "--ro-bind", "/", "/", program, "--version"]
    trial = [program, *_NAMESPACES, *_powers(), *_EVERYTHING, *within]
    done = subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{_PROGRAM} fails: {' '.join(done.stderr.split())}"


def _powers() -> tuple[str, ...]:
    """The words that take root's other powers away; whoever has none needs a namespace to have any others at all."""
    if not is_superuser():
        return ("--unshare-user",)
    powers = (*_POWERS_OF_ROOT, *_POWERS_TO_LAUNCH)
    return ("--cap-drop", "ALL", *(word for power in powers for word in ("--cap-add", power)))


def demand(rung: str) -> None:
    """Require a rung by its name; `auto`, or what is no rung, demands nothing.

    Raises:
        TestbedError: this machine does not offer it.
    """
    if rung == "kernel" and (why := obstacle()):
        raise TestbedError(f"no isolation by the kernel: {why}")
    if rung == "processes" and not HAS_SUBREAPER:
        raise TestbedError("no isolation of processes: it takes Linux")


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a run on the rung `kernel` sees of the disk: all of it, to be read only, but for these places.

    In place of those in `hidden` there are others. Of what is in them, `readable` can be seen nevertheless.
    `writable` says what is in each place that can be written; those `in_memory` are empty, and go with the run. All
    places are resolved, and exist.
    """

    hidden: Mapping[Path, Path]
    readable: Collection[Path]
    writable: Mapping[Path, Path]
    in_memory: Collection[Path] = ()

    def command(self, argv: Collection[str]) -> tuple[str, ...]:
        """The words that run a command in it, which may make networks of its own: `argv` begins with a path."""
        binds = [word for bind in self._binds() for word in bind]
        program = shutil.which(_PROGRAM) or _PROGRAM
        return (program, *_NAMESPACES, *_powers(), *_EVERYTHING, *binds, "--", *_LAUNCHING, *argv)

    def _binds(self) -> Iterator[tuple[str, ...]]:
        """What lies deeper comes later, and what can be written last."""
        binds = {place: ("--bind", str(content), str(place)) for place, content in self.hidden.items()}
        for place in {path.resolve() for path in self.readable} - self.hidden.keys():
            if any(place.is_relative_to(hidden) for hidden in self.hidden):
                binds[place] = ("--ro-bind", str(place), str(place))
        yield from (bind for _, bind in sorted(binds.items()))
        for place, content in sorted(self.writable.items()):
            yield "--bind", str(content), str(place)
        yield from (("--tmpfs", str(place)) for place in self.in_memory)
