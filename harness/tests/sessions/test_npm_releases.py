"""Self-tests of whole sessions on packages of npm: what passes, and how bad input ends."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from harness.tests.release.npmpackages import pack_package, write_package
from harness.tests.sessions.checkouts import REPOSITORY
from harness.tests.sessions.endings import assert_ended, assert_refused

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout

KTX = REPOSITORY / "fixtures" / "ktx-npm"
CONTRACT = ("--contract", KTX / "contract.toml")


def test_a_source_is_packed_smoked_and_passes_on_what_its_contract_has(ktx_checkout: Checkout) -> None:
    run = ktx_checkout.run("smoke", "--artifact", KTX, *CONTRACT, "-n", "2")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert run.outcomes == {
        "builds": "passed",
        "prunes": "passed",
        "tells_its_status": "passed",
        "installs_a_runtime": "not-applicable",
    }
    said = " ".join(run.stdout.split())
    assert "not applicable: installs_a_runtime: the contract 'contract' has no 'install'" in said
    assert "not applicable: tells_its_status: 1 of 2 cases do not apply: the contract 'contract' has no 'start'" in said
    header = r"^installer: npm \d+\.\d+\.\d+\ncalled by: console\nruns on:   Node \d+\.\d+\.\d+$"
    assert re.search(header, run.stdout, re.MULTILINE)
    assert ktx_checkout.left_behind == []
    dist = ktx_checkout.directory / "dist"
    assert sorted(path.name for path in dist.iterdir()) == ["kaelio-ktx-0.1.0.tgz", "release-manifest.json"]
    [entry] = json.loads((dist / "release-manifest.json").read_text())["artifacts"]
    assert (entry["file"], entry["kind"], entry["name"]) == ("kaelio-ktx-0.1.0.tgz", "npm", "@kaelio/ktx")


def test_a_package_that_breaks_a_promise_fails(ktx_checkout: Checkout, tmp_path: Path) -> None:
    program = '#!/usr/bin/env node\nconsole.log("@kaelio/ktx 0.1.0");\n'
    path = pack_package(tmp_path / "ktx.tgz", {"odd.js": program}, name="@kaelio/ktx", bin={"ktx": "odd.js"})
    run = ktx_checkout.run("smoke", "--artifact", path, *CONTRACT, "--node", "20")

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert run.outcomes["prunes"] == "failed"
    [replay] = {line for line in run.lines("replay: ") if "test_prunes" in line}
    assert "--node 20" in replay
    assert "--installer" not in replay


def junk(place: Path) -> Path:
    (place / "odd-1.0.0.tgz").write_bytes(b"junk" * 99)
    return place / "odd-1.0.0.tgz"


def another_program(place: Path) -> Path:
    return pack_package(place / "odd-1.0.0.tgz", bin={"even": "odd.js"})


def program_is_forgotten(place: Path) -> Path:
    return pack_package(place / "odd-1.0.0.tgz", bin={"odd": "nowhere.js"})


def node_of_the_future(place: Path) -> Path:
    return pack_package(place / "odd-1.0.0.tgz", engines={"node": ">=99"})


def failing_script(place: Path) -> Path:
    return pack_package(place / "odd-1.0.0.tgz", scripts={"postinstall": "echo no parts left; exit 3"})


def failing_source(place: Path) -> Path:
    return write_package(place / "source", scripts={"prepare": "echo no parts left >&2; exit 3"})


def failing_program(place: Path) -> Path:
    return pack_package(place / "odd-1.0.0.tgz", {"odd.js": "#!/usr/bin/env node\nthrow new Error('broken');\n"})


@pytest.mark.parametrize(
    ("make", "stage", "complaint"),
    [
        (junk, "installs", "'odd-1.0.0.tgz' is not an npm package or is damaged"),
        (another_program, "installs", "the artifact has no 'odd' script; it offers 'even'"),
        (program_is_forgotten, "installs", "the artifact has no 'odd' script; it offers none"),
        (node_of_the_future, "installs", "the artifact does not install: it requires Node >=99, which cannot be had"),
        (failing_script, "installs", "the artifact does not install: no parts left"),
        (failing_source, "builds", "the source does not build: command sh -c echo no parts left"),
        (failing_program, "starts", "'odd --version' does not start: exit code 1"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_package_that_cannot_be_used(checkout: Checkout, make: object, stage: str, complaint: str) -> None:
    assert callable(make)
    run = checkout.run("smoke", "--artifact", make(checkout.directory))

    assert_ended(run, checkout, "unusable", 6, complaint)
    assert run.outcomes[stage] == "failed"
    assert run.outcomes["says_its_version"] == "not-run"


def test_a_node_that_does_not_exist_is_a_mistake_of_the_user(checkout: Checkout) -> None:
    run = checkout.run("smoke", "--artifact", pack_package(checkout.directory / "odd.tgz"), "--node", "99")

    assert_ended(run, checkout, "usage-error", 4, "there is no Node '99' to be had")


def test_both_builds_are_not_of_npm(checkout: Checkout) -> None:
    source = write_package(checkout.directory / "source")
    run = checkout.run("smoke", "--artifact", source, "--build", "both")

    assert_refused(run, checkout, "--build is of Python packages, '.*source' is one of npm")


def test_a_registry_that_is_silent_is_no_fault_of_the_release(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    path = pack_package(checkout.directory / "odd.tgz", dependencies={"odd-dependency-that-nobody-released": "1.0.0"})
    run = checkout.run("smoke", "--artifact", path)

    assert_ended(run, checkout, "testbed-fault", 7, "the npm registry does not deliver: ECONNREFUSED")
    assert set(run.outcomes.values()) == {"not-run"}
