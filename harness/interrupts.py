"""Interrupts: a polite request to end does what Ctrl-C does, and whoever started something hears of both.

A run that was started by something of ours, `nox` or a series of sessions, is asked to end as well when that dies.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

STARTED_BY = "SMOKE_STARTED_BY"  # the pid without which a run is to end

_PR_SET_PDEATHSIG = 1
_BOTH = (signal.SIGINT, signal.SIGTERM)
_SAME_SECONDS = 3.0  # people press Ctrl-C twice; and a worker hears of it from the terminal and from its controller

_heard: list[float] = []
_followed: set[int] = set()


@contextmanager
def terminable() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM as well."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def heard_by(listener: Callable[[], None], *, abandoned: Callable[[], None] | None = None) -> Iterator[None]:
    """Call the listener at the first Ctrl-C or SIGTERM, and go on: it tells a session that runs in another process.

    People press Ctrl-C twice, and a session that was told twice could not tidy up. `abandoned` is called when it is
    because the process has died that is being followed: nobody waits any more. Afterwards nobody listens.
    """
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        if len(heard) == 1:
            listener()
        if abandoned is not None and _followed and os.getppid() not in _followed:
            abandoned()

    for number in _BOTH:
        signal.signal(number, hear)
    try:
        yield
    finally:
        ignore()


def heed() -> None:
    """Raise KeyboardInterrupt at Ctrl-C or SIGTERM, but not twice in a moment: the first one's work must get done.

    One that somebody swallowed can be sent again.
    """
    for number in _BOTH:
        signal.signal(number, _interrupt)


def ignore() -> None:
    """Heed no more interrupts: this process is ending, and what it says must be what it found."""
    for number in _BOTH:
        signal.signal(number, signal.SIG_IGN)


def follow() -> None:
    """Be asked to end, from now on, when the process dies that the environment names; at once if it has died."""
    starter = os.environ.pop(STARTED_BY, "")  # what this process starts is of its own
    if not starter or sys.platform != "linux":
        return
    _followed.add(int(starter))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(starter):
        os.kill(os.getpid(), signal.SIGTERM)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    if not _heard or now - _heard[-1] > _SAME_SECONDS:
        _heard.append(now)
        raise KeyboardInterrupt
