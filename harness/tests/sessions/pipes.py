"""Waiting for a command to have begun, which it says through a named pipe."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def await_writer(pipe: Path) -> None:
    """Wait until somebody has written into the pipe; up to 30 s."""
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(30_000), "the command has not begun"
    finally:
        os.close(descriptor)
