"""Interrupts: a polite request to end does what Ctrl-C does, and whoever started something hears of both."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


@contextmanager
def terminable() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM as well."""
    with _handled(signal.default_int_handler, signal.SIGTERM):
        yield


@contextmanager
def heard_by(listener: Callable[[], None]) -> Iterator[None]:
    """Call the listener at Ctrl-C or SIGTERM, and go on: it tells a session that runs in another process."""
    with _handled(lambda _number, _frame: listener(), signal.SIGINT, signal.SIGTERM):
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
