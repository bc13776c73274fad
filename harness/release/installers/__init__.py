"""What installs Python distributions: how each installer is called, and where it puts a release.

Making environments and reading what was installed is for `installation`. An installer's own
settings (index, proxy, certificates) come with the environment that is handed in. npm is in `npm`, whose
fault a failure is, in `blaming`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.release.installers.base import Installer, Layout, Place
from harness.release.installers.packages import (
    PipInstaller,
    UvInstaller,
    add_with_uv,
    find_uv,
    index_of_pip,
    index_of_uv,
)
from harness.release.installers.tools import PipxInstaller, UvToolInstaller

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "INSTALLERS",
    "Installer",
    "Layout",
    "Place",
    "add_with_uv",
    "find_uv",
    "index_of_pip",
    "index_of_uv",
    "named",
]

_EVERY: tuple[Installer, ...] = (UvInstaller(), PipInstaller(), PipxInstaller(), UvToolInstaller())
INSTALLERS: Mapping[str, Installer] = {installer.name: installer for installer in _EVERY}


def named(name: str) -> Installer:
    """The installer of that name; UsageError, with those that there are, if none."""
    if name not in INSTALLERS:
        raise UsageError(f"there is no installer '{name}'; there are {', '.join(map(repr, INSTALLERS))}")
    return INSTALLERS[name]
