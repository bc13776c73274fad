"""Registries on loopback: real ones, and sites of our own that go wrong the way that registries do."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from filelock import FileLock

from harness.release import environments
from harness.release.node import Node, add_node
from harness.release.steps import Surroundings
from harness.running.environment import installer_environment
from harness.toolcaches import cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedIOBase
    from pathlib import Path

SECONDS = 60.0  # in which a registry starts
VERDACCIO = "6.10.4"
# One of its dependencies is asked for by a tag, which mirrors of the registry tend to lack.
_MANIFEST = {"private": True, "dependencies": {"verdaccio": VERDACCIO}, "overrides": {"node-fetch": "2.7.0"}}
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # what is on loopback needs no proxy
_CONFIGURATION = """\
storage: ./storage
auth:
  htpasswd:
    file: ./htpasswd
packages:
  "**":
    access: $all
    publish: $authenticated
log: {type: stdout, format: json, level: warn}
"""


@contextmanager
def serve_wheels(packages: Path) -> Iterator[str]:
    """A package index that has the files of a directory and takes everything; gives the address of the server."""
    port = free_port()
    command = [sys.executable, "-m", "pypiserver", "run", "-i", "127.0.0.1", "-p", str(port), "--disable-fallback"]
    with _running([*command, "-P", ".", "-a", ".", str(packages)], port, packages):
        yield f"http://127.0.0.1:{port}/"


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmRegistry:
    """A registry of npm, and who may publish there."""

    address: str
    token: str
    node: Node

    def publish(self, source: Path, tag: str = "latest") -> None:
        """Publish a package as its owner does."""
        place = self.address.partition(":")[2]
        environment = installer_environment(os.environ) | {f"npm_config_{place}:_authToken": self.token}
        words = ["publish", "--registry", self.address, "--tag", tag, "--access", "public", "--no-update-notifier"]
        run_npm(self.node, *words, directory=source, environment=environment)

    def integrity(self, name: str, version: str) -> bytes:
        """The sha512 that the registry says a file has."""
        with OPENER.open(f"{self.address}{name}", timeout=SECONDS) as answer:
            said = json.load(answer)["versions"][version]["dist"]["integrity"]
        return base64.b64decode(said.removeprefix("sha512-"))


@contextmanager
def serve_packages(directory: Path, node: Node) -> Iterator[NpmRegistry]:
    """A new registry of npm, which keeps its packages in a directory."""
    program = install_verdaccio(node)
    (directory / "config.yaml").write_text(_CONFIGURATION, encoding="utf-8")
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    command = [str(node.program), str(program), "--config", "config.yaml", "--listen", f"127.0.0.1:{port}"]
    with _running(command, port, directory):
        yield NpmRegistry(address=address, token=_register(address), node=node)


def make_node(directory: Path) -> Node:
    """A Node of the test run's own, as releases get one."""
    environment = installer_environment(os.environ)
    surroundings = Surroundings(environment=environment, timeout=300, log=directory / "node.log")
    tools, session = environments.plan(
        directory / "node",
        python="",
        seeds=environments.NO_SEEDS,
        environment=environment,
        cache=cache_directory(),
    )
    environments.create(session)
    return add_node(tools, wanted="", accepted="", stage="builds", surroundings=surroundings)


def install_verdaccio(node: Node) -> Path:
    """The program of the registry, installed once a machine."""
    place = cache_directory() / f"verdaccio-{VERDACCIO}"
    program = place / "node_modules" / "verdaccio" / "bin" / "verdaccio"
    done = place / "done"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_suffix(".lock")):
        if not done.exists():
            (place / "package.json").write_text(json.dumps(_MANIFEST), encoding="utf-8")
            words = ("install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
            run_npm(node, *words, directory=place, environment=installer_environment(os.environ))
            done.touch()
    return program


def run_npm(node: Node, *words: str, directory: Path, environment: Mapping[str, str]) -> None:
    """Run npm to its end, which must be a good one."""
    done = subprocess.run(
        [node.program, node.cli("npm"), *words],
        cwd=directory,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, directory: Path) -> Iterator[None]:
    with subprocess.Popen(
        command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _await(server, port)
            yield
        finally:
            server.terminate()


def _await(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + SECONDS
    while not _answers(port):
        assert server.poll() is None, "the registry does not start"
        assert time.monotonic() < deadline, "the registry does not answer"
        time.sleep(0.1)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _register(address: str) -> str:
    """Make a user of the registry; returns the token."""
    body = json.dumps({"name": "publisher", "password": "as-secret-as-a-test"}).encode()
    request = urllib.request.Request(  # noqa: S310 -- an address of our own
        f"{address}-/user/org.couchdb.user:publisher",
        data=body,
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    with OPENER.open(request, timeout=SECONDS) as answer:
        return str(json.load(answer)["token"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a site says: `hangs` never says it, `sent` is how much of the body is sent before it hangs up.

    `pause` is that after each byte in seconds, `surplus` how many bytes more it announces than it has.
    """

    status: int = 200
    body: bytes = b""
    kind: str = "text/html"
    hangs: bool = False
    sent: int | None = None
    pause: float = 0.0
    surplus: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Site:
    """A site that answers what it is told to, and 404 otherwise; `credentials` are those it asks for."""

    answers: dict[str, Answer] = field(default_factory=dict)
    always: Answer | None = None
    credentials: str = ""
    address: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, authorization: str) -> Answer:
        """What it says to a request."""
        self.asked.append(path)
        wanted = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        if self.credentials and authorization != wanted:
            return Answer(status=401)
        return self.always or self.answers.get(path, Answer(status=404))

    def offer_to_pip(self, file: Path, *, hashed: bool = True, answer: Answer | None = None) -> None:
        """Have a file of `odd`, which is served as `answer` instead, if that is given."""
        content = file.read_bytes()
        fragment = f"#sha256={hashlib.sha256(content).hexdigest()}" if hashed else ""
        page = f'<!DOCTYPE html><html><body><a href="/files/{file.name}{fragment}">{file.name}</a></body></html>'
        self.answers["/simple/odd/"] = Answer(body=page.encode())
        self.answers[f"/files/{file.name}"] = answer or Answer(body=content, kind="application/octet-stream")

    def offer_to_npm(self, file: Path, *, version: str = "1.0.0", answer: Answer | None = None) -> None:
        """Have a package of `odd`, in the same way."""
        content = file.read_bytes()
        dist = {
            "tarball": f"{self.address}odd/-/{file.name}",
            "integrity": "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode(),
        }
        versions = {version: {"name": "odd", "version": version, "dist": dist}}
        document = {"name": "odd", "dist-tags": {"latest": version}, "versions": versions}
        self.answers["/odd"] = Answer(body=json.dumps(document).encode(), kind="application/json")
        self.answers[f"/odd/-/{file.name}"] = answer or Answer(body=content, kind="application/octet-stream")


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Put a site on the net, which hears of its address."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            answer = site.answer(self.path, self.headers.get("Authorization", ""))
            if answer.hangs:
                over.wait()
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body) + answer.surplus))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="odd"')
            self.end_headers()
            if self.command == "GET":
                _send(self.wfile, answer, over)
            self.close_connection = answer.sent is not None or answer.surplus > 0

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        site.address = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            over.set()
            server.shutdown()
            thread.join()


def _send(stream: BufferedIOBase, answer: Answer, over: threading.Event) -> None:
    body = answer.body[: answer.sent]
    slices = [body[place : place + 1] for place in range(len(body))] if answer.pause else [body]
    with suppress(ConnectionError):  # of somebody who has had enough
        for each in slices:
            stream.write(each)
            if over.wait(answer.pause):
                return
