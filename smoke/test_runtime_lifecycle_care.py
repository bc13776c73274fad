"""The life of the daemon where something is in its way: killed, forged, hanging, of another version."""

from __future__ import annotations

import socket
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smoke.daemon import (
    STATE,
    daemons_of,
    is_alive,
    process_of,
    read_state,
    start,
    state_path,
    write_state,
)
from smoke.ready import replaced

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    import psutil

    from smoke.daemon import Json
    from smoke.product import Ktx

NO_STATE = {
    "empty": "",
    "truncated": '{"schemaVersion": 1, "pid": 1',
    "not-json": "pid=1\n",
}
DIES = f"#!{sys.executable}\nraise SystemExit('no daemon today')\n"
HANGS = f"#!{sys.executable}\nimport time\ntime.sleep(600)\n"


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_killed_daemon_is_replaced(idle_ktx: Ktx) -> None:
    """A daemon that was killed is not taken for one that runs: `start` starts another."""
    first = start(idle_ktx)
    first.kill()

    second = start(idle_ktx)

    assert second.pid != first.pid
    assert second.ask("/health")["status"] == "healthy"
    assert read_state(idle_ktx)["pid"] == second.pid


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_start_leaves_a_foreign_process_alone(idle_ktx: Ktx) -> None:
    """A foreign process whose pid stands in `daemon.json` is neither used as the daemon nor ended by `start`."""
    stranger = forge_state(idle_ktx)

    daemon = start(idle_ktx)

    assert daemon.pid != stranger.pid
    assert is_alive(stranger)


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_stop_leaves_a_foreign_process_alone(idle_ktx: Ktx) -> None:
    """A foreign process whose pid stands in `daemon.json` is not ended by `stop`, which says that nothing ran."""
    stranger = forge_state(idle_ktx)

    result = idle_ktx.run("stop")

    assert idle_ktx.message("already_stopped").search(result.stdout)
    assert is_alive(stranger)


@pytest.mark.required
@pytest.mark.needs("start", "stop")
@pytest.mark.parametrize("content", NO_STATE.values(), ids=NO_STATE)
def test_unreadable_state_is_replaced(idle_ktx: Ktx, content: str) -> None:
    """A `daemon.json` that cannot be read counts as none: `stop` finds nothing to stop, `start` writes a new one."""
    state_path(idle_ktx).write_text(content, encoding="utf-8")
    stopped = idle_ktx.run("stop")
    state_path(idle_ktx).write_text(content, encoding="utf-8")

    daemon = start(idle_ktx)

    assert idle_ktx.message("already_stopped").search(stopped.stdout)
    assert read_state(idle_ktx)["pid"] == daemon.pid


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_linked_state_keeps_its_target(idle_ktx: Ktx) -> None:
    """A `daemon.json` that is a link elsewhere does not send the state there: what it points to stays as it is."""
    target = idle_ktx.sandbox.home / "precious.json"
    target.write_text("{}\n", encoding="utf-8")
    state_path(idle_ktx).symlink_to(target)

    daemon = start(idle_ktx)

    assert target.read_text(encoding="utf-8") == "{}\n"
    assert read_state(idle_ktx)["pid"] == daemon.pid


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_daemon_of_another_version_is_replaced(idle_ktx: Ktx) -> None:
    """A daemon that is recorded as of another version is not used: `start` starts one of this version."""
    first = start(idle_ktx)
    write_state(idle_ktx, read_state(idle_ktx) | {"version": "9.9.9"})

    second = start(idle_ktx)

    assert second.pid != first.pid
    assert not first.runs
    assert second.ask("/health")["version"] == read_state(idle_ktx)["version"] == idle_ktx.version


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_taken_port_is_avoided(idle_ktx: Ktx, taken_port: int) -> None:
    """When something else has taken the port of the daemon that was, `start` finds another."""
    forge_state(idle_ktx, port=taken_port)

    daemon = start(idle_ktx)

    assert not daemon.url.endswith(f":{taken_port}")
    assert daemon.ask("/health")["status"] == "healthy"


@pytest.mark.required
@pytest.mark.needs("start", "stop")
def test_daemon_that_dies_is_told(idle_ktx: Ktx) -> None:
    """When the daemon dies at its start, `start` exits 1 with one line that names a log which has the reason."""
    with replaced(daemon_program(idle_ktx), DIES):
        result = idle_ktx.fail("start", says="daemon_failed")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "no daemon today" in log_named_in(idle_ktx, result.stderr)
    assert not state_path(idle_ktx).exists()


@pytest.mark.required
@pytest.mark.needs("start", "stop", "start_seconds_variable")
def test_daemon_that_hangs_is_ended(idle_ktx: Ktx) -> None:
    """When the daemon never becomes healthy, `start` ends it at a deadline, exits 1, and names the log."""
    idle_ktx.sandbox.environment[idle_ktx.contract.features["start_seconds_variable"]] = "0.3"

    with replaced(daemon_program(idle_ktx), HANGS):
        result = idle_ktx.fail("start", says="daemon_failed")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert daemons_of(idle_ktx) == []
    assert not state_path(idle_ktx).exists()


@pytest.mark.advisory
@pytest.mark.needs("start", "stop")
def test_concurrent_starts_give_one_daemon(idle_ktx: Ktx) -> None:
    """Two `start` at the same time both end well, and tell of one and the same daemon."""
    other = idle_ktx.sandbox.start_background(*idle_ktx.words("start"))
    result = idle_ktx.run("start", leaves_processes=True)
    said, _ = other.communicate(timeout=idle_ktx.sandbox.testbed.command_timeout)

    pids = {match["pid"] for match in pids_in(idle_ktx, result.stdout, said.decode())}
    assert other.returncode == 0, said.decode()
    assert len(pids) == 1
    assert [str(process.pid) for process in daemons_of(idle_ktx)] == list(pids)


@pytest.fixture
def taken_port(idle_ktx: Ktx) -> Iterator[int]:
    """A port on which something listens that is no daemon, and never answers."""
    with idle_ktx.sandbox.network.within(lambda: socket.create_server(("127.0.0.1", 0))) as listener:
        yield int(listener.getsockname()[1])


def forge_state(ktx: Ktx, *, port: int = 1) -> psutil.Process:
    """Have the runtime remember a process that is not its daemon, as if it had started it."""
    stranger = ktx.sandbox.start_background(sys.executable, "-c", "import time; time.sleep(600)")
    state: Json = {
        **STATE,
        "pid": stranger.pid,
        "port": port,
        "version": ktx.version,
        "startedAt": datetime.now(timezone.utc).isoformat(),
        "stdoutLog": str(ktx.runtime / "daemon.stdout.log"),
        "stderrLog": str(ktx.runtime / "daemon.stderr.log"),
    }
    write_state(ktx, state)
    return process_of(stranger.pid)


def daemon_program(ktx: Ktx) -> Path:
    """The program that `start` starts."""
    return ktx.runtime / ".venv" / "bin" / ktx.contract.features["daemon_executable"]


def log_named_in(ktx: Ktx, text: str) -> str:
    """What the log says that a message names."""
    match = ktx.message("daemon_failed").search(text)
    assert match is not None
    return Path(match["log"]).read_text(encoding="utf-8")


def pids_in(ktx: Ktx, *texts: str) -> list[re.Match[str]]:
    """The daemons that `start` tells of."""
    return [match for text in texts for match in ktx.message("daemon_pid").finditer(text)]
