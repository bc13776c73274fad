"""A tree before and after a command, as few lines as tell the story.

Directories that lead to a change are open, the others as far as there is room; a closed one says how much
is in it. What counts as a change is for `filetree`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.running.filetree import ROOT, Change, printable

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.running.filetree import Kind, Snapshot

Mark = Literal["same", "added", "removed", "changed"]

_ROOM = 80  # rows for what leads to a change
_ROOM_BESIDE = 12  # rows for the contents of directories in which there is none, or which come or go whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One entry; `inside` counts the entries below that have no row, `note` says what changed."""

    path: str
    kind: Kind
    mark: Mark
    inside: int = 0
    note: str = ""


def view(before: Snapshot, after: Snapshot, *, closed: Collection[str] = ()) -> tuple[Row, ...]:
    """The rows of both trees together, each entry once, directories before what is in them.

    Those in `closed` are open only if something in them changed.
    """
    return _View(before, after, closed).rows()


class _View:
    """Both trees, and which of their directories are open."""

    def __init__(self, before: Snapshot, after: Snapshot, closed: Collection[str]) -> None:
        self._closed = closed
        self._before = before
        self._after = after
        paths = (before.entries.keys() | after.entries.keys()) - {ROOT}
        self._children: dict[str, list[str]] = {}
        self._inside: dict[str, int] = {}
        self._changed: dict[str, int] = {}  # how many of those
        for path in sorted(paths, reverse=True):  # what is in a directory comes before it
            parent = path.rpartition("/")[0] or ROOT
            self._children.setdefault(parent, []).append(path)
            self._inside[parent] = self._inside.get(parent, 0) + self._inside.get(path, 0) + 1
            changed = self._changed.get(path, 0) + (self._mark(path) != "same")
            if changed:
                self._changed[parent] = self._changed.get(parent, 0) + changed

    def rows(self) -> tuple[Row, ...]:
        opened = self._opened()
        shown = [path for directory in opened for path in self._children.get(directory, ())]
        return tuple(self._row(path, path in opened) for path in sorted(shown, key=_parts))

    def _opened(self) -> set[str]:
        """Open what leads to changes first, then the rest, the shallow before the deep."""
        room = {True: _ROOM, False: _ROOM_BESIDE}
        opened: set[str] = set()
        waiting = [(False, 0, ROOT)]
        while waiting:
            beside, depth, directory = heapq.heappop(waiting)
            children = self._children.get(directory, ())
            if len(children) > room[not beside]:
                continue
            room[not beside] -= len(children)
            opened.add(directory)
            for child in children:
                if child in self._children and (child not in self._closed or self._leads(child)):
                    heapq.heappush(waiting, (not self._leads(child), depth + 1, child))
        return opened

    def _leads(self, path: str) -> bool:
        """Whether an entry is in both trees, and something in it is not."""
        return path in self._changed and self._mark(path) in {"same", "changed"}

    def _row(self, path: str, is_open: bool) -> Row:  # noqa: FBT001 -- a fact, not a switch
        entry = self._after.get(path) or self._before[path]
        inside = 0 if is_open else self._inside.get(path, 0)
        mark, note = self._mark(path), self._note(path)
        if inside and self._leads(path):
            mark, note = "changed", f"{self._changed[path]} of them changed"
        return Row(path=printable(path), kind=entry.kind, mark=mark, inside=inside, note=note)

    def _note(self, path: str) -> str:
        before, after = self._before.get(path), self._after.get(path)
        if before is not None and after is not None:
            return "" if before == after else Change(path=path, before=before, after=after).what
        entry = after or before
        return f"to {printable(entry.target)}" if entry is not None and entry.kind == "link" else ""

    def _mark(self, path: str) -> Mark:
        before, after = self._before.entries.get(path), self._after.entries.get(path)
        if before is after or before == after:  # most are the same object
            return "same"
        return "added" if before is None else "removed" if after is None else "changed"


def _parts(path: str) -> list[str]:
    return path.split("/")
