"""Places of a run in which nothing can be written, each for a reason of its own: who is to blame, in which words."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.tests.release.projects import write_odd
from harness.tests.sessions.endings import assert_orderly

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout, Run

# The wheel lies in the checkout then, which the source is built in.
_COPIED = """
    import shutil
    return shutil.copy({wheel!r}, directory) and "odd-1.0-py3-none-any.whl"
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A directory that somebody cannot write, and the words of a run that would.

    It ends with an exit code and a line, where {reason} is what the kernel says; where it passes it said nothing.
    """

    name: str
    exit_code: int
    line: str = ""

    def __str__(self) -> str:
        return self.name

    def prepare(self, checkout: Checkout) -> tuple[Path, tuple[str | Path, ...]]:
        """Make it; gives it, and the arguments of the run."""
        above, given = checkout.directory.parent, ("smoke", "--artifact", checkout.wheel)
        elsewhere = ("--evidence", above / "evidence")
        if self.name == "checkout":
            return checkout.directory, (*given, *elsewhere)
        if self.name == "default evidence":
            return checkout.directory, given
        place = _made(above / self.name)
        if self.name == "cache":
            checkout.settings["UV_CACHE_DIR"] = str(place)
        elif self.name == "cache of pip":
            checkout.settings["PIP_CACHE_DIR"] = str(place)
            return place, (*given, "--installer", "pip")
        elif self.name == "temporary files":
            checkout.settings["TMPDIR"] = str(place)
        elif self.name == "evidence":
            return place, (*given, "--evidence", place / "of this run")
        elif self.name == "dist":
            source = checkout.directory / "source"
            (checkout.directory / ".git").mkdir()
            wheel = checkout.directory / checkout.wheel.name
            wheel.write_bytes(checkout.wheel.read_bytes())
            write_odd(source, _COPIED.format(wheel=str(wheel)))
            return place, ("smoke", "--artifact", source, "--dist-dir", place)
        return place, given

    def assert_told(self, run: Run, reason: str) -> None:
        """It ended as it must, and one line says why."""
        assert run.exit_code == self.exit_code, run.output
        assert_orderly(run)
        said = [*run.lines("reason:"), *run.lines("ERROR:"), *run.lines("Exit:")]
        if not self.line:
            assert said == []
            assert run.lines("verdict:   passed"), run.output
            return
        (line,) = said
        assert re.search(self.line.format(reason=reason), line), line


CACHE = Place(name="cache", exit_code=7, line="the cache '.*cache' cannot be written: '.*cache' is read-only")
CACHE_OF_PIP = Place(name="cache of pip", exit_code=0)  # pip says so, and does without
TEMPORARY = Place(name="temporary files", exit_code=0)  # Python looks for another
EVIDENCE = Place(name="evidence", exit_code=4, line="evidence directory '.*/of this run' cannot be written: {reason}")
DEFAULT = Place(
    name="default evidence", exit_code=7, line=r"evidence directory '.*/\.smoke/.*' cannot be written: {reason}"
)
DIST = Place(name="dist", exit_code=4, line="cannot write to '.*/dist': {reason}")
CHECKOUT = Place(name="checkout", exit_code=0)


def mounted(place: Path, options: str) -> tuple[str, ...]:
    """The words before a command that sees a place as it is mounted: read-only, or a disk of some kind."""
    quoted = shlex.quote(str(place))
    read_only = f"mount --bind {quoted} {quoted} && mount -o remount,bind,ro {quoted}"
    script = read_only if options == "ro" else f"mount -t tmpfs -o {options} none {quoted}"
    return ("unshare", "--map-root-user", "--mount", "/bin/sh", "-c", f'{script} && exec "$@"', "sh")


def _made(place: Path) -> Path:
    place.mkdir()
    (place / "kept").write_text("of somebody\n")
    return place
