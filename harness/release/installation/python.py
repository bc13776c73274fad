"""A Python distribution installed as a user would install it, by uv or pip.

How the installers are called is for `installers`; whether files are what RECORD says, `records`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email import message_from_string
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.specifiers import SpecifierSet

from harness.errors import ArtifactError, TestbedError, UsageError
from harness.release import environments, records
from harness.release.blaming import Supply, perform
from harness.release.installation.base import Distribution, Installation
from harness.release.installers import INSTALLERS

if TYPE_CHECKING:
    from harness.release.artifact import Artifact
    from harness.release.environments import Environment
    from harness.release.installers import Installer
    from harness.release.steps import Surroundings


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonInstallation(Installation):
    """A virtualenv that holds a wheel, or what an sdist builds to."""

    python: Path
    site_packages: Path

    @property
    def offered_scripts(self) -> tuple[str, ...]:
        """The programs that the artifact put beside the interpreter."""
        distribution = records.find(self.site_packages, self.name)
        paths = records.listed(distribution, self.site_packages) if distribution else {}
        return tuple(sorted(path.name.removesuffix(".exe") for path in paths if path.parent == self.scripts))

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
        """The topmost files and directories that RECORD lists."""
        distribution = records.find(self.site_packages, self.name)
        paths = records.listed(distribution, self.site_packages) if distribution else {}
        return tuple(sorted({_topmost(path, self.site_packages) for path in paths}))

    def upgrade(self, artifact: Artifact, surroundings: Surroundings) -> None:
        """Have the same installer install another release over it."""
        tool = _installer(self.installer)
        _install(artifact, tool, self.python, surroundings)
        _check_origin(artifact, tool, self.site_packages)

    def uninstall(self, surroundings: Surroundings) -> None:
        """Have the same installer remove it."""
        command = _installer(self.installer).uninstall(self.name, self.python)
        result = surroundings.run_in(self.directory, command)
        if result.exit_code != 0:
            raise ArtifactError("installs", f"the artifact does not uninstall: {result.key_line}", detail=result.tail)


def install(  # noqa: PLR0913  (the release, where, with what, in which surroundings)
    artifact: Artifact, directory: Path, *, installer: str, python: str, cache: Path, surroundings: Surroundings
) -> PythonInstallation:
    """Install a wheel or sdist; errors as of the function of that name of the package."""
    tool = _installer(installer)
    environment, session = environments.plan(
        directory, python=python, seeds=tool.seeds, environment=surroundings.environment, cache=cache
    )
    version = environment.python_version
    if not SpecifierSet(artifact.requires_python).contains(version, prereleases=True):
        requirement = f"requires Python {artifact.requires_python}, this is {version}"
        raise ArtifactError("installs", f"the artifact does not install: it {requirement}")
    environments.create(session)
    _install(artifact, tool, environment.python, surroundings)
    _check_origin(artifact, tool, environment.site_packages)
    return _installation(artifact, tool, environment)


def record_mismatches(installation: PythonInstallation, name: str) -> tuple[str, ...]:
    """Where the disk is not what the RECORD of a distribution says, one line a file."""
    return records.mismatches(installation.site_packages, name)


def _topmost(path: Path, site_packages: Path) -> Path:
    below = path.is_relative_to(site_packages)
    return site_packages / path.relative_to(site_packages).parts[0] if below else path


def _installer(name: str) -> Installer:
    if name not in INSTALLERS:
        raise UsageError(f"there is no installer '{name}'; there are {', '.join(map(repr, INSTALLERS))}")
    return INSTALLERS[name]


def _install(artifact: Artifact, installer: Installer, python: Path, surroundings: Surroundings) -> None:
    # With the hash in it: uv records none, but like pip it refuses a file that has another.
    requirement = f"{artifact.name} @ {artifact.path.as_uri()}#sha256={artifact.sha256}"
    supply = Supply(probe=installer.probe(python))
    perform(installer.install(requirement, python), stage="installs", supply=supply, surroundings=surroundings)


def _check_origin(artifact: Artifact, installer: Installer, site_packages: Path) -> None:
    """Settings such as overrides can make an installer take another file; pip also notes the hash."""
    distribution = records.find(site_packages, artifact.name)
    written = distribution.read_text("direct_url.json") if distribution else None
    origin = json.loads(written or "{}")
    source = Path(url2pathname(urlsplit(origin.get("url", "")).path))
    recorded = origin.get("archive_info", {}).get("hashes", {}).get("sha256", artifact.sha256)
    if (source, recorded) != (artifact.path, artifact.sha256):
        raise TestbedError(f"{installer.name} installed something else than '{artifact.path.name}': {written}")


def _installation(artifact: Artifact, installer: Installer, environment: Environment) -> PythonInstallation:
    found = distributions(path=[str(environment.site_packages)])
    held = sorted((each.metadata["Name"], each.version) for each in found)
    return PythonInstallation(
        name=artifact.name,
        directory=environment.directory,
        python=environment.python,
        scripts=environment.scripts,
        site_packages=environment.site_packages,
        base_python=environment.base_python,
        python_version=environment.python_version,
        installer=installer.name,
        installer_version=installer.version(environment.site_packages),
        distributions=tuple(Distribution(name=name, version=version) for name, version in held),
    )
