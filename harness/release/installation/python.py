"""A Python distribution installed as a user would install it.

How the installers are called is for `installers`; whether files are what RECORD says, `records`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email import message_from_string
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.specifiers import SpecifierSet

from harness.errors import ArtifactError, TestbedError
from harness.release import environments, installers, records
from harness.release.artifact import sha256_of
from harness.release.blaming import COMPLAINTS, perform
from harness.release.installation.base import Distribution, Installation
from harness.release.invocations import Invocation

if TYPE_CHECKING:
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.installers import Installer, Place
    from harness.release.steps import Surroundings


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonInstallation(Installation):
    """A virtualenv that holds a wheel, or what an sdist builds to."""

    place: Place

    @property
    def python(self) -> Path:
        """The interpreter of the virtualenv."""
        return self.place.environment.python

    @property
    def site_packages(self) -> Path:
        """Where the virtualenv has its packages."""
        return self.place.environment.site_packages

    def other_invocation(self, name: str, contract: Contract) -> Invocation:
        """As a module; isolated, so that a package in the working directory is no match."""
        module = contract.features["python_module"]
        return Invocation(name=name, title=f"python -m {module}", words=(str(self.python), "-I", "-m", module))

    @property
    def offered_scripts(self) -> tuple[str, ...]:
        """The programs that the artifact put beside the interpreter."""
        beside = self.place.environment.scripts
        return tuple(sorted(path.name.removesuffix(".exe") for path in self._recorded if path.parent == beside))

    @property
    def readme(self) -> str:
        """The description in its metadata."""
        distribution = records.find(self.site_packages, self.name)
        metadata = distribution.read_text("METADATA") if distribution else None
        return str(message_from_string(metadata or "").get_payload())

    @property
    def interpreter(self) -> str:
        """The Python of the virtualenv."""
        return f"Python {self.python_version}"

    @property
    def own_paths(self) -> tuple[Path, ...]:
        """The topmost files and directories that RECORD lists, and the programs for users."""
        programs = {self.scripts / f"{name}{self.suffix}" for name in self.offered_scripts}
        return tuple(sorted({_topmost(path, self.site_packages) for path in self._recorded} | programs))

    @property
    def _recorded(self) -> records.Listed:
        distribution = records.find(self.site_packages, self.name)
        return records.listed(distribution, self.site_packages) if distribution else {}

    def upgrade(self, artifact: Artifact, surroundings: Surroundings) -> None:
        """Have the same installer install another release over it."""
        _install(artifact, installers.named(self.installer), self.place, surroundings)

    def uninstall(self, surroundings: Surroundings) -> None:
        """Have the same installer remove it."""
        command = installers.named(self.installer).uninstall(self.name, self.place)
        result = surroundings.with_variables(self.place.layout.variables).run_in(self.directory, command)
        if result.exit_code != 0:
            raise ArtifactError("installs", f"the artifact does not uninstall: {result.key_line}", detail=result.tail)


def install(  # noqa: PLR0913  (the release, where, with what, in which surroundings)
    artifact: Artifact, directory: Path, *, installer: str, python: str, cache: Path, surroundings: Surroundings
) -> PythonInstallation:
    """Install a wheel or sdist; errors as of the function of that name of the package."""
    tool = installers.named(installer)
    layout = tool.layout(directory, artifact.name)
    plan = partial(environments.plan, python=python, environment=surroundings.environment, cache=cache)
    environment, _ = plan(layout.environment, seeds=environments.NO_SEEDS)
    version = environment.python_version
    if not SpecifierSet(artifact.requires_python).contains(version, prereleases=True):
        reason = f"it requires Python {artifact.requires_python}, this is {version}"
        raise ArtifactError("installs", f"{COMPLAINTS['installs']}: {reason}")
    seeded = None
    if layout.seeded is not None:
        seeded, session = plan(layout.seeded, seeds=tool.seeds)
        environments.create(session)
    place = installers.Place(layout=layout, environment=environment, seeded=seeded)
    _install(artifact, tool, place, surroundings)
    return _installation(artifact, tool, directory, place)


def record_mismatches(installation: PythonInstallation, name: str) -> tuple[str, ...]:
    """Where the disk is not what the RECORD of a distribution says, one line a file."""
    place = installation.place
    edited = place.environment.scripts if place.layout.edits_scripts else None
    return records.mismatches(installation.site_packages, name, edited=edited)


def _topmost(path: Path, site_packages: Path) -> Path:
    below = path.is_relative_to(site_packages)
    return site_packages / path.relative_to(site_packages).parts[0] if below else path


def _install(artifact: Artifact, installer: Installer, place: Place, surroundings: Surroundings) -> None:
    if not installer.checks_hashes and sha256_of(artifact.path) != artifact.sha256:
        reason = f"'{artifact.path.name}' does not have the hash that it had"
        raise ArtifactError("installs", f"{COMPLAINTS['installs']}: {reason}")
    # With the hash in it: uv records none, but like pip it refuses a file that has another.
    requirement = f"{artifact.name} @ {artifact.path.as_uri()}#sha256={artifact.sha256}"
    supply = installer.supply(place)
    put = partial(perform, stage="installs", supply=supply)
    equipped = surroundings.with_variables(place.layout.variables)
    put(installer.install(requirement, place), surroundings=equipped)
    if records.spoilt(place.environment.site_packages):
        # Nobody verifies what uv unpacked once, or pip built. A package that was released so comes so again.
        past_caches = equipped.with_variables(supply.past_caches)
        put((*installer.install(requirement, place), *installer.anew), surroundings=past_caches)
    _check_origin(artifact, installer, place.environment.site_packages)


def _check_origin(artifact: Artifact, installer: Installer, site_packages: Path) -> None:
    """Settings such as overrides can make an installer take another file; pip also notes the hash."""
    distribution = records.find(site_packages, artifact.name)
    written = distribution.read_text("direct_url.json") if distribution else None
    origin = json.loads(written or "{}")
    source = Path(url2pathname(urlsplit(origin.get("url", "")).path))
    recorded = origin.get("archive_info", {}).get("hashes", {}).get("sha256", artifact.sha256)
    if (source, recorded) != (artifact.path, artifact.sha256):
        raise TestbedError(f"{installer.name} installed something else than '{artifact.path.name}': {written}")


def _installation(artifact: Artifact, installer: Installer, directory: Path, place: Place) -> PythonInstallation:
    environment = place.environment
    found = distributions(path=[str(environment.site_packages)])
    held = sorted((each.metadata["Name"], each.version) for each in found)
    return PythonInstallation(
        name=artifact.name,
        directory=directory,
        place=place,
        scripts=place.scripts,
        base_python=environment.base_python,
        python_version=environment.python_version,
        installer=installer.name,
        installer_version=installer.version(place),
        distributions=tuple(Distribution(name=name, version=version) for name, version in held),
    )
