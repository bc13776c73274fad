"""Fixtures that know the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smoke.product import Ktx

if TYPE_CHECKING:
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
