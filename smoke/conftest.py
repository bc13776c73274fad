"""Fixtures that know the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import casereport
from harness.running import filetree
from smoke.product import Ktx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.preparation import Preparation
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.installation import Installation
    from harness.running.sandbox import Sandbox


@pytest.fixture
def ktx(sandbox: Sandbox, contract: Contract, installation: Installation, artifact: Artifact) -> Ktx:
    """The installed command, in the sandbox of this case."""
    executable = installation.executable(contract.executable)
    return Ktx(sandbox=sandbox, contract=contract, executable=(executable,), version=artifact.version)


@pytest.fixture
def ktx_module(ktx: Ktx, installation: Installation) -> Ktx:
    """The same, called as a module; isolated, so that a package in the working directory is no match."""
    module = ktx.contract.features["python_module"]
    executable = (installation.python, "-I", "-m", module)
    return Ktx(sandbox=ktx.sandbox, contract=ktx.contract, executable=executable, version=ktx.version)


@pytest.fixture(scope="session")
def ready_sandbox(new_sandbox: Callable[[str], Sandbox], preparation: Preparation) -> Iterator[Sandbox]:
    """A sandbox with an installed runtime, for the cases that only read it: installing is what takes time."""
    sandbox = new_sandbox("ready")
    assert preparation.installation is not None
    assert preparation.contract is not None
    executable = preparation.installation.executable(preparation.contract.executable)
    sandbox.run(executable, *preparation.contract.commands["install"], "--yes")
    yield sandbox
    sandbox.close(keep=False)


@pytest.fixture
def ready_ktx(
    request: pytest.FixtureRequest,
    contract: Contract,
    installation: Installation,
    artifact: Artifact,
    ready_sandbox: Sandbox,
) -> Iterator[Ktx]:
    """The installed command beside a runtime that is ready, which the case must leave as it found it."""
    casereport.observe(request.node, ready_sandbox)
    executable = installation.executable(contract.executable)
    ktx = Ktx(sandbox=ready_sandbox, contract=contract, executable=(executable,), version=artifact.version)
    assert ktx.status()["kind"] == "ready", "'install' did not make a ready runtime"
    before = filetree.snapshot(ktx.root)
    environment = dict(ready_sandbox.environment)
    yield ktx
    ready_sandbox.environment = environment
    changes = filetree.difference(before, filetree.snapshot(ktx.root))
    assert not changes, f"the shared runtime was changed:\n{changes.render()}"
