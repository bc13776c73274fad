"""How each installer is called.

Making environments and reading what was installed is for `installation`. An installer's own
settings (index, proxy, certificates) come with the environment that is handed in. npm is in `npm`, whose fault a
failure is, in `blaming`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import distributions, version
from typing import TYPE_CHECKING, Protocol

import uv

from harness.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A package that every index of Python packages has.
KNOWN_PACKAGE = "pip"


class Installer(Protocol):
    """What the harness needs to know of a program that installs distributions."""

    @property
    def name(self) -> str:
        """What the user calls it by."""
        ...

    @property
    def seeds(self) -> tuple[str, ...]:
        """The arguments of virtualenv that put into an environment what the installer needs there."""
        ...

    def version(self, site_packages: Path) -> str:
        """Which one it is; `site_packages` is where it would be seeded."""
        ...

    def install(self, requirement: str, python: Path) -> tuple[str, ...]:
        """The command that installs a requirement for an environment's interpreter."""
        ...

    def uninstall(self, name: str, python: Path) -> tuple[str, ...]:
        """The command that removes a distribution from an interpreter's environment."""
        ...

    def probe(self, python: Path) -> tuple[str, ...]:
        """The command that asks the index, past every cache, for a package it surely has."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class UvInstaller:
    """The `uv` that this project depends on, from outside the environment."""

    name: str = "uv"
    seeds: tuple[str, ...] = ("--no-seed",)

    def version(self, site_packages: Path) -> str:  # noqa: ARG002  (the protocol's)
        """The version of the PyPI package, which is the program's."""
        return version("uv")

    def install(self, requirement: str, python: Path) -> tuple[str, ...]:
        """By copy: through a hard link, a product that edits itself would edit uv's cache."""
        options = ("--link-mode", "copy", "--compile-bytecode", "--python", str(python))
        return (*self._pip("install"), *options, requirement)

    def install_tool(self, requirement: str, python: Path) -> tuple[str, ...]:
        """By link, where that is possible: for what is large and, like an interpreter, not itself under test."""
        return (*self._pip("install"), "--link-mode", "hardlink", "--python", str(python), requirement)

    def uninstall(self, name: str, python: Path) -> tuple[str, ...]:
        """As `uv pip` does, which never asks."""
        return (*self._pip("uninstall"), "--python", str(python), name)

    def probe(self, python: Path) -> tuple[str, ...]:
        """A dry run into an empty target: what the environment holds already does not count."""
        options = ("--dry-run", "--no-cache", "--no-deps", "--target", "probe", "--python", str(python))
        return (*self._pip("install"), *options, KNOWN_PACKAGE)

    def _pip(self, command: str) -> tuple[str, ...]:
        return (find_uv(), "pip", command, "--no-progress", "--color", "never")


@dataclass(frozen=True, kw_only=True, slots=True)
class PipInstaller:
    """The `pip` that virtualenv bundles, from inside the environment.

    Alone: a setuptools beside it would hide that the artifact forgot to depend on it.
    """

    name: str = "pip"
    seeds: tuple[str, ...] = ("--no-download", "--no-setuptools")

    def version(self, site_packages: Path) -> str:
        """The version of the pip that was seeded."""
        return next(found.version for found in distributions(name="pip", path=[str(site_packages)]))

    def install(self, requirement: str, python: Path) -> tuple[str, ...]:
        """By copy, as pip always does."""
        return (*self._pip("install", python), "--compile", requirement)

    def uninstall(self, name: str, python: Path) -> tuple[str, ...]:
        """Without asking."""
        return (*self._pip("uninstall", python), "--yes", name)

    def probe(self, python: Path) -> tuple[str, ...]:
        """A dry run that ignores the pip which is there."""
        options = ("--dry-run", "--ignore-installed", "--no-deps", "--no-cache-dir", "--retries", "1")
        return (*self._pip("install", python), *options, KNOWN_PACKAGE)

    def _pip(self, command: str, python: Path) -> tuple[str, ...]:
        # Isolated, or a file of the working directory could stand in for a module of pip's.
        return (
            str(python),
            "-I",
            "-m",
            "pip",
            command,
            "--no-input",
            "--disable-pip-version-check",
            "--no-color",
        )


UV = UvInstaller()
INSTALLERS: Mapping[str, Installer] = {installer.name: installer for installer in (UV, PipInstaller())}


def find_uv() -> str:
    """The program of the package `uv`; TestbedError when it is not there."""
    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise TestbedError(f"the program of the package 'uv' is missing: {error}") from error
