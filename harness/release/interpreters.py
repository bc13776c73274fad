"""Interpreters on this machine, wherever they were installed; making environments from them is for `installation`."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from packaging.specifiers import SpecifierSet

from harness.release.installers import find_uv

# Those that releases may still be asked to run on; which ones a release admits, it says itself.
KNOWN = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

_VERSION = re.compile(r"\d+(\.\d+){0,2}")


def find(wanted: str) -> Path | None:
    """The interpreter of a version such as `3.12`, if there is one; None for what is no version as well.

    uv knows those on `PATH` and its own, and remembers what it saw; pyenv keeps its own elsewhere.
    """
    if not _VERSION.fullmatch(wanted):
        return None
    places = (os.environ.get("PATH", ""), *map(str, _directories_of_pyenv()))
    done = subprocess.run(
        [find_uv(), "python", "find", "--system", "--no-project", "--no-python-downloads", wanted],
        env={**os.environ, "PATH": os.pathsep.join(places)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def admitted(requires_python: str) -> tuple[str, ...]:
    """Those of the known versions of which some release meets a Requires-Python."""
    specifier = SpecifierSet(requires_python)
    return tuple(version for version in KNOWN if any(specifier.contains(f"{version}.{patch}") for patch in range(40)))


def _directories_of_pyenv() -> list[Path]:
    """Its shims stand on `PATH` for every version, and fail for all but those that are switched on."""
    root = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    return sorted(root.glob("versions/*/bin"))
