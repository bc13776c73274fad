"""Self-tests of machines that fail a run: a full disk, a silent index, a missing tool say nothing about the release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.tests.release.markets import PART, open_market
from harness.tests.sessions.checkouts import pack_odd_wheel
from harness.tests.sessions.endings import assert_ended, assert_orderly
from harness.tests.sessions.unwritable import CACHE, CHECKOUT, DEFAULT, DIST, EVIDENCE, TEMPORARY, Place, mounted

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout

FILLING = """
@pytest.mark.required
def test_fits(odd):
    \"""It fits.\"""
    odd("fill")
"""
MISSING_TOOL = """
from harness.errors import TestbedError


@pytest.mark.required
def test_needs_a_tool(odd):
    \"""It needs a tool.\"""
    raise TestbedError("the tool is missing", hint="install it")
"""
SPOILING = """
@pytest.mark.required
def test_spoils():
    \"""It spoils its own evidence.\"""
    os.mkdir("evidence/verdict.json")
"""


@pytest.mark.parametrize(
    ("size", "workers"),
    [("4k", ()), ("4k", ("-n", "2")), ("400k", ()), ("30m", ()), ("30m", ("-n", "2"))],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_a_disk_that_is_full_is_no_fault_of_the_release(
    checkout: Checkout, size: str, workers: tuple[str, ...], rung: str
) -> None:
    checkout.rung = rung
    checkout.add_cases(FILLING)
    run = checkout.smoke_on_small_disk(size, *workers)

    assert_ended(run, checkout, "testbed-fault", 7, "disk is full|No space left on device")
    assert run.outcomes.get("fits", "not-run") == "not-run"


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_a_disk_without_inodes_is_no_fault_of_the_release(checkout: Checkout, rung: str) -> None:
    run = checkout.smoke_on_small_disk("30m,nr_inodes=40", "--isolation", rung)

    assert_ended(run, checkout, "testbed-fault", 7, "disk is full|No space left on device")


@pytest.mark.parametrize("rung", ["processes", "kernel"])
@pytest.mark.parametrize("place", [CACHE, TEMPORARY, EVIDENCE, DEFAULT, DIST, CHECKOUT], ids=str)
def test_a_place_that_is_read_only_is_named(checkout: Checkout, place: Place, rung: str) -> None:
    directory, words = place.prepare(checkout)
    before = sorted(directory.rglob("*"))
    run = checkout.finish(checkout.start(*words, "--isolation", rung, before=mounted(directory, "ro")))

    place.assert_told(run, "Read-only file system")
    assert set(before) <= set(directory.rglob("*"))
    assert checkout.left_behind == []


@pytest.mark.parametrize("rung", ["processes", "kernel"])
@pytest.mark.parametrize("name", ["cache", "evidence", "dist"])
def test_a_place_without_inodes_is_no_fault_of_the_release(checkout: Checkout, name: str, rung: str) -> None:
    place = Place(name=name, exit_code=7, line="(No space left on device|disk.* is full)")
    directory, words = place.prepare(checkout)
    before = mounted(directory, "size=30m,nr_inodes=2")
    run = checkout.finish(checkout.start(*words, "--isolation", rung, before=before))

    place.assert_told(run, "")
    assert checkout.left_behind == []


def test_a_full_disk_beneath_the_evidence(checkout: Checkout) -> None:
    run = checkout.smoke_on_small_disk("4k", "--evidence", checkout.temporary / "evidence")

    assert run.exit_code == 7, run.output
    assert len(run.lines("reason:    ")) == 1
    assert_orderly(run)


@pytest.fixture
def silent_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers where packages should come from."""
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("silent_index")
def test_an_index_that_is_silent_is_no_fault_of_the_release(checkout: Checkout) -> None:
    wheel = pack_odd_wheel(checkout.wheel, "Requires-Dist: odd-dependency-that-nobody-released==1.0")
    run = checkout.run("smoke", "--artifact", wheel)

    assert_ended(run, checkout, "testbed-fault", 7, "the package index does not deliver: .*Connection refused")
    assert set(run.outcomes.values()) == {"not-run"}


@pytest.mark.parametrize(
    ("installer", "fault", "complaint", "rung"),
    [
        ("uv", "one byte changed", "'part==1.0': Bad CRC", "kernel"),
        ("pip", "half of it", r"'http://\S+/part-1\.0-py3-none-any\.whl': .*not enough bytes", "processes"),
    ],
)
def test_an_index_that_does_not_deliver_is_no_fault_of_the_release(  # noqa: PLR0913, PLR0917  (one outage)
    checkout: Checkout, tmp_path: Path, installer: str, fault: str, complaint: str, rung: str
) -> None:
    wheel = pack_odd_wheel(checkout.wheel, "Requires-Dist: part==1.0")
    (tmp_path / "market").mkdir()
    with open_market(tmp_path / "market", {}) as market:
        checkout.settings |= market.settings
        market.relay.fault, market.relay.spoils = fault, PART
        words = ("smoke", "--artifact", wheel, "--installer", installer, "--isolation", rung)
        run = checkout.run(*words)
        market.relay.fault = ""
        again = checkout.run(*words)

    assert_ended(run, checkout, "testbed-fault", 7, f"the package index does not deliver: {complaint}")
    assert set(run.outcomes.values()) == {"not-run"}
    assert (again.verdict, again.exit_code) == ("passed", 0), again.output


def test_a_tool_that_a_case_misses_is_no_fault_of_the_release(checkout: Checkout) -> None:
    checkout.add_cases(MISSING_TOOL)
    run = checkout.smoke("-n", "2")

    assert_ended(run, checkout, "testbed-fault", 7, "the tool is missing; hint: install it")
    assert run.outcomes["needs_a_tool"] == "not-run"


def test_a_verdict_that_cannot_be_written(checkout: Checkout) -> None:
    checkout.add_cases(SPOILING)
    run = checkout.smoke("--evidence", "evidence")

    assert run.exit_code == 7, run.output
    assert re.search("cannot write to '.*evidence': Is a directory", run.lines("reason:    ")[0])
    assert run.lines("verdict:   testbed-fault in ")
    assert_orderly(run)
    assert checkout.left_behind == []
