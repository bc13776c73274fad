"""Self-tests of networks of a case's own, in processes that may make them as a session on the rung `kernel` may.

They are there without bubblewrap, which has its own self-tests: the launcher alone is what it takes.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.running import launching
from harness.tests.sessions.checkouts import ORDINARY, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Script = Callable[..., list[str]]

WHO: dict[str, tuple[str, ...]] = {"as we are": (), "ordinary": ORDINARY}
LAUNCHED = (sys.executable, launching.__file__)
HEAD = f"""
import os, socket, subprocess, sys, urllib.request
from pathlib import Path
sys.path.insert(0, {str(REPOSITORY)!r})
from harness.errors import TestbedError
from harness.running import network
from harness.running.command import execute
from harness.running.network import OUTER, loopback
from harness.running.terminal import Terminal

ENVIRONMENT = {{"PATH": os.environ["PATH"]}}

def reaches(seen, port):
    try:
        seen.within(lambda: socket.create_connection(("127.0.0.1", port), 10)).close()
    except ConnectionRefusedError:
        return False
    return True

def run(seen, *argv):
    return execute(argv, cwd=Path("/"), environment=ENVIRONMENT, timeout=60, network=seen)
"""

SEE_EACH_OTHER = """
SERVER = '''
import http.server
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_address[1], flush=True)
server.serve_forever()
'''
ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).status)"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with loopback() as own:
    words, quiet = [sys.executable, "-c", SERVER], subprocess.DEVNULL
    daemon = own.within(lambda: subprocess.Popen(words, stdout=subprocess.PIPE, stderr=quiet))
    port = int(daemon.stdout.readline())
    url = f"http://127.0.0.1:{port}/"
    with own.within(lambda: opener.open(url)) as answer:
        print("client", answer.status)
    print("command", run(own, sys.executable, "-c", ASK, url).stdout.strip())
    with Terminal([sys.executable, "-c", ASK, url], cwd=Path("/"), environment=ENVIRONMENT, timeout=60,
                  network=own) as terminal:
        print("terminal", terminal.finish().stdout.strip())
    print("outside", reaches(OUTER, port))
    daemon.kill(); daemon.communicate()
"""
SAME_PORT = """
port = int(sys.argv[1])
with loopback() as one, loopback() as other:
    held = [each.within(lambda: socket.create_server(("127.0.0.1", port))) for each in (one, other)]
    print([each.getsockname()[1] == port for each in held])
    held[0].close()
    print(reaches(one, port), reaches(other, port), reaches(OUTER, port))
    held[1].close()
"""
NOTHING_OUTSIDE = """
port = int(sys.argv[1])
with loopback() as own:
    print(reaches(own, port), reaches(OUTER, port))
    try:
        own.within(lambda: socket.create_connection(("192.0.2.1", 80), 10))
    except OSError as error:
        print(error.strerror)
    print(run(own, "grep", "-c", ":", "/proc/net/dev").stdout.strip(), "interface")
print(own.kind, OUTER.kind)
"""
NO_POWERS = """
def powers(seen):
    said = run(seen, "grep", "-E", "^Cap(Eff|Prm):", "/proc/self/status").stdout
    return {int(line.split()[1], 16) >> number & 1 for line in said.splitlines() for number in (12, 21)}

print(powers(OUTER))
network.keep_powers()
with loopback() as own:
    print(powers(OUTER), powers(own))
"""
DIES_WITH_ITS_PARENT = """
with loopback() as own:
    words = ["setpriv", "--pdeathsig", "KILL", "cat"]
    asked = own.within(lambda: subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    run(own, "true")
    print(asked.communicate(b"it lives\\n")[0].decode())
"""
RAISES = """
with loopback() as own:
    try:
        own.within(lambda: subprocess.Popen(["/no/such/program"]))
    except FileNotFoundError as error:
        print(error.filename)
    try:
        run(own, "/no/such/program")
    except FileNotFoundError as error:
        print(error.filename)
"""
REFUSED = """
try:
    with loopback():
        print("made")
except TestbedError as error:
    print(error)
"""


@pytest.fixture(params=list(WHO.values()), ids=list(WHO))
def told(request: pytest.FixtureRequest) -> Script:
    """Runs a script, as somebody, in a namespace of its own, and gives the lines that it prints."""
    return lambda script, *arguments: lines([*request.param, *LAUNCHED], script, *arguments)


@pytest.fixture
def port() -> Iterator[str]:
    """A port at which something listens that is of no case."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


def lines(before: Sequence[str], script: str, *arguments: str) -> list[str]:
    words = [*before, sys.executable, "-c", HEAD + script, *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_daemon_command_terminal_and_client_see_each_other_and_nobody_else_does(told: Script) -> None:
    assert told(SEE_EACH_OTHER) == ["client 200", "command 200", "terminal 200", "outside False"]


def test_two_at_once_have_the_same_port(told: Script, port: str) -> None:
    assert told(SAME_PORT, port) == ["[True, True]", "False True True"]


def test_nothing_outside_is_reached(told: Script, port: str) -> None:
    unreachable = "Network is unreachable"
    assert told(NOTHING_OUTSIDE, port) == ["False True", unreachable, "1 interface", "loopback outer"]


def test_what_is_started_gets_no_power_over_networks(told: Script) -> None:
    assert told(NO_POWERS) == ["{1}", "{0} {0}"]


def test_a_program_that_dies_with_its_parent_outlives_the_call_that_starts_it(told: Script) -> None:
    assert told(DIES_WITH_ITS_PARENT) == ["it lives", ""]


def test_what_cannot_be_started_says_so(told: Script) -> None:
    assert told(RAISES) == ["/no/such/program"] * 2


def test_a_machine_that_refuses_is_at_fault() -> None:
    assert lines(ORDINARY, REFUSED) == ["no network namespace: Operation not permitted"]


def test_a_launch_that_is_refused_says_so() -> None:
    alone = ("unshare", "--user", "--map-root-user", "/bin/sh", "-c")
    none_more = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
    done = subprocess.run(
        [*alone, none_more, "sh", *LAUNCHED, "/bin/true"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == "no namespace of its own: [Errno 28] No space left on device\n"


def test_users_are_who_they_are_outside() -> None:
    script = "cat /proc/self/uid_map /proc/self/gid_map"
    for who, before in WHO.items():
        outside, inside = (
            subprocess.run([*before, *words, "/bin/sh", "-c", script], capture_output=True, text=True, check=True)
            for words in ((), LAUNCHED)
        )
        known = [(first, count) for first, _, count in map(str.split, outside.stdout.splitlines())]
        assert [tuple(line.split()) for line in inside.stdout.splitlines()] == [
            (first, first, count) for first, count in known
        ], who
