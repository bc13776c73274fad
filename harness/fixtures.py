"""What a case can ask for: the artifact, its contract, its installation, and a sandbox to run it in."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

import pytest

from harness import casereport
from harness.preparation import Preparation, prepare_once
from harness.previous import previous_once
from harness.release import invocations
from harness.running.network import OUTER, Network, keep_powers, loopback
from harness.running.result import InvariantBroken
from harness.running.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.errors import Stage
    from harness.options import Settings
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.installation import Installation
    from harness.release.invocations import Invocation
    from harness.session import Session

SESSION: pytest.StashKey[Session] = pytest.StashKey()


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest) -> Settings:
    """What the user asked for."""
    return request.config.stash[SESSION].settings


@pytest.fixture(scope="session")
def preparation(request: pytest.FixtureRequest) -> Preparation:
    """How far the artifact got towards running: one for the whole run, whatever it is."""
    session = request.config.stash[SESSION]
    return prepare_once(session.settings, session.archive)


@pytest.fixture
def contract(request: pytest.FixtureRequest, preparation: Preparation) -> Contract:
    """The words of the version under test; a case that needs one that it lacks does not apply."""
    if preparation.contract is None:
        casereport.not_run(request.node, _why_not(preparation))
    needs = [need for marker in request.node.iter_markers("needs") for need in marker.args]
    if lacking := preparation.contract.lacks(needs):
        missing = ", ".join(f"'{name}'" for name in lacking)
        casereport.not_applicable(request.node, f"the contract '{preparation.contract.name}' has no {missing}")
    return preparation.contract


@pytest.fixture
def artifact(request: pytest.FixtureRequest, preparation: Preparation) -> Artifact:
    """The file that is smoked."""
    if preparation.artifact is None:
        casereport.not_run(request.node, _why_not(preparation))
    return preparation.artifact


@pytest.fixture
def installation(request: pytest.FixtureRequest, preparation: Preparation) -> Installation:
    """The throwaway environment that holds the artifact, and nobody changes."""
    if preparation.installation is None or preparation.failure is not None:
        casereport.not_run(request.node, _why_not(preparation))
    return preparation.installation


@pytest.fixture
def invocation(
    request: pytest.FixtureRequest, contract: Contract, installation: Installation, settings: Settings
) -> Invocation:
    """How the release is called: as the user chose, or in each way that it has for a case of `every_invocation`."""
    name: str = getattr(request, "param", settings.invocation)
    if lacking := contract.lacks(invocations.NEEDS.get(name, ())):
        casereport.not_applicable(request.node, f"the contract '{contract.name}' has no '{lacking[0]}'")
    return installation.invocation(name, contract)


@pytest.fixture(scope="session")
def previous(request: pytest.FixtureRequest, preparation: Preparation) -> Artifact:
    """The release before the one that is smoked, to upgrade from: one for the whole run."""
    if preparation.artifact is None:
        pytest.skip(_why_not(preparation))
    session = request.config.stash[SESSION]
    return previous_once(session.settings, session.archive, preparation.artifact)


@pytest.fixture
def network(
    request: pytest.FixtureRequest,
    contract: Contract,  # noqa: ARG001 -- a case that does not apply needs no network
    installation: Installation,  # noqa: ARG001 -- nor does one that cannot run
    settings: Settings,
) -> Iterator[Network]:
    """What the case may reach: on the rung `kernel` nothing but itself, unless it is marked as one that must."""
    if settings.rung != "kernel" or request.node.get_closest_marker("needs_network"):
        yield OUTER
        return
    with loopback() as own:
        yield own


@pytest.fixture
def sandbox(
    request: pytest.FixtureRequest, network: Network, new_sandbox: Callable[[str], Sandbox]
) -> Iterator[Sandbox]:
    """A private world for one case: kept if the case fails, removed otherwise."""
    sandbox = new_sandbox(casereport.case_id(request.node.nodeid))
    sandbox.network = network
    casereport.observe(request.node, sandbox)
    yield sandbox
    left = sandbox.close(keep=casereport.has_failed(request.node))
    if left:
        raise InvariantBroken("nothing_left_running", "left running: " + "; ".join(map(str, left)))


@pytest.fixture(scope="session")
def new_sandbox(request: pytest.FixtureRequest, preparation: Preparation) -> Callable[[str], Sandbox]:
    """Makes sandboxes; whoever asks for one closes it. The name is for people who look into a kept one."""
    session = request.config.stash[SESSION]
    if session.settings.rung == "kernel":
        keep_powers()  # not earlier: workers need them
    place = session.archive.sandboxes / (session.worker or "main")
    numbers = count()

    def make(name: str) -> Sandbox:
        if preparation.testbed is None:
            pytest.skip(_why_not(preparation))
        words = re.sub(r"\W+", "-", name).strip("-")[:50]
        return Sandbox(directory=place / f"{next(numbers)}-{words}", testbed=preparation.testbed)

    return make


def demand(request: pytest.FixtureRequest, preparation: Preparation, stage: Stage) -> None:
    """Fail a case with what the release did wrong in a stage, or say why it cannot be told.

    Raises:
        AssertionError: the release is to blame for the stage.
    """
    failure = preparation.failure
    if failure is not None and preparation.broken_stage == stage:
        raise AssertionError(f"{failure}\n{failure.detail}".rstrip())
    if not preparation.reached(stage):
        casereport.not_run(request.node, _why_not(preparation))


def _why_not(preparation: Preparation) -> str:
    return f"not run: {preparation.failure}"
