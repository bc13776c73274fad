"""What holds for every command, whatever it does: each of these cases runs them all.

Elsewhere a breach fails the case at hand, under the id of the clause here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smoke.daemon import daemons_of
from smoke.project import COUNT, asking, make_project
from smoke.stale import make_plain

if TYPE_CHECKING:
    from harness.running.result import CommandResult
    from smoke.product import Ktx

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
NEEDS = ("version", "runtime", "status", "doctor", "install", "prune", "start", "stop", "query")


@pytest.mark.required
@pytest.mark.needs(*NEEDS)
def test_no_traceback(ktx: Ktx) -> None:
    """No command ever prints a traceback."""
    said = "".join(result.stdout + result.stderr for result in run_all(ktx))

    assert ktx.message("refused").search(said)
    assert not ktx.message("traceback").search(said)


@pytest.mark.required
@pytest.mark.needs(*NEEDS)
def test_nothing_written_elsewhere(ktx: Ktx) -> None:
    """No command writes outside the runtime root and the project, but for caches and temporary files that are gone."""
    results = run_all(ktx)

    assert any(result.changes.within("root") for result in results)
    assert not any(result.changes.outside("root", "project") for result in results)


@pytest.mark.required
@pytest.mark.needs(*NEEDS)
def test_nothing_left_running(ktx: Ktx) -> None:
    """No command leaves a process behind, but for the daemon of `start`, which `stop` ends."""
    results = run_all(ktx)

    left = [process for result in results for process in result.left_running]
    assert len(results) == len(ALL)
    assert [str(ktx.runtime) in process.command for process in left] == [True]
    assert daemons_of(ktx) == []


@pytest.mark.required
@pytest.mark.needs(*NEEDS)
def test_installation_unchanged(ktx: Ktx) -> None:
    """No command changes the installed package or its environment."""
    results = run_all(ktx)

    assert len(results) == len(ALL)
    assert not any(result.installation_changes for result in results)


def run_all(ktx: Ktx) -> tuple[CommandResult, ...]:
    """Run every command once, in an order in which each has something to do."""
    make_plain(ktx)
    ktx.sandbox.writable.append(make_project(ktx.sandbox.directory / "project"))
    return tuple(ktx.attempt(*words, leaves_processes=words == ("start",)) for words in ALL)
