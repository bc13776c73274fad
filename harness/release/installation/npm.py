"""An npm package installed as `npm install --global` installs it, with a Node of its own.

The virtualenv holds Node, as an interpreter that nobody looks into; the package lies below a prefix in it.
How Node gets there is for `node`, how npm is called for `npm`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ArtifactError, TestbedError
from harness.release import environments, npm
from harness.release.artifact import read
from harness.release.blaming import perform
from harness.release.installation.base import Distribution, Installation
from harness.release.invocations import Invocation
from harness.release.node import NO_COMPILE_CACHE, add_node
from harness.release.npmpackage import FILE_NAME, MEMBER, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.node import Node
    from harness.release.steps import Surroundings

_PREFIX, _NPX_CACHE = "prefix", "npx-cache"
_MODULES = Path("node_modules" if os.name == "nt" else "lib/node_modules")
_READMES = ("readme.md", "readme.markdown", "readme")


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmInstallation(Installation):
    """A prefix of npm that holds a package, and the Node that it is for."""

    node: Node

    @property
    def package(self) -> Path:
        """The directory of the package."""
        return self.directory / _MODULES / self.name

    def other_invocation(self, name: str, contract: Contract) -> Invocation:
        """By its bare name, or by npx, which finds it among what is installed globally."""
        program = contract.executable
        if name == "global":
            return Invocation(name=name, title=program, words=(program,), path=self.scripts)
        # As an option, it would be where npx looks for what is installed locally.
        variables = {"npm_config_prefix": str(self.directory), **NO_COMPILE_CACHE}
        cache = self.directory.with_name(_NPX_CACHE)
        return Invocation(
            name=name, title=f"npx {program}", words=npm.npx(self.node, program, cache), variables=variables
        )

    @property
    def offered_scripts(self) -> tuple[str, ...]:
        """The programs of the package that npm linked."""
        commands = parse((self.package / FILE_NAME).read_bytes()).commands
        return tuple(sorted(name for name in commands if (self.scripts / f"{name}{self.suffix}").is_file()))

    @property
    def readme(self) -> str:
        """The README in the package, which its page on a registry shows."""
        found = {path.name.lower(): path for path in self.package.iterdir()}
        path = next((found[name] for name in _READMES if name in found), None)
        return path.read_text(encoding="utf-8") if path else ""

    @property
    def interpreter(self) -> str:
        """The Node of the environment."""
        return f"Node {self.node.version}"

    @property
    def programs(self) -> Mapping[str, Path]:
        """Node itself, which programs of packages ask `env` for."""
        return {"node": self.node.program}

    @property
    def suffix(self) -> str:
        """Of the scripts that npm writes on Windows; elsewhere there are links."""
        return ".cmd" if os.name == "nt" else ""

    @property
    def own_paths(self) -> tuple[Path, ...]:
        """The package, and the links to its programs."""
        if not self.package.is_dir():
            return ()
        return (self.package, *(self.scripts / f"{name}{self.suffix}" for name in self.offered_scripts))

    def upgrade(self, artifact: Artifact, surroundings: Surroundings) -> None:
        """Have npm install another release over it."""
        _install(artifact, self.node, self.directory, surroundings)

    def uninstall(self, surroundings: Surroundings) -> None:
        """Have npm remove it."""
        result = self.node.in_reach(surroundings).run(npm.uninstall(self.node, self.name, self.directory))
        if result.exit_code != 0:
            reason = npm.reason(result.output) or result.key_line
            raise ArtifactError("installs", f"the artifact does not uninstall: {reason}", detail=result.tail)


def install(  # noqa: PLR0913  (the release, where, with what, in which surroundings)
    artifact: Artifact, directory: Path, *, python: str, node: str, cache: Path, surroundings: Surroundings
) -> NpmInstallation:
    """Install a package; errors as of the function of that name of the package."""
    environment, session = environments.plan(
        directory, python=python, seeds=environments.NO_SEEDS, environment=surroundings.environment, cache=cache
    )
    environments.create(session)
    own = add_node(
        environment, wanted=node, accepted=artifact.requires_node, stage="installs", surroundings=surroundings
    )
    prefix = environment.directory / _PREFIX
    (prefix / _MODULES).mkdir(parents=True)
    prefix.with_name(_NPX_CACHE).mkdir()  # which npx would make in the home of its user
    _install(artifact, own, prefix, surroundings)
    held = [*_packages(prefix / _MODULES), *_distributions(environment.site_packages)]
    return NpmInstallation(
        name=artifact.name,
        directory=prefix,
        scripts=prefix if os.name == "nt" else prefix / "bin",
        base_python=environment.base_python,
        python_version=environment.python_version,
        installer=npm.NAME,
        installer_version=own.npm_version,
        distributions=tuple(sorted(set(held), key=lambda each: (each.name, each.version))),
        node=own,
    )


def _install(artifact: Artifact, node: Node, prefix: Path, surroundings: Surroundings) -> None:
    result = perform(
        npm.install(node, artifact.path, prefix),
        stage="installs",
        supply=npm.registry(node),
        surroundings=node.in_reach(surroundings),
    )
    # Settings such as a dry run can make npm install nothing, or leave what was there.
    installed = prefix / _MODULES / artifact.name / FILE_NAME
    if not installed.is_file() or installed.read_bytes() != read(artifact, MEMBER):
        raise TestbedError(f"npm installed something else than '{artifact.path.name}'", detail=result.tail)


def _packages(modules: Path) -> Iterator[Distribution]:
    """Every package in a directory of modules, and those that it has for itself."""
    for pattern in (f"*/{FILE_NAME}", f"@*/*/{FILE_NAME}"):
        for path in modules.glob(pattern):
            yield _package(path)
            yield from _packages(path.parent / "node_modules")


def _package(path: Path) -> Distribution:
    said = json.loads(path.read_bytes())
    return Distribution(name=str(said.get("name", "")), version=str(said.get("version", "")))


def _distributions(site_packages: Path) -> Iterator[Distribution]:
    for each in distributions(path=[str(site_packages)]):
        yield Distribution(name=each.metadata["Name"], version=each.version)
