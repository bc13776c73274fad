"""What every installation offers, whatever its installer: the program to run, and a description of what is there."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import ArtifactError
from harness.release import invocations
from harness.release.invocations import Invocation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.steps import Surroundings


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """One distribution or package of an environment."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation(ABC):
    """An environment that holds the artifact; `name` is the artifact's distribution or package.

    `directory` is what no command may change; `base_python` is the interpreter for what the artifact makes itself.
    """

    name: str
    directory: Path
    scripts: Path
    base_python: Path
    python_version: str
    installer: str
    installer_version: str
    distributions: tuple[Distribution, ...]

    def executable(self, name: str) -> Path:
        """The program of that name; ArtifactError, with those that the artifact offers, if none."""
        path = self.scripts / f"{name}{self.suffix}"
        if not path.is_file():
            offered = ", ".join(f"'{script}'" for script in self.offered_scripts) or "none"
            raise ArtifactError("installs", f"the artifact has no '{name}' script; it offers {offered}")
        return path

    def invocation(self, name: str, contract: Contract) -> Invocation:
        """The way of that name to call the release, which must be one of its kind, and of which the contract has all.

        Raises:
            ArtifactError: the artifact does not offer the contract's program.
        """
        program = self.executable(contract.executable)
        if name == invocations.DEFAULT:
            return Invocation(name=name, title=contract.executable, words=(str(program),))
        return self.other_invocation(name, contract)

    @abstractmethod
    def other_invocation(self, name: str, contract: Contract) -> Invocation:
        """The same for one that is not by the path of the program."""

    @property
    @abstractmethod
    def offered_scripts(self) -> tuple[str, ...]:
        """The programs that the artifact brought."""

    @property
    @abstractmethod
    def readme(self) -> str:
        """The README that ships with the artifact; "" when none does."""

    @property
    @abstractmethod
    def interpreter(self) -> str:
        """What runs the artifact, with its version, for people."""

    @property
    @abstractmethod
    def own_paths(self) -> tuple[Path, ...]:
        """The files and directories that the artifact has of its own in the environment, the topmost ones."""

    @abstractmethod
    def upgrade(self, artifact: Artifact, surroundings: Surroundings) -> None:
        """Install another release over it."""

    @abstractmethod
    def uninstall(self, surroundings: Surroundings) -> None:
        """Remove the artifact; ArtifactError when that does not go well."""

    @property
    def programs(self) -> Mapping[str, Path]:
        """What the artifact's programs must find on `PATH` to start at all."""
        return {}

    @property
    def suffix(self) -> str:
        """How the names of programs end."""
        return ".exe" if os.name == "nt" else ""
