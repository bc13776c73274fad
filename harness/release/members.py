"""Whether an archive may be unpacked.

Not one with names or links that lead out of its tree, with what is no file, with names that collide, or with more
in it than it seems.
Reads an archive to its end, checksums included, and writes nothing.
"""

from __future__ import annotations

import gzip
import posixpath
import stat
import tarfile
import unicodedata
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_CHUNK = 1 << 20
# What compresses a hundredfold is empty, and as large as this it is there to fill a disk.
_RATIO = 100
_LARGE = 256 << 20  # bytes


def complaint(path: Path) -> str:
    """Say in words that follow the file's name why it must not be unpacked, or "".

    Raises:
        zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError: it is damaged.
        OSError: it cannot be read.
    """
    said = _of_wheel(path) if path.suffix == ".whl" else _of_tarball(path)
    return next(said, "")


def _of_wheel(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as wheel:
        entries = wheel.infolist()
        yield from _swelling(path, sum(entry.file_size for entry in entries))
        yield from _unsafe(entry.orig_filename for entry in entries if _leaves(entry.orig_filename))
        yield from _unsafe(entry.filename for entry in entries if not _is_plain(entry.external_attr >> 16))
        names = Counter(entry.filename for entry in entries)
        yield from _collisions(names)
        yield from (f"holds '{name}' more than once" for name, number in names.items() if number > 1)
        damaged = wheel.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"wrong checksum of '{damaged}'")


def _of_tarball(path: Path) -> Iterator[str]:
    size = 0
    with gzip.open(path) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            yield from _swelling(path, size)
    with tarfile.open(path, "r:gz") as archive:
        entries = archive.getmembers()
    links = {posixpath.normpath(entry.name) for entry in entries if entry.issym()}
    yield from _unsafe(entry.name for entry in entries if _leaves(entry.name) or _points_out(entry, links))
    yield from _collisions(entry.name for entry in entries)


def _unsafe(names: Iterable[str]) -> Iterator[str]:
    return (f"holds a member that is not safe to unpack: '{name}'" for name in names)


def _swelling(path: Path, size: int) -> Iterator[str]:
    if size > max(_LARGE, _RATIO * path.stat().st_size):
        yield f"unpacks to more than {_RATIO} times its size: {size} bytes or more"


def _is_plain(mode: int) -> bool:
    """Whether a mode is of a file or a directory; archives made elsewhere have none."""
    return stat.S_IFMT(mode) in {0, stat.S_IFREG, stat.S_IFDIR}


def _points_out(entry: tarfile.TarInfo, links: set[str]) -> bool:
    """Whether it is no file, or a link out of the tree, or reached by way of a link: what is there, no name tells."""
    if _passes(entry.name, links):
        return True
    if entry.issym():
        target = posixpath.join(posixpath.dirname(entry.name), entry.linkname)
        return _leaves(target) or _passes(target, links)
    if entry.islnk():
        return _leaves(entry.linkname) or _passes(entry.linkname, links)
    return not (entry.isfile() or entry.isdir())


def _passes(name: str, links: set[str]) -> bool:
    """Whether some directory on the way to a name is a link."""
    parts = name.split("/")
    return any(posixpath.normpath("/".join(parts[:end])) in links for end in range(1, len(parts)))


def _leaves(name: str) -> bool:
    """Whether a member of this name would land outside the directory it is unpacked in."""
    if name.startswith(("/", "\\")) or name[1:2] == ":" or "\0" in name:
        return True
    return posixpath.normpath(name.replace("\\", "/")).split("/")[0] == ".."


def _collisions(names: Iterable[str]) -> Iterator[str]:
    """Names of which many disks can hold only one."""
    known: dict[str, str] = {}
    for name in names:
        parts = posixpath.normpath(name).split("/")
        for end in range(1, len(parts) + 1):
            spelled = "/".join(parts[:end])
            other = known.setdefault(unicodedata.normalize("NFC", spelled).casefold(), spelled)
            if other != spelled:
                yield f"holds '{other}' and '{spelled}', which are one name to many disks"
