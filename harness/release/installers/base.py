"""What the harness needs to know of a program that installs distributions, and where that puts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.release.blaming import Supply
    from harness.release.environments import Environment

# A package that every index of Python packages has.
KNOWN_PACKAGE = "pip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where an installer puts a release.

    `environment` is the directory of the virtualenv that holds it. `seeded` is that of the one which the installer
    needs to find, with its seeds: the same, another, or none. `scripts` has the programs for users, where that is
    not the virtualenv's own directory of scripts. `variables` tell the installer all that. `edits_scripts` says whether
    it changes the virtualenv's own scripts once RECORD has their hashes.
    """

    environment: Path
    seeded: Path | None
    scripts: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    edits_scripts: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A layout with its virtualenvs, made or about to be."""

    layout: Layout
    environment: Environment
    seeded: Environment | None

    @property
    def scripts(self) -> Path:
        """The directory of the programs that users call."""
        return self.layout.scripts or self.environment.scripts


class Installer(Protocol):
    """How to call it."""

    @property
    def name(self) -> str:
        """What the user calls it by."""
        ...

    @property
    def seeds(self) -> tuple[str, ...]:
        """The arguments of virtualenv that put into the seeded environment what the installer needs there."""
        ...

    @property
    def checks_hashes(self) -> bool:
        """Whether it refuses a file that has another hash than its requirement says."""
        ...

    @property
    def anew(self) -> tuple[str, ...]:
        """The options with which it also installs what is there already."""
        ...

    def layout(self, directory: Path, name: str) -> Layout:
        """Where, below a directory, it puts the distribution of that name."""
        ...

    def version(self, place: Place) -> str:
        """Which one it is."""
        ...

    def install(self, requirement: str, place: Place) -> tuple[str, ...]:
        """The command that installs a requirement, also over another version."""
        ...

    def uninstall(self, name: str, place: Place) -> tuple[str, ...]:
        """The command that removes a distribution."""
        ...

    def supply(self, place: Place) -> Supply:
        """Where it gets packages from."""
        ...
