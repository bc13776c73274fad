"""Commands run by a real ordinary user, whom root makes up: no powers, and no way to what is root's own."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.tests.sessions.checkouts import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.tests.sessions.checkouts import Checkout

_USER = 12345  # whom nobody else is
_WITHOUT_POWERS = ("--clear-groups", "--inh-caps=-all", "--bounding-set=-all")


@contextmanager
def ordinary_user(checkout: Checkout) -> Iterator[tuple[str, ...]]:
    """Give a checkout to an ordinary user, with a home; gives the words before a command of theirs."""
    home = checkout.directory.parent / "home"
    home.mkdir()
    checkout.settings |= {"HOME": str(home), "UV_CACHE_DIR": str(home / ".cache" / "uv")}
    if os.geteuid() != 0:  # it is one already
        yield ()
        return
    _give(checkout.directory.parent, _USER)
    with tempfile.TemporaryDirectory() as stage:
        # Where root keeps its own (interpreters, temporary files) others cannot enter: this user finds these at
        # the same places, in directories with nothing else in them.
        script = _opened([Path(sys.base_prefix), Path(sys.prefix), REPOSITORY, checkout.directory.parent], Path(stage))
        words = shlex.join(("setpriv", f"--reuid={_USER}", f"--regid={_USER}", *_WITHOUT_POWERS))
        yield ("unshare", "--mount", "/bin/sh", "-c", f'set -e\n{script}\nexec {words} "$@"', "sh")
        _give(checkout.directory.parent, 0)


def give_to_user(directory: Path) -> None:
    """Make that user the owner of all that is in a directory."""
    if os.geteuid() == 0:
        _give(directory, _USER)


def _give(directory: Path, user: int) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


def _opened(places: list[Path], stage: Path) -> str:
    """The commands that let others reach these places, in the mount namespace in which they run."""
    closed = {each: top for each in places if (top := _topmost_closed(each)) is not None}
    lines = [f"mount -t tmpfs none {stage}"]
    for number, place in enumerate(closed):
        lines += [f"mkdir {stage}/{number}", f"mount --bind {shlex.quote(str(place))} {stage}/{number}"]
    lines += [f"mount -t tmpfs -o mode=755 none {shlex.quote(str(top))}" for top in sorted(set(closed.values()))]
    for number, place in enumerate(closed):
        quoted = shlex.quote(str(place))
        lines += [f"mkdir -p {quoted}", f"mount --bind {stage}/{number} {quoted}"]
    return "\n".join([*lines, f"chmod 755 {stage}"])


def _topmost_closed(place: Path) -> Path | None:
    """The directory nearest to the root of the disk on the way to a place that others cannot enter."""
    ways = (path for path in (*reversed(place.parents), place) if not path.stat().st_mode & 0o001)
    return next(ways, None)
