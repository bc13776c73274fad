"""The daemon of a runtime: how cases start it and talk to it, and the proof that it is gone."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.running.network import Network
    from harness.running.result import CommandResult
    from smoke.product import Ktx

Json: TypeAlias = "dict[str, object]"

STATE: Json = {"schemaVersion": 1, "host": "127.0.0.1", "features": ["core"]}  # what every daemon says of itself

_KILLED_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Daemon:
    """A daemon as `start` told of it."""

    told: CommandResult
    url: str
    process: psutil.Process
    network: Network
    timeout: float

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    @property
    def runs(self) -> bool:
        """Whether it lives."""
        return is_alive(self.process)

    def kill(self) -> None:
        """End it as a crash would, if it lives."""
        _kill(self.process)

    def ask(self, path: str, question: Json | None = None) -> Json:
        """What it answers over HTTP, whatever proxy the machine has."""
        method, body = ("GET", None) if question is None else ("POST", json.dumps(question).encode())
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=self.timeout)) as connection:
            self.network.within(connection.connect)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            assert response.status == HTTPStatus.OK, f"'{path}' was answered with {response.status} {response.reason}"
            answer: Json = json.load(response)
        return answer


def start(ktx: Ktx, *options: str, says: str = "started") -> Daemon:
    """Start the daemon, which must go well and say so with this message of the contract."""
    result = ktx.run("start", *options, leaves_processes=True)
    assert ktx.message(says).search(result.stdout), f"expected '{says}', was '{result.lines[0]}'"
    url, pid = ktx.message("daemon_url").search(result.stdout), ktx.message("daemon_pid").search(result.stdout)
    assert url is not None, "it does not say where the daemon listens"
    assert pid is not None, "it does not say which process the daemon is"
    return Daemon(
        told=result,
        url=url["url"],
        process=process_of(int(pid["pid"])),
        network=ktx.sandbox.network,
        timeout=ktx.sandbox.testbed.command_timeout,
    )


def process_of(pid: int) -> psutil.Process:
    """The process of that number, which must be there."""
    assert psutil.pid_exists(pid), f"there is no process {pid}"
    return psutil.Process(pid)


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def state_path(ktx: Ktx) -> Path:
    """Where a runtime remembers its daemon."""
    return ktx.runtime / "daemon.json"


def read_state(ktx: Ktx) -> Json:
    """What a runtime remembers of its daemon."""
    state: Json = json.loads(state_path(ktx).read_text(encoding="utf-8"))
    return state


def write_state(ktx: Ktx, state: Json) -> None:
    """Have a runtime remember something else."""
    state_path(ktx).write_text(json.dumps(state), encoding="utf-8")


def daemons_of(ktx: Ktx) -> list[psutil.Process]:
    """Every process whose command line names the runtime."""
    place = str(ktx.runtime)
    found = [each for each in psutil.process_iter(["cmdline"]) if place in " ".join(each.info["cmdline"] or ())]
    return [process for process in found if is_alive(process)]


@contextmanager
def no_daemon_left(ktx: Ktx) -> Iterator[None]:
    """Have the product stop its daemon at the end, and require that it is gone then."""
    try:
        yield
        if state_path(ktx).exists():
            ktx.run("stop")
        left = [str(process.pid) for process in daemons_of(ktx)]
        assert not left, f"a daemon still runs after 'stop': {', '.join(left)}"
    finally:
        for process in daemons_of(ktx):
            _kill(process)


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
        process.wait(_KILLED_SECONDS)
