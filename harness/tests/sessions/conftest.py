"""What the self-tests of whole sessions share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from harness.running.environment import installer_environment
from harness.tests.sessions.checkouts import Checkout

if TYPE_CHECKING:
    from pathlib import Path

NPM_CASES = '''\
"""A few promises of a package of npm."""

import pytest

from harness.fixtures import demand


@pytest.mark.required
def test_builds(request, preparation):
    """The source builds."""
    demand(request, preparation, "builds")


@pytest.mark.required
@pytest.mark.needs("prune")
def test_prunes(ktx, sandbox):
    """What is stale goes, on `--yes` only."""
    stale = sandbox.runtime_root / "0.0.0"
    stale.mkdir(parents=True)

    assert ktx("--version").stdout == "@kaelio/ktx 0.1.0\\n"
    assert ktx("runtime", "prune").exit_code == 1
    assert stale.is_dir()
    assert ktx("runtime", "prune", "--yes").stdout == f"Removed stale KTX Python runtimes\\n{stale}\\n"
    assert not stale.exists()


@pytest.mark.required
@pytest.mark.needs("status")
@pytest.mark.parametrize("option", ["--json", pytest.param("--wait", marks=pytest.mark.needs("start"))])
def test_tells_its_status(ktx, option):
    """It tells its status, and where it can start waits for it."""
    assert "missing" in ktx("runtime", "status", option).stdout


@pytest.mark.required
@pytest.mark.needs("install")
def test_installs_a_runtime(ktx):
    """It installs a runtime."""
    ktx("runtime", "install")
'''
NPM_CONFTEST = '''\
"""Fixtures that know the product."""

import pytest


@pytest.fixture
def ktx(sandbox, installation, contract):
    """Runs the command."""
    return lambda *words: sandbox.run(installation.executable(contract.executable), *words)
'''


@pytest.fixture
def environment() -> dict[str, str]:
    """The complete environment of a step of ours."""
    return installer_environment(os.environ)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout of the test's own."""
    return Checkout(tmp_path)


@pytest.fixture(params=["processes", "kernel"])
def on_each_rung(request: pytest.FixtureRequest, checkout: Checkout) -> None:
    """Its sessions are on one rung, and once more on the other: for what `kernel` has to bring out of its view."""
    checkout.rung = request.param


@pytest.fixture
def ktx_checkout(checkout: Checkout) -> Checkout:
    """A checkout that promises little of `fixtures/ktx-npm`."""
    smoke = checkout.directory / "smoke"
    (smoke / "conftest.py").write_text(NPM_CONFTEST, encoding="utf-8")
    (smoke / "test_odd.py").write_text(NPM_CASES, encoding="utf-8")
    return checkout


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A pipe that a command writes to when it has begun."""
    pipe = tmp_path / "begun"
    os.mkfifo(pipe)
    return pipe
