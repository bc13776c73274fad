"""Fixtures that know the product."""

from __future__ import annotations

import os
import shutil
from functools import cache
from typing import TYPE_CHECKING

import pytest

from harness import casereport
from harness.release.building import build_wheel
from harness.release.installation import PythonInstallation
from harness.running.environment import installer_environment
from smoke.daemon import no_daemon_left
from smoke.product import Ktx
from smoke.project import make_project
from smoke.ready import ReadyRuntime, install_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.options import Settings
    from harness.preparation import Preparation
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.installation import Installation
    from harness.release.invocations import Invocation
    from harness.running.network import Network
    from harness.running.sandbox import Sandbox


@pytest.fixture(scope="session")
def wheel_of(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Builds the wheel that users of an sdist get, each once."""

    @cache
    def build(sdist: Path) -> Path:
        place = tmp_path_factory.mktemp("wheel")
        environment, timeout = installer_environment(os.environ), settings.install_timeout
        return build_wheel(sdist, place / "dist", environment=environment, timeout=timeout, log=place / "build.log")

    return build


@pytest.fixture
def release_wheel(python_artifact: Artifact, wheel_of: Callable[[Path], Path]) -> Path:
    """The wheel that users get: the artifact itself, or what an sdist builds to."""
    return python_artifact.path if python_artifact.kind == "wheel" else wheel_of(python_artifact.path)


@pytest.fixture
def python_artifact(request: pytest.FixtureRequest, contract: Contract, artifact: Artifact) -> Artifact:  # noqa: ARG001 -- which says what applies
    """The file that is smoked, for cases on what only wheels and sdists have."""
    if artifact.kind == "npm":  # whatever the contract that was chosen for it says
        casereport.not_applicable(request.node, "the artifact is a package of npm")
    return artifact


@pytest.fixture
def python_installation(python_artifact: Artifact, installation: Installation) -> PythonInstallation:  # noqa: ARG001 -- the same
    """The environment that holds the artifact, for cases that look into its site-packages."""
    assert isinstance(installation, PythonInstallation)
    return installation


@pytest.fixture
def ktx(sandbox: Sandbox, contract: Contract, invocation: Invocation, artifact: Artifact) -> Ktx:
    """The installed command, in the sandbox of this case."""
    return Ktx.called_by(invocation, sandbox, contract, artifact)


@pytest.fixture(scope="session")
def ready_runtime(
    request: pytest.FixtureRequest, new_sandbox: Callable[[str], Sandbox], preparation: Preparation
) -> Iterator[ReadyRuntime]:
    """A runtime for the cases that only read one: installing is what takes time."""
    sandbox = new_sandbox("ready")  # which says why, where nothing could be installed
    assert preparation.invocation is not None
    assert preparation.contract is not None
    assert preparation.artifact is not None
    ktx = Ktx.called_by(preparation.invocation, sandbox, preparation.contract, preparation.artifact)
    yield install_ready(ktx, cases=request.session.testscollected)
    sandbox.close(keep=False)


@pytest.fixture
def ready_ktx(
    request: pytest.FixtureRequest,
    contract: Contract,
    invocation: Invocation,
    artifact: Artifact,
    network: Network,
) -> Iterator[Ktx]:
    """The installed command beside a runtime that is ready, which the case must leave as it found it."""
    # Not before it is known that the case applies: a version that cannot install has no such runtime.
    ready: ReadyRuntime = request.getfixturevalue("ready_runtime")
    sandbox = ready.sandbox
    casereport.observe(request.node, sandbox)
    assert ready.kind == "ready", "'install' did not make a ready runtime"
    as_it_was = dict(sandbox.environment), sandbox.prefix, sandbox.network
    sandbox.network = network
    yield Ktx.called_by(invocation, sandbox, contract, artifact)
    sandbox.environment, sandbox.prefix, sandbox.network = as_it_was
    ready.demand_unchanged()


@pytest.fixture
def idle_ktx(ready_ktx: Ktx) -> Iterator[Ktx]:
    """The same, for a case that starts the daemon: it must be gone in the end, and its files are removed."""
    before = set(ready_ktx.runtime.iterdir())
    try:
        with no_daemon_left(ready_ktx):
            yield ready_ktx
    finally:
        for path in set(ready_ktx.runtime.iterdir()) - before:
            path.unlink()


@pytest.fixture
def project(sandbox: Sandbox) -> Path:
    """A project with three orders, in the sandbox of this case."""
    directory = make_project(sandbox.directory / "project")
    sandbox.writable.append(directory)
    return directory


@pytest.fixture
def ready_project(ready_ktx: Ktx) -> Iterator[Path]:
    """The same beside the runtime that is ready."""
    sandbox = ready_ktx.sandbox
    directory = make_project(sandbox.directory / "project")
    sandbox.writable.append(directory)
    yield directory
    sandbox.writable.remove(directory)
    directory.chmod(0o755)
    shutil.rmtree(directory)
