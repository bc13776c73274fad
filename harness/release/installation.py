"""An artifact installed in an environment of its own, as a user would install it.

Makes the environment with virtualenv, from the base interpreter, and describes what came of it.
How the installers are called is for `installers`; whether files are what RECORD says, `records`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.specifiers import SpecifierSet

from harness.errors import ArtifactError, TestbedError, UsageError
from harness.release import interpreters, records
from harness.release.installers import INSTALLERS, blame
from harness.release.steps import run_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from virtualenv.run.session import Session

    from harness.release.artifact import Artifact
    from harness.release.installers import Installer


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """One distribution of an environment."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """An environment that holds the artifact; `name` is the artifact's distribution."""

    name: str
    directory: Path
    python: Path
    scripts: Path
    site_packages: Path
    base_python: Path
    python_version: str
    installer: str
    installer_version: str
    distributions: tuple[Distribution, ...]

    def executable(self, name: str) -> Path:
        """The program of that name; ArtifactError, with those that the artifact offers, if none."""
        path = self.scripts / (f"{name}.exe" if os.name == "nt" else name)
        if not path.is_file():
            offered = ", ".join(f"'{script}'" for script in self.offered_scripts) or "none"
            raise ArtifactError("installs", f"the artifact has no '{name}' script; it offers {offered}")
        return path

    @property
    def offered_scripts(self) -> tuple[str, ...]:
        """The programs that the artifact put beside the interpreter."""
        distribution = records.find(self.site_packages, self.name)
        paths = records.listed(distribution, self.site_packages) if distribution else {}
        return tuple(sorted(path.name.removesuffix(".exe") for path in paths if path.parent == self.scripts))


def install(  # noqa: PLR0913  (where, with what, from what, in which surroundings)
    artifact: Artifact,
    directory: Path,
    *,
    installer: str,
    python: str,
    environment: Mapping[str, str],
    timeout: float,
    cache: Path,
    log: Path | None = None,
) -> Installation:
    """Install into `directory`, which is new; `python` is a version, a path, or "" for this one's base.

    `timeout` is in seconds. The log is `directory` with the suffix `.log` unless another is given.

    Raises:
        UsageError: there is no such installer or interpreter.
        ArtifactError: the artifact does not install, or not in time.
        TestbedError: the package index is silent or the disk is full.
    """
    tool = _installer(installer)
    directory = directory.resolve()
    log = log or directory.with_name(f"{directory.name}.log")
    session = _describe(directory, tool, python, environment, cache)
    version = session.interpreter.version_str
    if not SpecifierSet(artifact.requires_python).contains(version, prereleases=True):
        requirement = f"requires Python {artifact.requires_python}, this is {version}"
        raise ArtifactError("installs", f"the artifact does not install: it {requirement}")
    _create(session)
    _install(artifact, tool, Path(session.creator.exe), environment=environment, timeout=timeout, log=log)
    _check_origin(artifact, tool, Path(session.creator.purelib))
    return _installation(artifact, tool, session)


def upgrade(
    installation: Installation, artifact: Artifact, *, environment: Mapping[str, str], timeout: float, log: Path
) -> None:
    """Install another release of what an environment holds over it; errors as of `install`."""
    tool = _installer(installation.installer)
    _install(artifact, tool, installation.python, environment=environment, timeout=timeout, log=log)
    _check_origin(artifact, tool, installation.site_packages)


def uninstall(installation: Installation, *, environment: Mapping[str, str], timeout: float, log: Path) -> None:
    """Remove the artifact from its environment.

    Raises:
        ArtifactError: the installer cannot, or not in time.
    """
    command = _installer(installation.installer).uninstall(installation.name, installation.python)
    result = run_step(command, environment=environment, cwd=installation.directory, timeout=timeout, log=log)
    if result.exit_code != 0:
        raise ArtifactError("installs", f"the artifact does not uninstall: {result.key_line}", detail=result.tail)


def record_paths(installation: Installation) -> tuple[Path, ...]:
    """The files and directories that the artifact has of its own in its environment, the topmost ones."""
    distribution = records.find(installation.site_packages, installation.name)
    paths = records.listed(distribution, installation.site_packages) if distribution else {}
    return tuple(sorted({_topmost(path, installation.site_packages) for path in paths}))


