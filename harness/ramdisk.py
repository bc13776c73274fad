"""Directories in memory, where there is plenty: cases make and remove some ten thousand small files.

On the rung `kernel` sandboxes lie in one that goes with the session, and get to the disk when people are to look.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.running.removal import remove
from harness.temporaryfiles import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.verdict.archive import Archive

# A run takes less than 100 MB; a release that writes without end is stopped at 1 GiB, once in each worker.
_PLENTY_BYTES = 6 << 30
_SHARED = Path("/dev/shm")  # noqa: S108 -- whoever uses it makes a directory of its own
# What a container may use and uses, for both versions of control groups.
_CONTROL_GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def places(archive: Archive, groups: Iterable[tuple[Path, Path]] = _CONTROL_GROUPS) -> tuple[Path, ...]:
    """The directories that are to be in memory: none where the machine, or one of the groups, has little of it."""
    is_plenty = min(_available(groups)) >= _PLENTY_BYTES
    return (archive.sandboxes, archive.temporary) if is_plenty else ()


def directory(shared: Path = _SHARED) -> Path | None:
    """That of the system, if programs may lie there as well; None where there is none, or little memory.

    None as well where the user names a place for temporary files.
    """
    if sys.platform != "linux" or not shared.is_mount() or not os.environ.keys().isdisjoint(VARIABLES):
        return None
    disk = os.statvfs(shared)
    has_room = min(disk.f_bavail * disk.f_frsize, *_available(_CONTROL_GROUPS)) >= _PLENTY_BYTES
    return shared if has_room and not disk.f_flag & os.ST_NOEXEC else None


def keep(archive: Archive) -> None:
    """Copy the sandboxes to the disk, if they are in memory: what is there goes with the session.

    Raises:
        OSError: the disk has no room for them, and they are gone.
    """
    if not archive.sandboxes.is_mount():
        return
    words = ["cp", "--archive", f"{archive.sandboxes}/.", str(archive.kept_sandboxes)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    # What a case has made unreadable stays so for an ordinary user; there is enough else to look at.
    if done.returncode != 0 and os.strerror(errno.ENOSPC) in done.stderr:
        for place in (archive.kept_sandboxes, *archive.sandboxes.iterdir()):
            remove(place)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(archive.kept_sandboxes))


def find_kept(archive: Archive) -> None:
    """Put what was kept where it was, once the session has ended."""
    if archive.kept_sandboxes.is_dir():
        archive.sandboxes.rmdir()
        archive.kept_sandboxes.rename(archive.sandboxes)


def _available(groups: Iterable[tuple[Path, Path]]) -> Iterator[int]:
    yield psutil.virtual_memory().available
    for limit, usage in groups:
        with suppress(OSError, ValueError):  # there is no such group, or "max"
            yield int(limit.read_text(encoding="ascii")) - int(usage.read_text(encoding="ascii"))
