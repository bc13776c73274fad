"""The life of the runtime: installed when it is first needed, its daemon started, used again, stopped."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from smoke.daemon import (
    STATE,
    daemons_of,
    no_daemon_left,
    read_state,
    start,
    state_path,
)
from smoke.project import COUNT, asking

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

    from smoke.product import Ktx

TELL_LISTENING = """
import sys, psutil

for each in psutil.Process(int(sys.argv[1])).net_connections(kind="inet"):
    if each.status == psutil.CONN_LISTEN:
        print(each.laddr[0])
"""


@pytest.mark.required
@pytest.mark.needs("query", "doctor")
@pytest.mark.needs_network("it installs a runtime")
def test_query_installs_the_missing_runtime(ktx: Ktx, project: Path) -> None:
    """`sl query --yes` installs the runtime that is missing, says so on stderr, and answers; `doctor` passes then."""
    result = ktx.run("query", *asking(COUNT, project), "--execute", "--yes")

    ready = ktx.message("runtime_ready").search(result.stderr)
    assert ktx.message("installing").search(result.stderr)
    assert ready is not None, "it does not say that the runtime is ready"
    assert ready["directory"] == str(ktx.runtime)
    assert json.loads(result.stdout)["rows"] == [[3]]
    assert ktx.status()["kind"] == "ready"
    ktx.run("doctor")


@pytest.mark.required
@pytest.mark.needs("query")
@pytest.mark.parametrize("options", [("--no-input",), ()], ids=["no-input", "no-terminal"])
def test_query_without_consent_refuses(ktx: Ktx, project: Path, options: tuple[str, ...]) -> None:
    """With `--no-input`, or where nobody can be asked, `sl query` refuses to install, and says what to run."""
    result = ktx.fail("query", *asking(COUNT, project), *options, says="needs_runtime")

    assert result.exit_code == 1
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("start", "stop")
@pytest.mark.needs_network("it installs a runtime")
def test_start_installs_the_missing_runtime(ktx: Ktx) -> None:
    """`start` before `install` installs the runtime first."""
    with no_daemon_left(ktx):
        daemon = start(ktx)

        assert daemon.runs
        assert ktx.status()["kind"] == "ready"


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_started_daemon_is_healthy(idle_ktx: Ktx) -> None:
    """`start` says where the daemon listens, and `GET /health` answers there that it is healthy and of this version."""
    daemon = start(idle_ktx)

    assert daemon.ask("/health") == {"status": "healthy", "version": idle_ktx.version}
    assert f"version: {idle_ktx.version}" in daemon.told.lines
    assert "features: core" in daemon.told.lines
    assert f"state: {state_path(idle_ktx)}" in daemon.told.lines
    assert daemon.told.stderr == ""


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_daemon_state_is_complete(idle_ktx: Ktx) -> None:
    """While the daemon runs, `daemon.json` says which process it is, where it listens, since when, and its logs."""
    daemon = start(idle_ktx)

    state, layout = read_state(idle_ktx), idle_ktx.status()["layout"]
    started_at = datetime.fromisoformat(str(state["startedAt"]).replace("Z", "+00:00"))
    assert {key: state.get(key) for key in STATE} == STATE
    assert (state["pid"], state["version"]) == (daemon.pid, idle_ktx.version)
    assert daemon.url.endswith(f":{state['port']}")
    assert (state["stdoutLog"], state["stderrLog"]) == (layout["daemonStdoutPath"], layout["daemonStderrPath"])
    assert all((idle_ktx.runtime / name).is_file() for name in ("daemon.stdout.log", "daemon.stderr.log"))
    assert abs(datetime.now(timezone.utc) - started_at) < timedelta(seconds=60)


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_daemon_listens_on_loopback_only(idle_ktx: Ktx) -> None:
    """The daemon listens on 127.0.0.1, and nowhere that another machine could reach."""
    daemon = start(idle_ktx)

    assert listening(idle_ktx, daemon.process) == {"127.0.0.1"}


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_start_again_reuses_the_daemon(idle_ktx: Ktx) -> None:
    """A second `start` uses the daemon that runs: the same process at the same address."""
    first = start(idle_ktx)

    second = start(idle_ktx, says="daemon_reused")

    assert (second.pid, second.url) == (first.pid, first.url)
    assert [process.pid for process in daemons_of(idle_ktx)] == [first.pid]


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_start_force_replaces_the_daemon(idle_ktx: Ktx) -> None:
    """`start --force` ends the daemon that runs, and starts another."""
    first = start(idle_ktx)

    second = start(idle_ktx, "--force")

    assert not first.runs
    assert second.ask("/health")["status"] == "healthy"
    assert read_state(idle_ktx)["pid"] == second.pid


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_stop_ends_the_daemon(idle_ktx: Ktx) -> None:
    """`stop` ends the daemon, names it, and removes its state: the process is gone and nothing listens."""
    daemon = start(idle_ktx)

    result = idle_ktx.run("stop")

    assert idle_ktx.message("stopped").search(result.stdout)
    assert f"pid: {daemon.pid}" in result.lines
    assert f"state: {state_path(idle_ktx)}" in result.lines
    assert result.stderr == ""
    assert not daemon.runs
    assert not state_path(idle_ktx).exists()
    assert daemons_of(idle_ktx) == []


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_stop_again_is_fine(idle_ktx: Ktx) -> None:
    """`stop` after `stop` says that nothing runs, exits 0, and changes nothing."""
    start(idle_ktx)
    idle_ktx.run("stop")

    result = idle_ktx.run("stop")

    assert idle_ktx.message("already_stopped").search(result.stdout)
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("stop")
def test_stop_without_a_runtime_is_fine(ktx: Ktx) -> None:
    """`stop` where no runtime is installed says that nothing runs, exits 0, and creates nothing."""
    result = ktx.run("stop")

    assert ktx.message("already_stopped").search(result.stdout)
    assert not result.changes


def listening(ktx: Ktx, process: psutil.Process) -> set[str]:
    """The addresses on which a process listens, as somebody in its own network sees them."""
    observer = ktx.sandbox.start_background(sys.executable, "-c", TELL_LISTENING, str(process.pid))
    said, _ = observer.communicate(timeout=ktx.sandbox.testbed.command_timeout)
    assert observer.returncode == 0, said.decode()
    return set(said.decode().split())
