"""A tree on disk as a value, and the difference of two.

Owns what counts as a change: kind, permission bits, size, content and link target of every entry,
never times. It only reads; which trees are looked at, and what a difference means, is for others.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["file", "directory", "link", "other"]

ROOT = "."
UNREADABLE = "unreadable"

# The kernel stamps files with the time of its last tick, so a file written just after it was hashed can
# carry the stamp that it already had. 50 ms is several ticks.
_TICK_NS = 50_000_000
_CHUNK_BYTES = 65_536
_HASHED_BYTES = 1 << 32  # a hole in a file costs its writer nothing, and whoever reads it hours
# What must be as it was for a file to be taken as read: packed, since there are many of them.
_pack_identity = struct.Struct("=QQqIqq").pack
_READ_ONLY = getattr(os, "O_BINARY", 0)  # everywhere else that is 0
_JUNCTION = 0xA0000003


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One name in a tree; `digest` is "" but for files and for what could not be read."""

    kind: Kind
    mode: int
    size: int = 0
    digest: str = ""
    target: str = ""
    identity: bytes = field(default=b"", compare=False, repr=False)

    def __str__(self) -> str:
        return f"link to {printable(self.target)}" if self.kind == "link" else self.kind


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Snapshot(Mapping[str, Entry]):
    """Every entry under a root by its path with slashes, the root itself as "."; empty if there is none."""

    entries: dict[str, Entry]
    moment: int

    def __getitem__(self, path: str) -> Entry:
        return self.entries[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def snapshot(root: Path, *, previous: Snapshot | None = None) -> Snapshot:
    """Read the tree at `root`; links are not followed, the root included.

    Files that stand as they stood in `previous`, an earlier snapshot of the same root, are not read again.
    """
    moment = time.time_ns()
    reader = _Reader(previous)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        reader.add(os.fspath(root), ROOT, root.lstat())
    while reader.pending:
        reader.descend(*reader.pending.pop())
    return Snapshot(entries=reader.entries, moment=moment)


def printable(text: str) -> str:
    r"""Make a file name or command line fit for a report: what cannot be printed becomes `\x..`."""
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if readable.isprintable():
        return readable
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in readable)


class _Reader:
    """The state of one walk. Not recursive, so that a deep tree is a tree like any other."""

    def __init__(self, previous: Snapshot | None) -> None:
        self.entries: dict[str, Entry] = {}
        self.pending: list[tuple[str, str]] = []
        # A Windows ctime is the time of creation: nothing there betrays a rewrite with restored times.
        trusts = previous is not None and sys.platform != "win32"
        self._known = previous.entries if previous and trusts else {}
        self._trusted_until = previous.moment - _TICK_NS if previous else 0

    def descend(self, path: str, name: str) -> None:
        """Add what the directory holds."""
        try:
            with os.scandir(path) as found:
                children = list(found)
        except OSError:
            self.entries[name] = Entry(kind="directory", mode=self.entries[name].mode, digest=UNREADABLE)
            return
        prefix = "" if name == ROOT else f"{name}/"
        for child in children:
            self._add_child(child, prefix + child.name)

    def _add_child(self, child: os.DirEntry[str], name: str) -> None:
        try:
            self.add(child.path, name, child.stat(follow_symlinks=False))
        except FileNotFoundError:  # gone since it was listed
            return
        except OSError:
            self.entries[name] = Entry(kind="other", mode=0, digest=UNREADABLE)

    def add(self, path: str, name: str, status: os.stat_result) -> None:
        """Add one entry; a directory's children have to wait for their turn."""
        mode = status.st_mode
        if stat.S_ISREG(mode):
            self.entries[name] = self._file(path, name, status)
        elif stat.S_ISLNK(mode) or _is_junction(status):
            target = os.fspath(Path(path).readlink())
            self.entries[name] = Entry(kind="link", mode=stat.S_IMODE(mode), target=target)
        elif stat.S_ISDIR(mode):
            self.entries[name] = Entry(kind="directory", mode=stat.S_IMODE(mode))
            self.pending.append((path, name))
        else:
            self.entries[name] = Entry(kind="other", mode=stat.S_IMODE(mode))

    def _file(self, path: str, name: str, status: os.stat_result) -> Entry:
        identity = _identity(status)
        known = self._known.get(name)
        if known is not None and known.identity == identity and status.st_ctime_ns < self._trusted_until:
            return known
        return Entry(
            kind="file",
            mode=stat.S_IMODE(status.st_mode),
            size=status.st_size,
            digest=_digest(path) if status.st_size <= _HASHED_BYTES else UNREADABLE,
            identity=identity,
        )


