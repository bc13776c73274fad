"""From the release before to this one, in one environment: how runtimes become stale, and how they go."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from harness.release.installation import install, record_paths, uninstall, upgrade
from harness.running import filetree
from harness.running.environment import installer_environment
from harness.toolcaches import cache_directory
from smoke.daemon import no_daemon_left, start
from smoke.product import Ktx

if TYPE_CHECKING:
    from pathlib import Path

    from harness.options import Settings
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.installation import Installation
    from harness.running.sandbox import Sandbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """An environment of the case's own, in which releases come and go."""

    sandbox: Sandbox
    contract: Contract
    settings: Settings

    def install(self, artifact: Artifact) -> Installation:
        """Install the first release."""
        installation = install(
            artifact,
            self.sandbox.directory / "environment",
            installer=self.settings.installer,
            python=self.settings.python,
            node=self.settings.node,
            environment=installer_environment(os.environ),
            timeout=self.settings.install_timeout,
            cache=cache_directory(),
            log=self._log,
        )
        self.sandbox.use_installation(installation.directory)
        return installation

    def upgrade(self, installation: Installation, artifact: Artifact) -> None:
        """Install another release over it."""
        variables, seconds = installer_environment(os.environ), self.settings.install_timeout
        upgrade(installation, artifact, environment=variables, timeout=seconds, log=self._log)
        self.sandbox.use_installation(installation.directory)

    def uninstall(self, installation: Installation) -> None:
        """Remove the release again."""
        variables, seconds = installer_environment(os.environ), self.settings.install_timeout
        uninstall(installation, environment=variables, timeout=seconds, log=self._log)

    def ktx(self, installation: Installation, artifact: Artifact) -> Ktx:
        """The command of the release that is installed."""
        invocation = installation.invocation(self.settings.invocation, self.contract)
        return Ktx.called_by(invocation, self.sandbox, self.contract, artifact)

    @property
    def _log(self) -> Path:
        return self.sandbox.directory / "environment.log"


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """The release before, installed, and the one to come."""

    before: Ktx
    installation: Installation
    candidate: Artifact
    environment: Environment

    def perform(self) -> Ktx:
        """Upgrade, and give the command of the new release."""
        self.environment.upgrade(self.installation, self.candidate)
        return self.environment.ktx(self.installation, self.candidate)


@pytest.mark.required
@pytest.mark.opt_in("--previous")
@pytest.mark.needs("install", "status", "prune", "doctor")
@pytest.mark.needs_network("it installs a runtime")
def test_upgrade_makes_the_runtime_stale(from_previous: Upgrade) -> None:
    """After an upgrade the new runtime is missing, the old one is listed and pruned, the new one installs and works."""
    from_previous.before.run("install", "--yes")
    old = from_previous.before.runtime
    before = filetree.snapshot(old)

    ktx = from_previous.perform()

    assert ktx.version in ktx.run("version").stdout
    assert ktx.status()["kind"] == "missing"
    assert ktx.listed(ktx.run("prune", "--dry-run"), "stale") == (str(old),)
    assert not filetree.difference(before, filetree.snapshot(old))
    assert ktx.listed(ktx.run("prune", "--yes"), "pruned") == (str(old),)
    assert not old.exists()
    ktx.run("install", "--yes")
    ktx.run("doctor")


@pytest.mark.advisory
@pytest.mark.opt_in("--previous")
@pytest.mark.needs("start", "stop", "prune")
@pytest.mark.needs_network("it installs a runtime")
def test_live_daemon_of_the_previous_version_is_spared(from_previous: Upgrade) -> None:
    """A daemon that the version before left running is ended before its runtime goes, or that is kept and named."""
    with no_daemon_left(from_previous.before):
        daemon = start(from_previous.before)
        old = from_previous.before.runtime
        venv = filetree.snapshot(old / ".venv")

        ktx = from_previous.perform()
        result = ktx.attempt("prune", "--yes")

        kept = not filetree.difference(venv, filetree.snapshot(old / ".venv"))
        assert kept or not daemon.runs, "the runtime was deleted from under its daemon"
        assert not daemon.runs or str(old) in result.stdout + result.stderr, "the runtime that was kept is not named"
        daemon.kill()
    ktx.run("prune", "--yes")
    assert not old.exists()


@pytest.mark.required
@pytest.mark.needs("status")
def test_uninstall_leaves_no_file(environment: Environment, artifact: Artifact) -> None:
    """Uninstalling the release, once it was used, leaves no file of it in the environment, and no program."""
    installation = environment.install(artifact)
    environment.ktx(installation, artifact).run("status")
    places = record_paths(installation)

    environment.uninstall(installation)

    assert places
    assert [str(place) for place in places if os.path.lexists(place)] == []


@pytest.fixture
def environment(sandbox: Sandbox, contract: Contract, settings: Settings) -> Environment:
    """An environment that the case may change, in its own sandbox."""
    return Environment(sandbox=sandbox, contract=contract, settings=settings)


@pytest.fixture
def from_previous(environment: Environment, previous: Artifact, artifact: Artifact) -> Upgrade:
    """The release before, installed in an environment of the case's own."""
    installation = environment.install(previous)
    before = environment.ktx(installation, previous)
    return Upgrade(before=before, installation=installation, candidate=artifact, environment=environment)
