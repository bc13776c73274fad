"""Holds what commands leave running within the limits of their sandbox, until the case ends.

While somebody waits for a command, `command` and `terminal` watch it; this is for daemons, once it has ended.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from harness.running import processes
from harness.running.limits import Watch, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from harness.running.filetree import Snapshot
    from harness.running.limits import Limits


class Guard:
    """Who looks after a sandbox's daemons, in a thread that there is only while there are any.

    `ignore` gives the processes that are none of the product's.
    """

    def __init__(self, directory: Path, limits: Limits, ignore: Callable[[], Collection[int]]) -> None:
        self._marker = str(directory)
        self._watch = Watch(limits=limits, directory=directory, already=0)
        self._ignore = ignore
        self._excess = ""
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, already: int) -> None:
        """Look after what runs from now on; `already` are the bytes that are in the sandbox's directory."""
        self._watch.already = already
        if not self._is_needed:
            self._thread = threading.Thread(target=self._look, daemon=True)
            self._thread.start()

    def allow(self, tree: Snapshot) -> None:
        """Let the sandbox's directory be as large as it is: what commands write is their own to write."""
        if self._is_needed:
            self._watch.already = size_of(tree)

    def take_excess(self) -> str:
        """Say, once, what they had too much of, and were ended for; or ""."""
        excess, self._excess = self._excess, ""
        return excess

    def end(self) -> str:
        """Look after nothing any more, and say what nobody has taken."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        return self.take_excess()

    @property
    def _is_needed(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _look(self) -> None:
        while not self._over.wait(self._watch.pause) and self._members():
            if excess := self._watch.look(self._members):
                self._excess = f"what it left running {excess}"
                processes.end_strays(self._marker, ignore=self._ignore())
                return

    def _members(self) -> Collection[int]:
        return processes.strays(self._marker, ignore=self._ignore())
