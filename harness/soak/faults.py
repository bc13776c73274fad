"""What can happen to a run on a machine that is killed, full, offline or shared.

A fault changes how a run is started, or does something to it at a moment of its choice.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import psutil

if TYPE_CHECKING:
    import subprocess
    from random import Random

WORKER = "exec(eval(sys.stdin.readline()))"  # how xdist starts them

_NAMESPACE = ("unshare", "--map-root-user", "--mount", "/bin/sh", "-c")
_SMALL_DISK = 'mount -t tmpfs -o {limit} none "$TMPDIR" && exec "$@"'
_READ_ONLY_CACHE = 'cache=$("$0" -m uv cache dir) && mount --bind -o ro "$cache" "$cache" && exec "$@"'
_UMASK = ("/bin/sh", "-c", 'umask 077; exec "$@"', "sh")
_CTRL_C = b"\x03"
_TWICE_SECONDS = 0.3  # about as fast as people press it again


class Victim(Protocol):
    """A run that something is done to."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """What was started: pytest, or nox."""
        ...

    def press(self, key: bytes) -> None:
        """Press a key of its terminal."""
        ...


Disturb = Callable[[Victim], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What happens to a run: `before` are words before its command, `disturb` is done to it at some moment.

    `spoils` says that it may end without a verdict about the release; `kills` that it cannot tidy up, or that nobody
    waits until it has. `runs` is how many there are at once. With `nox` it is started as people do it, with `terminal`
    from a terminal.
    """

    name: str
    before: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    disturb: Disturb | None = None
    spoils: bool = True
    kills: bool = False
    nox: bool = False
    terminal: bool = False
    runs: int = 1


NONE = Fault(name="none", spoils=False)


def every(random: Random) -> tuple[Fault, ...]:
    """All of them, and none; those that have a size are of another one each time."""
    return (
        NONE,
        Fault(name="two at once", spoils=False, runs=2),
        Fault(name="eight at once", spoils=False, runs=8),
        Fault(name="locale C, umask 077", before=_UMASK, settings={"LC_ALL": "C", "LANG": ""}, spoils=False),
        Fault(name="offline", settings={"UV_OFFLINE": "1"}),
        _small_disk("disk of {} KiB", "size={}k", random.choice((8, 400, 4_000, 30_000))),
        _small_disk("disk of {} files", "nr_inodes={}", random.choice((5, 20, 100, 1_000))),
        Fault(name="read-only cache", before=(*_NAMESPACE, _READ_ONLY_CACHE, sys.executable)),
        Fault(name="dead worker", disturb=lambda victim: _kill_a_worker(victim.process.pid, random)),
        Fault(name="SIGINT", disturb=_sends(signal.SIGINT)),
        Fault(name="SIGTERM", disturb=_sends(signal.SIGTERM)),
        Fault(name="SIGKILL", disturb=_sends(signal.SIGKILL), kills=True),
        Fault(name="SIGTERM to nox", disturb=_sends(signal.SIGTERM), kills=True, nox=True),
        Fault(name="SIGKILL to nox", disturb=_sends(signal.SIGKILL), kills=True, nox=True),
        Fault(name="Ctrl-C", disturb=_interrupt, terminal=True),
        Fault(name="Ctrl-C twice", disturb=_interrupt_twice, terminal=True),
        Fault(name="Ctrl-C on nox", disturb=_interrupt, terminal=True, nox=True),
        Fault(name="Ctrl-C twice on nox", disturb=_interrupt_twice, kills=True, terminal=True, nox=True),
    )


def draw(random: Random, words: tuple[str, ...] = ()) -> Fault:
    """One of them, or none; with `words`, one that has a word of these in its name.

    Raises:
        LookupError: there is no such fault.
    """
    return random.choice([each for each in every(random) if not words or any(word in each.name for word in words)])


def _small_disk(name: str, limit: str, size: int) -> Fault:
    script = _SMALL_DISK.format(limit=limit.format(size))
    return Fault(name=name.format(size), before=(*_NAMESPACE, script, "sh"))


def _sends(number: signal.Signals) -> Disturb:
    return lambda victim: victim.process.send_signal(number)


def _interrupt(victim: Victim) -> None:
    victim.press(_CTRL_C)


def _interrupt_twice(victim: Victim) -> None:
    victim.press(_CTRL_C)
    time.sleep(_TWICE_SECONDS)
    victim.press(_CTRL_C)


def _kill_a_worker(pid: int, random: Random) -> None:
    workers = []
    with suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.Error):
                workers += [child.pid] if any(WORKER in word for word in child.cmdline()) else []
    if workers:
        with suppress(ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)
