"""What holds for every command, whatever it does: each of these cases runs them all.

Elsewhere a breach fails the case at hand, under the id of the clause here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from harness import casereport
from harness.running.result import InvariantBroken
from smoke.daemon import daemons_of
from smoke.product import Ktx
from smoke.project import COUNT, asking, make_project
from smoke.stale import make_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.invocations import Invocation
    from harness.running.sandbox import Sandbox

# Beside the working directory, in which nothing may be written.
PROJECT = "../project"
ALL = (
    ("version",),
    ("runtime",),
    ("status",),
    ("status", "--json"),
    ("doctor",),
    ("install", "--yes", "--feature", "no-such-feature"),
    ("install", "--yes"),
    ("install", "--yes"),
    ("status",),
    ("doctor", "--json"),
    ("query", *asking(COUNT, PROJECT), "--execute"),
    ("start",),
    ("stop",),
    ("stop",),
    ("prune",),
    ("prune", "--dry-run"),
    ("prune", "--no-such-option"),
    ("prune", "--yes"),
    ("prune", "--yes"),
)


# Of the others, those are run that the version has.
every_command = pytest.mark.needs("version")
pytestmark = pytest.mark.needs_network("one of the commands installs a runtime")


@pytest.mark.required
@every_command
def test_no_traceback(everything: Ktx) -> None:
    """No command ever prints a traceback."""
    said = "".join(result.stdout + result.stderr for result in everything.sandbox.results)

    assert everything.version in said
    assert not everything.message("traceback").search(said)


@pytest.mark.required
@every_command
def test_nothing_written_elsewhere(everything: Ktx) -> None:
    """No command writes outside the runtime root and the project, but for caches and temporary files that are gone."""
    results = everything.sandbox.results

    writers = {"install", "prune"} & {*everything.contract.commands}
    assert any(result.changes.within("root") for result in results) or not writers
    elsewhere = [result.changes.outside("root", "project").render() for result in results]
    assert [changes for changes in elsewhere if changes] == []


@pytest.mark.required
@every_command
def test_nothing_left_running(everything: Ktx) -> None:
    """No command leaves a process behind, but for the daemon of `start`, which `stop` ends."""
    results = everything.sandbox.results

    left = [process for result in results for process in result.left_running]
    daemons = [True] if "start" in everything.contract.commands else []
    assert [str(everything.runtime) in process.command for process in left] == daemons
    assert daemons_of(everything) == []


@pytest.mark.required
@every_command
def test_installation_unchanged(everything: Ktx) -> None:
    """No command changes the installed package or its environment."""
    results = everything.sandbox.results

    changes = [result.installation_changes.render() for result in results if result.installation_changes]
    assert changes == []


@pytest.mark.required
@every_command
def test_stays_within_limits(everything: Ktx) -> None:
    """No command uses memory, processes or disk without end."""
    results = everything.sandbox.results

    assert [result.headline for result in results if result.completed.excess] == []


@pytest.fixture
def everything(request: pytest.FixtureRequest, contract: Contract, invocation: Invocation, artifact: Artifact) -> Ktx:
    """The installed command, after every command has run once; what each did is in the sandbox's results."""
    # Not before it is known that the case applies: some command may be missing otherwise.
    sandbox: Sandbox = request.getfixturevalue("sandbox_of_every_command")
    casereport.observe(request.node, sandbox, from_the_start=True)
    ktx = Ktx.called_by(invocation, sandbox, contract, artifact)
    if not sandbox.results:
        run_all(ktx)
    assert len(sandbox.results) == len(commands_of(ktx))
    return ktx


@pytest.fixture(scope="session")
def sandbox_of_every_command(new_sandbox: Callable[[str], Sandbox]) -> Iterator[Sandbox]:
    """One for the cases here: they look at the same commands, and running all takes seconds."""
    sandbox = new_sandbox("every-command")
    yield sandbox
    sandbox.close(keep=False)


def commands_of(ktx: Ktx) -> list[tuple[str, ...]]:
    """What is run of a version: of all commands, those that it has."""
    return [words for words in ALL if words[0] in ktx.contract.commands]


def run_all(ktx: Ktx) -> None:
    """Run every command once, in an order in which each has something to do."""
    make_plain(ktx)
    ktx.sandbox.writable.append(make_project(ktx.sandbox.directory / "project"))
    for words in commands_of(ktx):
        with suppress(InvariantBroken):  # each case here judges one of them
            ktx.attempt(*words, leaves_processes=words == ("start",))
