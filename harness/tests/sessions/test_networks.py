"""Self-tests of what a case reaches on each rung, and what is told of it."""

from __future__ import annotations

import shutil
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.proving import catalogue
from harness.tests.registries import Answer, Site, serve
from harness.tests.sessions.checkouts import ORDINARY, REPOSITORY, Checkout, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=30).status)"
REACHES = '''
@pytest.mark.required
def test_reaches_nobody(sandbox):
    """It reaches somebody, though no case may."""
    said = sandbox.run(sys.executable, "-c", {ask!r}, {address!r})
    assert said.stdout == "200\\n", said.stderr.splitlines()[-1]


@pytest.mark.required
@pytest.mark.needs_network("it asks an index")
def test_reaches_an_index(sandbox):
    """It reaches an index."""
    assert sandbox.run(sys.executable, "-c", {ask!r}, {address!r}).stdout == "200\\n"
'''
TAKE_A_PORT = '''
import socket
import time


def take(sandbox, own, other):
    """Listen at the port until the other case has tried to as well."""
    place = sandbox.directory.parents[2]
    try:
        listener = sandbox.network.within(lambda: socket.create_server(("127.0.0.1", {port})))
    finally:
        (place / own).touch()
    with listener:
        deadline = time.monotonic() + 60
        while not (place / other).exists():
            assert time.monotonic() < deadline, "the other case did not come"
            time.sleep(0.01)
        assert listener.getsockname()[1] == {port}


@pytest.mark.required
def test_takes_a_port(sandbox):
    """It listens."""
    take(sandbox, "first", "second")


@pytest.mark.required
def test_takes_the_same_port(sandbox):
    """It listens there as well."""
    take(sandbox, "second", "first")
'''
UNREACHABLE = '"192.0.2.1", 443'
KEPT_FROM = ["dry_run_lists_and_deletes_nothing", "yes_removes_every_stale_runtime"]
PRUNE = f"({' or '.join(KEPT_FROM)}) and not real"  # which installs a runtime


@contextmanager
def index() -> Iterator[Site]:
    """Something on the machine's own loopback that answers whatever it is asked."""
    with serve(Site(always=Answer(body=b"yes"))) as site:
        yield site


def networks(run: Run) -> dict[str, set[str]]:
    """The networks of a case's commands, as the verdict tells them."""
    clauses = run.document["clauses"]
    assert isinstance(clauses, list)
    cases = [case for clause in clauses for case in clause["cases"]]
    return {case["id"]: {command["network"] for command in case["commands"]} for case in cases if case["commands"]}


@pytest.mark.parametrize("before", [(), ORDINARY], ids=["as we are", "ordinary"])
@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_only_a_case_that_says_so_reaches_an_index(checkout: Checkout, rung: str, before: tuple[str, ...]) -> None:
    with index() as site:
        checkout.add_cases(REACHES.format(ask=ASK, address=site.address))
        words = ("smoke", "--artifact", checkout.wheel, "--isolation", rung, "-n", "2")
        run = checkout.finish(checkout.start(*words, before=before))

    own = "loopback" if rung == "kernel" else "outer"
    seen = {"says_its_version": {own}, "reaches_nobody": {own}, "reaches_an_index": {"outer"}}
    assert networks(run) == seen, run.output
    assert run.outcomes["reaches_an_index"] == "passed"
    if rung == "processes":
        assert (run.verdict, site.asked) == ("passed", ["/", "/"])
        return
    assert (run.verdict, run.outcomes["reaches_nobody"], site.asked) == ("failed", "failed", ["/"])
    assert "Connection refused" in run.output
    assert run.lines("network:") == ["network: only loopback"]
    (runner,) = Path(run.lines("kept: ")[0].removeprefix("kept: ")).glob("run.sh")
    assert "# In the case it saw no network but a loopback of its own" in runner.read_text(encoding="utf-8")
    assert "Network: only loopback" in (run.evidence / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_two_cases_at_once_take_the_same_port(checkout: Checkout, rung: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        if rung == "processes":
            held.close()
        checkout.add_cases(TAKE_A_PORT.format(port=port))
        run = checkout.smoke("--isolation", rung, "-n", "2", "-k", "takes")

    taken = [run.outcomes[name] for name in ("takes_a_port", "takes_the_same_port")]
    assert ("failed" in taken) == (rung == "processes"), run.output  # which is why there is a rung above it
    assert taken == ["passed", "passed"] or rung == "processes"


def test_a_release_whose_prune_phones_home_has_failed(checkout: Checkout) -> None:
    shutil.rmtree(checkout.directory / "smoke")
    shutil.copytree(REPOSITORY / "smoke", checkout.directory / "smoke")
    with index() as home:
        release = phoning(checkout.directory.parent / "release", home)
        words = ("-k", PRUNE, "-n", "2", "--isolation")
        reaches = checkout.run("smoke", "--artifact", release, *words, "processes")
        (wheel,) = (checkout.directory / "dist").glob("*.whl")
        run = checkout.run("smoke", "--artifact", wheel, *words, "kernel")

    assert set(networks(reaches)) == set(networks(run))
    assert "failed" not in reaches.outcomes.values(), reaches.output
    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert [name for name, outcome in run.outcomes.items() if outcome == "failed"] == KEPT_FROM
    assert "Cannot look for a newer version: Connection refused" in run.output
    assert "network: only loopback" in run.output


def phoning(directory: Path, home: Site) -> Path:
    """The reference, whose prune asks a server first: the release of the catalogue, with a server that is there."""
    entry = catalogue.read(REPOSITORY / "fixtures" / "broken" / "prune-phones-home.toml")
    tree = catalogue.copy(REPOSITORY / "fixtures" / "ktx", directory)
    catalogue.apply(entry, tree)
    host, _, port = home.address.removeprefix("http://").rstrip("/").partition(":")
    path = tree / entry.changes[0].file
    path.write_text(path.read_text(encoding="utf-8").replace(UNREACHABLE, f'"{host}", {port}'), encoding="utf-8")
    return tree
