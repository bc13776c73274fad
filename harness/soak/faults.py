"""What can happen to a run on a machine that is killed, full, offline or shared.

A fault changes how a run is started, or does something to it at a moment of its choice.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from harness.deadruns import WORKER

if TYPE_CHECKING:
    import subprocess
    from random import Random

_SMALL_DISK = 'mount -t tmpfs -o size={size}k none "$TMPDIR" && exec "$@"'

Disturb = Callable[["subprocess.Popen[bytes]"], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What happens to a run: `before` are words before its command, `disturb` is done to it at some moment.

    `spoils` says that it may end without a verdict about the release; `kills` that it cannot tidy up; `apart` that
    its temporary files are elsewhere. `runs` is how many there are at once.
    """

    name: str
    before: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    disturb: Disturb | None = None
    spoils: bool = True
    kills: bool = False
    apart: bool = False
    runs: int = 1


def draw(random: Random) -> Fault:
    """One of them, or none."""
    size = random.choice((8, 400, 4_000, 30_000))
    words = ("unshare", "--map-root-user", "--mount", "/bin/sh", "-c", _SMALL_DISK.format(size=size), "sh")
    umask = ("/bin/sh", "-c", 'umask 077; exec "$@"', "sh")
    return random.choice(
        (
            Fault(name="none", spoils=False),
            Fault(name="two at once", spoils=False, runs=2),
            Fault(name="locale C, umask 077", before=umask, settings={"LC_ALL": "C", "LANG": ""}, spoils=False),
            Fault(name="offline", settings={"UV_OFFLINE": "1"}),
            Fault(name=f"disk of {size} KiB", before=words, apart=True),
            Fault(name="SIGINT", disturb=_sends(signal.SIGINT)),
            Fault(name="SIGTERM", disturb=_sends(signal.SIGTERM)),
            Fault(name="SIGKILL", disturb=_sends(signal.SIGKILL), kills=True),
            Fault(name="dead worker", disturb=lambda process: _kill_a_worker(process, random)),
        )
    )


def _sends(number: signal.Signals) -> Disturb:
    return lambda process: process.send_signal(number)


def _kill_a_worker(process: subprocess.Popen[bytes], random: Random) -> None:
    workers = []
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                workers += [child.pid] if any(WORKER in word for word in child.cmdline()) else []
    if workers:
        with suppress(ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)
