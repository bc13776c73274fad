"""An artifact installed in an environment of its own, as a user would install it.

Sends each kind of artifact to its installer, and has the names that others import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.release.installation import npm as npm_release
from harness.release.installation import python as python_release
from harness.release.installation.base import Distribution, Installation
from harness.release.installation.npm import NpmInstallation
from harness.release.installation.python import PythonInstallation, record_mismatches
from harness.release.steps import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.release.artifact import Artifact

__all__ = [
    "Distribution",
    "Installation",
    "NpmInstallation",
    "PythonInstallation",
    "install",
    "record_mismatches",
    "record_paths",
    "uninstall",
    "upgrade",
]


def install(  # noqa: PLR0913  (where, with what, from what, in which surroundings)
    artifact: Artifact,
    directory: Path,
    *,
    installer: str,
    python: str,
    environment: Mapping[str, str],
    timeout: float,
    cache: Path,
    node: str = "",
    log: Path | None = None,
) -> Installation:
    """Install into `directory`, which is new; `python` is a version, a path, or "" for this one's base.

    `installer` is of Python artifacts. `node` is for those of npm: a version, or "" for the newest that the
    artifact accepts. `timeout` is in seconds. The log is `directory` with the suffix `.log` unless another is given.

    Raises:
        UsageError: there is no such installer, interpreter or Node.
        ArtifactError: the artifact does not install, or not in time.
        TestbedError: the package index is silent or the disk is full.
    """
    directory = directory.resolve()
    log = log or directory.with_name(f"{directory.name}.log")
    surroundings = Surroundings(environment=environment, timeout=timeout, log=log)
    if artifact.kind == "npm":
        return npm_release.install(
            artifact, directory, python=python, node=node, cache=cache, surroundings=surroundings
        )
    return python_release.install(
        artifact, directory, installer=installer, python=python, cache=cache, surroundings=surroundings
    )


def upgrade(
    installation: Installation, artifact: Artifact, *, environment: Mapping[str, str], timeout: float, log: Path
) -> None:
    """Install another release of what an environment holds over it; errors as of `install`."""
    surroundings = Surroundings(environment=environment, timeout=timeout, log=log)
    installation.upgrade(artifact, surroundings)


def uninstall(installation: Installation, *, environment: Mapping[str, str], timeout: float, log: Path) -> None:
    """Remove the artifact from its environment.

    Raises:
        ArtifactError: the installer cannot, or not in time.
    """
    installation.uninstall(Surroundings(environment=environment, timeout=timeout, log=log))


def record_paths(installation: Installation) -> tuple[Path, ...]:
    """The files and directories that the artifact has of its own in its environment, the topmost ones."""
    return installation.own_paths