def record_mismatches(installation: Installation, name: str) -> tuple[str, ...]:
    """Where the disk is not what the RECORD of a distribution says, one line a file."""
    return records.mismatches(installation.site_packages, name)


def _topmost(path: Path, site_packages: Path) -> Path:
    below = path.is_relative_to(site_packages)
    return site_packages / path.relative_to(site_packages).parts[0] if below else path


def _installer(name: str) -> Installer:
    if name not in INSTALLERS:
        raise UsageError(f"there is no installer '{name}'; there are {', '.join(map(repr, INSTALLERS))}")
    return INSTALLERS[name]


def _describe(
    directory: Path, installer: Installer, python: str, environment: Mapping[str, str], cache: Path
) -> Session:
    """The environment that will be made: virtualenv goes to the base of any interpreter it is given."""
    # Personal defaults of virtualenv would make other environments on other machines.
    variables = {**environment, "VIRTUALENV_CONFIG_FILE": os.devnull}
    arguments = ["--app-data", str(cache / "virtualenv"), "--no-periodic-update", *installer.seeds]
    arguments += [f"--python={interpreters.find(python) or python or sys.executable}", str(directory)]
    import virtualenv  # noqa: PLC0415 -- heavy, and of several workers one makes the environment

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return virtualenv.session_via_cli(arguments, setup_logging=False, env=variables)
    except SystemExit as error:  # virtualenv refuses the directory as argparse refuses an option
        raise TestbedError(f"the environment '{directory}' cannot be made", detail=said.getvalue()) from error
    except RuntimeError as error:
        raise UsageError(
            f"there is no Python '{python}' that an environment can be made from", detail=str(error)
        ) from error


def _create(session: Session) -> None:
    try:
        with session:
            session.run()
    except (OSError, RuntimeError) as error:
        place = session.creator.dest
        raise TestbedError(f"the environment '{place}' cannot be made: {error}") from error


def _install(  # noqa: PLR0913  (as of `install`)
    artifact: Artifact,
    installer: Installer,
    python: Path,
    *,
    environment: Mapping[str, str],
    timeout: float,
    log: Path,
) -> None:
    # With the hash in it: uv records none, but like pip it refuses a file that has another.
    requirement = f"{artifact.name} @ {artifact.path.as_uri()}#sha256={artifact.sha256}"
    with tempfile.TemporaryDirectory() as elsewhere:  # uv reads settings from a project it stands in
        command = installer.install(requirement, python)
        result = run_step(command, environment=environment, cwd=Path(elsewhere), timeout=timeout, log=log)
    if result.exit_code != 0:
        raise blame(
            result,
            stage="installs",
            complaint="the artifact does not install",
            installer=installer,
            environment=environment,
            timeout=timeout,
            log=log,
            python=python,
        )


def _check_origin(artifact: Artifact, installer: Installer, site_packages: Path) -> None:
    """Settings such as overrides can make an installer take another file; pip also notes the hash."""
    distribution = records.find(site_packages, artifact.name)
    written = distribution.read_text("direct_url.json") if distribution else None
    origin = json.loads(written or "{}")
    source = Path(url2pathname(urlsplit(origin.get("url", "")).path))
    recorded = origin.get("archive_info", {}).get("hashes", {}).get("sha256", artifact.sha256)
    if (source, recorded) != (artifact.path, artifact.sha256):
        raise TestbedError(f"{installer.name} installed something else than '{artifact.path.name}': {written}")


def _installation(artifact: Artifact, installer: Installer, session: Session) -> Installation:
    site_packages = Path(session.creator.purelib)
    found = distributions(path=[str(site_packages)])
    held = sorted((each.metadata["Name"], each.version) for each in found)
    return Installation(
        name=artifact.name,
        directory=Path(session.creator.dest),
        python=Path(session.creator.exe),
        scripts=Path(session.creator.script_dir),
        site_packages=site_packages,
        # A link from elsewhere to an interpreter finds its library only when it points to the real file.
        base_python=Path(session.interpreter.system_executable or session.interpreter.executable).resolve(),
        python_version=session.interpreter.version_str,
        installer=installer.name,
        installer_version=installer.version(site_packages),
        distributions=tuple(Distribution(name=name, version=version) for name, version in held),
    )
