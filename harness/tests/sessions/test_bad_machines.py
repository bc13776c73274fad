"""Self-tests of machines that fail a run: a full disk, a silent index, a missing tool say nothing about the release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.tests.sessions.checkouts import pack_odd_wheel
from harness.tests.sessions.endings import assert_ended, assert_orderly

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout

FILLING = """
@pytest.mark.required
def test_fits(odd):
    \"""It fits.\"""
    odd("fill")
"""
READ_ONLY = 'mount --bind "$UV_CACHE_DIR" "$UV_CACHE_DIR" && mount -o remount,bind,ro "$UV_CACHE_DIR" && exec "$@"'
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
def test_a_cache_that_is_read_only_is_no_fault_of_the_release(checkout: Checkout, rung: str) -> None:
    cache = checkout.directory.parent / "cache"
    cache.mkdir()
    checkout.settings["UV_CACHE_DIR"] = str(cache)
    before = ("unshare", "--map-root-user", "--mount", "/bin/sh", "-c", READ_ONLY, "sh")
    words = ("smoke", "--artifact", checkout.wheel, "--isolation", rung)
    run = checkout.finish(checkout.start(*words, before=before))

    assert_ended(run, checkout, "testbed-fault", 7, "the cache '.*cache' cannot be written: '.*cache' is read-only")


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
