"""Prune and the daemons of stale runtimes: a live one is no garbage, a dead one is no obstacle."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import pytest

from harness.running import filetree
from smoke.stale import make_plain

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from smoke.product import Ktx

HEALTHY_SERVER = """
import http.server, json, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"status": "healthy", "version": sys.argv[1]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_live_daemon_keeps_its_runtime(ktx: Ktx) -> None:
    """A stale runtime is not deleted from under its live daemon: that stops first, or the runtime is kept and named."""
    runtime = make_plain(ktx)
    other = make_plain(ktx, "0.0.2")
    daemon = start_daemon(ktx, runtime)
    before = filetree.snapshot(runtime)

    result = ktx.attempt("prune", "--yes")

    assert not other.exists()
    is_alive = daemon.poll() is None
    kept = not filetree.difference(before, filetree.snapshot(runtime))
    assert kept or not is_alive, "the runtime was deleted from under its daemon"
    assert not is_alive or str(runtime) in result.stdout + result.stderr, "the runtime that was kept is not named"
    assert not is_alive or str(runtime) not in ktx.listed(result, "pruned"), "it says that it removed what it kept"


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_dead_daemon_does_not_keep_its_runtime(ktx: Ktx) -> None:
    """A stale runtime whose daemon is gone is pruned like any other, even if another process has its pid now."""
    runtime = make_plain(ktx)
    start_daemon(ktx, runtime).kill()
    state = json.loads((runtime / "daemon.json").read_text(encoding="utf-8"))
    stranger = ktx.sandbox.start_background(sys.executable, "-c", "import time; time.sleep(600)")
    (runtime / "daemon.json").write_text(json.dumps(state | {"pid": stranger.pid}), encoding="utf-8")

    result = ktx.run("prune", "--yes")

    assert ktx.listed(result, "pruned") == (str(runtime),)
    assert not runtime.exists()
    assert stranger.poll() is None, "the process that has the pid now was ended"


def start_daemon(ktx: Ktx, runtime: Path) -> subprocess.Popen[bytes]:
    """Run a healthy daemon from inside a runtime, with the state file that a real one writes."""
    script = runtime / "daemon.py"
    script.write_text(HEALTHY_SERVER, encoding="utf-8")
    daemon = ktx.sandbox.start_background(sys.executable, script, runtime.name)
    assert daemon.stdout is not None
    state = {
        "schemaVersion": 1,
        "pid": daemon.pid,
        "host": "127.0.0.1",
        "port": int(daemon.stdout.readline()),
        "version": runtime.name,
        "features": ["core"],
        "startedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "stdoutLog": str(runtime / "daemon.stdout.log"),
        "stderrLog": str(runtime / "daemon.stderr.log"),
    }
    (runtime / "daemon.json").write_text(json.dumps(state), encoding="utf-8")
    return daemon
