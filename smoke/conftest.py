"""Fixtures that know the product."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from harness import casereport
from harness.running import filetree
from smoke.daemon import no_daemon_left
from smoke.product import Ktx
from smoke.project import make_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from harness.preparation import Preparation
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.installation import Installation
    from harness.running.sandbox import Sandbox

FEW_CASES = 2  # they are done before compiling for them would be
IMPORT = """
import contextlib, importlib, sys

for name in sys.argv[1:]:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""


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
def ready_sandbox(
    request: pytest.FixtureRequest, new_sandbox: Callable[[str], Sandbox], preparation: Preparation
) -> Iterator[Sandbox]:
    """A sandbox with an installed runtime, for the cases that only read it: installing is what takes time."""
    sandbox = new_sandbox("ready")  # which says why, where nothing could be installed
    assert preparation.installation is not None
    assert preparation.contract is not None
    executable = preparation.installation.executable(preparation.contract.executable)
    sandbox.run(executable, *preparation.contract.commands["install"], "--yes")
    if request.session.testscollected > FEW_CASES:
        keep_bytecode(sandbox, preparation.contract.features.get("runtime_modules", "").split())
    yield sandbox
    sandbox.close(keep=False)


def keep_bytecode(sandbox: Sandbox, modules: Iterable[str]) -> None:
    """Have a runtime keep the bytecode of its modules, as it does for users: compiling is half of a command's time."""
    environment = sandbox.environment
    sandbox.environment = environment | {"PYTHONDONTWRITEBYTECODE": ""}
    for python in sandbox.runtime_root.glob("*/.venv/bin/python"):
        sandbox.run(python, "-c", IMPORT, *modules)
    sandbox.environment = environment


@pytest.fixture
def ready_ktx(
    request: pytest.FixtureRequest,
    contract: Contract,
    installation: Installation,
    artifact: Artifact,
) -> Iterator[Ktx]:
    """The installed command beside a runtime that is ready, which the case must leave as it found it."""
    # Not before it is known that the case applies: a version that cannot install has no such sandbox.
    ready_sandbox: Sandbox = request.getfixturevalue("ready_sandbox")
    casereport.observe(request.node, ready_sandbox)
    executable = installation.executable(contract.executable)
    ktx = Ktx(sandbox=ready_sandbox, contract=contract, executable=(executable,), version=artifact.version)
    assert ktx.status()["kind"] == "ready", "'install' did not make a ready runtime"
    before = filetree.snapshot(ktx.root)
    environment, prefix = dict(ready_sandbox.environment), ready_sandbox.prefix
    yield ktx
    ready_sandbox.environment, ready_sandbox.prefix = environment, prefix
    changes = filetree.difference(before, filetree.snapshot(ktx.root))
    assert not changes, f"the shared runtime was changed:\n{changes.render()}"


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
