"""uv and pip, as they install a package into an environment that is there."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import distributions, version
from typing import TYPE_CHECKING

import uv

from harness.errors import TestbedError
from harness.release import outages
from harness.release.blaming import Supply
from harness.release.installers.base import KNOWN_PACKAGE, Layout, Place

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class UvInstaller:
    """The `uv` that this project depends on, from outside the environment."""

    name: str = "uv"
    seeds: tuple[str, ...] = ("--no-seed",)
    checks_hashes: bool = True
    anew: tuple[str, ...] = ("--reinstall",)

    def layout(self, directory: Path, name: str) -> Layout:  # noqa: ARG002  (the protocol's)
        """The directory is the environment."""
        return Layout(environment=directory, seeded=directory)

    def version(self, place: Place) -> str:  # noqa: ARG002  (the protocol's)
        """The version of the PyPI package, which is the program's."""
        return version("uv")

    def install(self, requirement: str, place: Place) -> tuple[str, ...]:
        """By copy: through a hard link, a product that edits itself would edit uv's cache."""
        options = ("--link-mode", "copy", "--compile-bytecode", "--python", str(place.environment.python))
        return (*_uv_pip("install"), *options, requirement)

    def uninstall(self, name: str, place: Place) -> tuple[str, ...]:
        """As `uv pip` does, which never asks."""
        return (*_uv_pip("uninstall"), "--python", str(place.environment.python), name)

    def supply(self, place: Place) -> Supply:
        """As of the interpreter of the environment."""
        return index_of_uv(place.environment.python)


@dataclass(frozen=True, kw_only=True, slots=True)
class PipInstaller:
    """The `pip` that virtualenv bundles, from inside the environment.

    Alone: a setuptools beside it would hide that the artifact forgot to depend on it.
    """

    name: str = "pip"
    seeds: tuple[str, ...] = ("--no-download", "--no-setuptools")
    checks_hashes: bool = True
    anew: tuple[str, ...] = ("--force-reinstall",)

    def layout(self, directory: Path, name: str) -> Layout:  # noqa: ARG002  (the protocol's)
        """The directory is the environment."""
        return Layout(environment=directory, seeded=directory)

    def version(self, place: Place) -> str:
        """The version of the pip that was seeded."""
        place_of_pip = str(place.environment.site_packages)
        return next(found.version for found in distributions(name="pip", path=[place_of_pip]))

    def install(self, requirement: str, place: Place) -> tuple[str, ...]:
        """By copy, as pip always does."""
        return (*_pip("install", place.environment.python), "--compile", requirement)

    def uninstall(self, name: str, place: Place) -> tuple[str, ...]:
        """Without asking."""
        return (*_pip("uninstall", place.environment.python), "--yes", name)

    def supply(self, place: Place) -> Supply:
        """As of the pip of the environment."""
        return index_of_pip(place.environment.python)


def add_with_uv(requirement: str, python: Path) -> tuple[str, ...]:
    """The command that adds to an environment, by link where possible, what is large and not itself under test."""
    return (*_uv_pip("install"), "--link-mode", "hardlink", "--python", str(python), requirement)


def index_of_uv(python: Path) -> Supply:
    """The index of packages as uv knows it."""
    # A dry run into an empty target: what the environment holds already does not count.
    options = ("--dry-run", "--no-cache", "--no-deps", "--target", "probe", "--python", str(python))
    probe = (*_uv_pip("install"), *options, KNOWN_PACKAGE)
    return Supply(probe=probe, outage=outages.of_uv, past_caches={"UV_NO_CACHE": "1"})


def index_of_pip(python: Path) -> Supply:
    """The index of packages as the pip of an environment knows it."""
    # A dry run that ignores the pip which is there.
    options = ("--dry-run", "--ignore-installed", "--no-deps", "--no-cache-dir", "--retries", "1")
    probe = (*_pip("install", python), *options, KNOWN_PACKAGE)
    return Supply(probe=probe, outage=outages.of_pip, past_caches={"PIP_NO_CACHE_DIR": "1", "PIP_VERBOSE": "2"})


def find_uv() -> str:
    """The program of the package `uv`; TestbedError when it is not there."""
    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise TestbedError(f"the program of the package 'uv' is missing: {error}") from error


def _uv_pip(command: str) -> tuple[str, ...]:
    return (find_uv(), "pip", command, "--no-progress", "--color", "never")


def _pip(command: str, python: Path) -> tuple[str, ...]:
    # Isolated, or a file of the working directory could stand in for a module of pip's.
    options = ("--no-input", "--disable-pip-version-check", "--no-color")
    return (str(python), "-I", "-m", "pip", command, *options)
