"""pipx and `uv tool`, which make an environment for each command-line tool, and link to its programs.

All that they write lies below the directory that they are given.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.release import outages
from harness.release.installers.base import Layout, Place
from harness.release.installers.packages import find_uv, index_of_pip, index_of_uv

if TYPE_CHECKING:
    from pathlib import Path

    from harness.release.blaming import Supply

_NO_PROGRAM = re.compile(r"No (?:apps associated with|executables are provided by) package [^.;]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class UvToolInstaller:
    """The `uv` that this project depends on, as it installs tools."""

    name: str = "uv-tool"
    seeds: tuple[str, ...] = ()
    checks_hashes: bool = False
    anew: tuple[str, ...] = ("--reinstall",)

    def layout(self, directory: Path, name: str) -> Layout:
        """Environments below `tools`, links to programs in `bin`."""
        tools, programs = directory / "tools", directory / "bin"
        return Layout(
            environment=tools / canonicalize_name(name),
            seeded=None,
            scripts=programs,
            variables={"UV_TOOL_DIR": str(tools), "UV_TOOL_BIN_DIR": str(programs)},
        )

    def version(self, place: Place) -> str:  # noqa: ARG002  (the protocol's)
        """The version of the PyPI package, which is the program's."""
        return version("uv")

    def install(self, requirement: str, place: Place) -> tuple[str, ...]:
        """By copy: through a hard link, a product that edits itself would edit uv's cache."""
        options = ("--force", "--link-mode", "copy", "--compile-bytecode")
        return (*_uv_tool("install"), *options, "--python", str(place.environment.base_python), requirement)

    def uninstall(self, name: str, place: Place) -> tuple[str, ...]:  # noqa: ARG002  (the protocol's)
        """With its whole environment."""
        return (*_uv_tool("uninstall"), name)

    def supply(self, place: Place) -> Supply:
        """As of the base interpreter: after a failure there is no environment."""
        return replace(index_of_uv(place.environment.base_python), reason=_reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class PipxInstaller:
    """The `pipx` that this project depends on, with the `pip` that virtualenv bundles."""

    name: str = "pipx"
    seeds: tuple[str, ...] = ("--no-download", "--no-setuptools")
    checks_hashes: bool = True
    anew: tuple[str, ...] = ("--pip-args=--compile --force-reinstall",)  # of several the last counts

    def layout(self, directory: Path, name: str) -> Layout:
        """Environments below `venvs`, pip in `shared`, links to programs in `bin`."""
        shared, programs = directory / "shared", directory / "bin"
        return Layout(
            environment=directory / "venvs" / canonicalize_name(name),
            seeded=shared,
            scripts=programs,
            variables={
                "PIPX_HOME": str(directory),  # environments, logs, caches
                "PIPX_BIN_DIR": str(programs),
                "PIPX_MAN_DIR": str(directory / "man"),
                "PIPX_COMPLETION_DIR": str(directory / "completions"),
                "PIPX_SHARED_LIBS": str(shared),
                "PIPX_DISABLE_SHARED_LIBS_AUTO_UPGRADE": "1",  # it would be another pip every month
                "PIPX_DEFAULT_BACKEND": "pip",  # beside a uv it would use that
                "PIPX_USE_EMOJI": "0",
            },
            edits_scripts=True,  # so that no variable of the user's own reaches their Python
        )

    def version(self, place: Place) -> str:  # noqa: ARG002  (the protocol's)
        """The version of the PyPI package."""
        return version("pipx")

    def install(self, requirement: str, place: Place) -> tuple[str, ...]:
        """By copy, as pip always does."""
        options = ("--force", "--pip-args=--compile", "--python", str(place.environment.base_python))
        return (*_pipx("install"), *options, requirement)

    def uninstall(self, name: str, place: Place) -> tuple[str, ...]:  # noqa: ARG002  (the protocol's)
        """With its whole environment."""
        return (*_pipx("uninstall"), name)

    def supply(self, place: Place) -> Supply:
        """As of the pip that all environments share."""
        shared = place.seeded or place.environment
        return replace(index_of_pip(shared.python), reason=_reason, outage=outages.of_pipx)


def _uv_tool(command: str) -> tuple[str, ...]:
    return (find_uv(), "tool", command, "--no-progress", "--color", "never")


def _pipx(command: str) -> tuple[str, ...]:
    if find_spec("pipx") is None:
        raise UsageError("--installer pipx needs the package of that name", hint="pip install --group smoke")
    # Isolated, or a file of the working directory could stand in for a module of pipx's.
    return (sys.executable, "-I", "-m", "pipx", command)


def _reason(output: str) -> str:
    """What only an installer of tools complains about."""
    said = _NO_PROGRAM.search(" ".join(output.split()))
    return said[0] if said else ""