def _identity(status: os.stat_result) -> bytes:
    if sys.platform == "win32":  # which trusts none, and has inodes of 128 bits
        return b""
    return _pack_identity(
        status.st_ino,
        status.st_dev,
        status.st_size,
        status.st_mode,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _digest(path: str) -> str:
    # Plain descriptors: file objects would cost more than reading the small files that trees are made of.
    digest = hashlib.sha256()  # of those that are safe, the one that processors know: half the time of blake2b
    try:
        descriptor = os.open(path, _READ_ONLY)
        try:
            while chunk := os.read(descriptor, _CHUNK_BYTES):
                digest.update(chunk)
        finally:
            os.close(descriptor)
    except OSError:
        return UNREADABLE
    return digest.hexdigest()


def _is_junction(status: os.stat_result) -> bool:
    """Tell whether it is a Windows directory junction, which `lstat` shows as a directory."""
    return getattr(status, "st_reparse_tag", 0) == _JUNCTION


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One path that both trees have, and that is not the same in them."""

    path: str
    before: Entry
    after: Entry

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.what}"

    @property
    def what(self) -> str:
        """In which way it is not the same."""
        before, after = self.before, self.after
        if before.kind != after.kind or before.target != after.target:
            return f"{before} -> {after}"
        parts = [f"mode {before.mode:04o} -> {after.mode:04o}"] if before.mode != after.mode else []
        if before.size != after.size:
            parts.append(f"size {before.size} -> {after.size}")
        elif UNREADABLE in {before.digest, after.digest} and before.digest != after.digest:
            parts.append("became unreadable" if after.digest == UNREADABLE else "became readable")
        elif before.digest != after.digest:
            parts.append("content changed")
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeDiff:
    """What one tree has that the other lacks, and what differs; false when they are the same."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()
    directories: frozenset[str] = frozenset()  # those of the added and removed paths that are directories

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    @property
    def paths(self) -> frozenset[str]:
        """Every path that is added, removed or changed."""
        return frozenset((*self.added, *self.removed, *(change.path for change in self.changed)))

    def within(self, prefix: str) -> TreeDiff:
        """Keep what is at `prefix` or below it."""
        return self._only(lambda path: _is_below(path, prefix))

    def outside(self, *prefixes: str) -> TreeDiff:
        """Keep what is neither at one of the `prefixes` nor below it."""
        return self._only(lambda path: not any(_is_below(path, prefix) for prefix in prefixes))

    def render(self, limit: int = 20) -> str:
        """Give one line a path, whole directories as one, and of the rest beyond `limit` lines the number."""
        lines = [*self._listed("+", self.added), *self._listed("-", self.removed)]
        lines += [f"~ {change}" for change in self.changed]
        more = len(lines) - limit
        return "\n".join([*lines[:limit], f"… and {more} more"] if more > 0 else lines)

    def _only(self, wanted: Callable[[str], bool]) -> TreeDiff:
        return TreeDiff(
            added=tuple(path for path in self.added if wanted(path)),
            removed=tuple(path for path in self.removed if wanted(path)),
            changed=tuple(change for change in self.changed if wanted(change.path)),
            directories=frozenset(path for path in self.directories if wanted(path)),
        )

    def _listed(self, sign: str, paths: tuple[str, ...]) -> list[str]:
        inside: dict[str, int] = {}
        for path in sorted(paths, key=_parts):
            top = next((parent for parent in _parents(path) if parent in inside), None)
            if top is None:
                inside[path] = 0
            else:
                inside[top] += 1
        return [self._line(sign, path, count) for path, count in inside.items()]

    def _line(self, sign: str, path: str, count: int) -> str:
        if path not in self.directories:
            return f"{sign} {printable(path)}"
        entries = {0: "empty", 1: "1 entry"}.get(count, f"{count} entries")
        return f"{sign} {printable(path)}/ (directory, {entries})"


def difference(before: Snapshot, after: Snapshot) -> TreeDiff:
    """Compare two snapshots of the same root; all paths come sorted."""
    old, new = before.entries, after.entries
    added, removed = new.keys() - old.keys(), old.keys() - new.keys()
    changed = (path for path, entry in old.items() if path in new and new[path] != entry)
    return TreeDiff(
        added=tuple(sorted(added)),
        removed=tuple(sorted(removed)),
        changed=tuple(Change(path=path, before=old[path], after=new[path]) for path in sorted(changed)),
        directories=frozenset(
            [path for path in added if new[path].kind == "directory"]
            + [path for path in removed if old[path].kind == "directory"]
        ),
    )


def _is_below(path: str, prefix: str) -> bool:
    prefix = prefix.rstrip("/")
    return prefix in {ROOT, path} or path.startswith(f"{prefix}/")


def _parts(path: str) -> list[str]:
    return [] if path == ROOT else path.split("/")


def _parents(path: str) -> Iterator[str]:
    """Yield the path's directories from the root down."""
    parts = _parts(path)
    if parts:
        yield ROOT
    for end in range(1, len(parts)):
        yield "/".join(parts[:end])
