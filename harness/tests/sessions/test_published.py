"""Self-tests of whole sessions on published versions: downloaded, smoked as a file, and how it ends when that fails."""

from __future__ import annotations

import json
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from harness.tests.registries import Answer, Site, serve_wheels
from harness.tests.release.projects import SCRIPT, pack_odd, pack_wheel
from harness.tests.sessions.checkouts import CONTRACT, PROGRAM, REPOSITORY
from harness.tests.sessions.endings import assert_ended, assert_orderly, assert_refused
from harness.tests.sessions.test_series import document, packs
from harness.verdict.keys import write_pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.tests.registries import NpmRegistry
    from harness.tests.sessions.checkouts import Checkout, Run

KTX = REPOSITORY / "fixtures" / "ktx-npm"
MORE = '''
@pytest.mark.required
def test_somebody_else_built_it(preparation):
    """Nobody here built it."""
    assert preparation.was_given


@pytest.mark.required
def test_is_a_wheel(artifact):
    """It is a wheel."""
    assert artifact.kind == "wheel"
'''
TOGETHER = '''
@pytest.mark.required
def test_is_compared_with_what_was_smoked_before(artifact, preparation):
    """The sdist is known together with the wheel."""
    beside = [path.name for path in preparation.siblings]
    assert beside == ([] if artifact.kind == "wheel" else ["odd-1.0-py3-none-any.whl"])
'''
FOLLOWS = '''
@pytest.mark.required
@pytest.mark.opt_in("--previous")
def test_follows(previous, artifact):
    """It follows another release."""
    assert (previous.version, artifact.version) == ("0.9", "1.0")
    assert artifact.kind == "sdist"
'''


@pytest.fixture
def index(checkout: Checkout, tmp_path: Path) -> Iterator[str]:
    """An index that has the release of the checkout, as wheel and as sdist."""
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / checkout.wheel.name).write_bytes(checkout.wheel.read_bytes())
    pack_odd(packages, packs(checkout.wheel))
    with serve_wheels(packages) as address:
        yield f"{address}simple/"


def artifact_of(run: Run) -> dict[str, object]:
    """What the verdict says of the file."""
    artifact = run.document["artifact"]
    assert isinstance(artifact, dict)
    return artifact


@pytest.mark.usefixtures("on_each_rung")
def test_a_wheel_of_an_index_is_smoked_as_the_file_that_it_is(checkout: Checkout, index: str) -> None:
    checkout.add_cases(MORE)
    run = checkout.run("smoke", "--artifact", "pypi:odd==1.0", "--index", index, "-n", "2")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    artifact = artifact_of(run)
    assert artifact["reference"] == "pypi:odd==1.0"
    assert checkout.directory / str(artifact["file"]) == run.evidence / "downloaded" / checkout.wheel.name
    assert (run.evidence / "downloaded" / checkout.wheel.name).read_bytes() == checkout.wheel.read_bytes()
    assert run.lines("smoke: ") == ["smoke: pypi:odd==1.0"]
    assert [re.sub(r"[\d.]+ s", "", line) for line in run.lines("download: ")] == ["download:  ... "]
    assert "Saved" in (run.evidence / "download.log").read_text()
    assert not (checkout.directory / "dist").exists()
    assert checkout.left_behind == []


def test_what_a_tag_of_npm_points_to_is_smoked(
    ktx_checkout: Checkout, npm_registry: NpmRegistry, tmp_path: Path
) -> None:
    npm_registry.publish(KTX, tag="next")
    contract = ("--contract", KTX / "contract.toml")
    key = tmp_path / "release.key"
    write_pair(key)
    run = ktx_checkout.run(
        *("smoke", "--artifact", "npm:@kaelio/ktx@next", "--index", npm_registry.address, *contract),
        *("--sign-key", key, "--invocation", "npx"),
    )

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    artifact = artifact_of(run)
    assert (artifact["reference"], artifact["kind"]) == ("npm:@kaelio/ktx@next", "npm")
    assert (artifact["name"], artifact["version"]) == ("@kaelio/ktx", "0.1.0")
    assert run.lines("called by: ") == ["called by: npx"]
    downloaded = sorted(path.name for path in (run.evidence / "downloaded").iterdir())
    assert downloaded == ["kaelio-ktx-0.1.0.tgz", "kaelio-ktx-0.1.0.tgz.intoto.jsonl"]
    assert ktx_checkout.left_behind == []


def test_a_wheel_of_an_index_can_be_called_as_a_module(checkout: Checkout, tmp_path: Path) -> None:
    contract = checkout.directory / "smoke" / "contracts" / "odd-1.toml"
    contract.write_text(CONTRACT + '\n[features]\npython_module = "odd"\n', encoding="utf-8")
    (tmp_path / "packages").mkdir()
    main = {"odd/__init__.py": PROGRAM, "odd/__main__.py": "import sys\nfrom odd import main\nsys.exit(main())\n"}
    pack_wheel(tmp_path / "packages" / checkout.wheel.name, {**SCRIPT, **main})
    with serve_wheels(tmp_path / "packages") as address:
        index = ("--index", f"{address}simple/")
        run = checkout.run("smoke", "--artifact", "pypi:odd==1.0", *index, "--invocation", "module")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert run.lines("called by: ") == ["called by: module"]


def test_both_files_of_a_version_are_one_release(checkout: Checkout, index: str) -> None:
    checkout.add_cases(TOGETHER)
    run = checkout.run("smoke", "--artifact", "pypi:odd==1.0", "--index", index, "--build", "both")

    assert run.exit_code == 0, run.output
    artifacts = [document(run, name)["artifact"] for name in ("wheel", "sdist")]
    assert [isinstance(artifact, dict) and artifact["kind"] for artifact in artifacts] == ["wheel", "sdist"]
    assert (run.evidence / "wheel" / "downloaded" / "odd-1.0-py3-none-any.whl").is_file()
    assert (run.evidence / "sdist" / "downloaded" / "odd-1.0.tar.gz").is_file()
    assert checkout.left_behind == []


def test_the_release_before_can_be_a_published_one(checkout: Checkout, index: str, tmp_path: Path) -> None:
    checkout.add_cases(FOLLOWS)
    packages = tmp_path / "packages"
    older = pack_wheel(packages / "odd-0.9-py3-none-any.whl", headers=("Name: odd", "Version: 0.9"))
    run = checkout.smoke("--previous", "pypi:odd==0.9", "--index", index)

    assert run.outcomes["follows"] == "failed", run.output
    assert "instead: assert 'wheel' == 'sdist'" in run.output
    assert (run.evidence / "downloaded" / "previous" / older.name).read_bytes() == older.read_bytes()
    (replay,) = run.lines("replay: ")
    assert replay.endswith(f"--artifact {checkout.wheel} --installer uv --previous pypi:odd==0.9 --index {index}")


def test_a_release_before_that_does_not_exist_says_nothing_about_this_one(checkout: Checkout, index: str) -> None:
    checkout.add_cases(FOLLOWS)
    run = checkout.smoke("--previous", "pypi:odd==0.8", "--index", index, "--wait", "1", "-n", "2")

    complaint = f"the previous release cannot be had: there is no 'pypi:odd==0.8' on '{index}'"
    assert_ended(run, checkout, "testbed-fault", 7, complaint)


def test_a_replay_names_the_file(checkout: Checkout, index: str) -> None:
    checkout.add_cases(MORE.replace('== "wheel"', '== "sdist"'))
    run = checkout.run("smoke", "--artifact", "pypi:odd==1.0", "--index", index)

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    (replay,) = run.lines("replay: ")
    assert f" --artifact {run.evidence / 'downloaded' / checkout.wheel.name} --installer uv" in replay
    assert "--index" not in replay


@pytest.mark.parametrize("wait", ["0", "1"])
def test_a_version_that_does_not_exist_is_a_mistake_of_the_user(checkout: Checkout, index: str, wait: str) -> None:
    run = checkout.run("smoke", "--artifact", "pypi:odd==2.0", "--index", index, "--wait", wait)

    waited = ", 1 s were waited for it" if wait == "1" else ""
    assert_ended(run, checkout, "usage-error", 4, f"there is no 'pypi:odd==2.0' on '{index}'{waited}$")
    assert artifact_of(run)["reference"] == "pypi:odd==2.0"
    assert set(run.outcomes.values()) == {"not-run"}


@pytest.mark.parametrize("reference", ["pypi:odd==1.0", "npm:odd"])
def test_a_registry_that_is_out_of_order_is_no_fault_of_the_release(
    checkout: Checkout, site: Site, reference: str
) -> None:
    site.always = Answer(status=503)
    run = checkout.run("smoke", "--artifact", reference, "--index", site.address, "--wait", "600")

    assert_ended(run, checkout, "testbed-fault", 7, f"'{reference}.*' cannot be had from the .*: .*503")
    assert set(run.outcomes.values()) == {"not-run"}


def test_a_published_sdist_that_does_not_build_is_unusable(checkout: Checkout, index: str, tmp_path: Path) -> None:
    sdist = pack_odd(tmp_path / "other", 'raise RuntimeError("no parts left")')
    sdist.replace(tmp_path / "packages" / sdist.name)
    run = checkout.run("smoke", "--artifact", "pypi:odd==1.0", "--index", index, "--build", "sdist")

    assert_ended(run, checkout, "unusable", 6, "the artifact does not install: RuntimeError: no parts left")
    assert run.outcomes["installs"] == "failed"


def test_an_interrupt_ends_the_waiting(checkout: Checkout, index: str) -> None:
    process = checkout.start("smoke", "--artifact", "pypi:odd==2.0", "--index", index, "--wait", "600")
    log = checkout.directory / ".smoke"
    deadline = time.monotonic() + 100
    while not any("No matching" in path.read_text() for path in log.glob("*/download.log")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    run = checkout.finish(process)

    assert (run.verdict, run.exit_code) == ("interrupted", 2), run.output
    assert checkout.left_behind == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("pipy:odd==1.0",), "there is no registry 'pipy:'; hint: did you mean 'pypi:odd==1.0'"),
        (("pypi:odd",), "'pypi:odd' names no published version; it must be like pypi:NAME==VERSION"),
        (("npm:odd@^1",), r"'npm:odd@\^1' names no published version; it must be like npm:NAME@VERSION or"),
        (("npm:odd", "--build", "both"), "--build is of Python packages, 'npm:odd@latest' is one of npm"),
        (("npm:odd", "--wait", "-1"), "--wait takes a number of seconds from 0 on, got '-1'"),
        (("npm:odd", "--wait", "inf"), "--wait takes a number of seconds from 0 on, got 'inf'"),
        (("npm:odd", "--index", "mine"), "--index takes the address of a registry .*, got 'mine'"),
        (("conftest.py", "--index", "http://host/"), "--index is for a published version, and 'conftest.py' is none"),
        (("conftest.py", "--wait", "1"), "--wait is for a published version, and 'conftest.py' is none"),
        (("pypi:odd==1.0", "--previous", "pypi:odd"), "'pypi:odd' names no published version"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_reference_or_option_that_makes_no_sense(
    checkout: Checkout, arguments: tuple[str, ...], complaint: str
) -> None:
    run = checkout.run("smoke", "--artifact", *arguments)

    assert_refused(run, checkout, complaint)
    assert run.verdict == "usage-error"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--artifact", "pypi:odd==2.0"), "'pypi:odd==1.0' stands alone: .*; hint: --build both smokes its wheel"),
        (("--artifact", "odd.whl"), "'pypi:odd==1.0' stands alone"),
        (("--python", "all"), "which Pythons 'pypi:odd==1.0' admits is not known before it is downloaded; hint: smoke"),
    ],
    ids=["two versions", "a version and a file", "every Python"],
)
def test_a_published_version_is_a_release_of_its_own(
    checkout: Checkout, arguments: tuple[str, ...], complaint: str
) -> None:
    run = checkout.run("smoke", "--artifact", "pypi:odd==1.0", *arguments)

    assert_refused(run, checkout, complaint)
    assert run.verdict == "usage-error"


@pytest.mark.parametrize(
    ("credentials", "version", "verdict"),
    [
        ("somebody:canary-1", "1.0", "passed"),
        ("somebody:canary-1", "2.0", "usage-error"),
        ("somebody:another", "1.0", "testbed-fault"),
    ],
    ids=["good", "no such version", "refused"],
)
def test_credentials_of_the_address_are_nowhere_written(
    checkout: Checkout, site: Site, credentials: str, version: str, verdict: str
) -> None:
    site.credentials = credentials
    site.offer_to_pip(checkout.wheel)
    index = site.address.replace("//", "//somebody:canary-1@") + "simple/"
    run = checkout.run("smoke", "--artifact", f"pypi:odd=={version}", "--index", index, "-rA", "-vv", "-n", "1")

    texts = {path.name: path.read_text(encoding="utf-8") for path in run.evidence.iterdir() if path.is_file()}
    texts["terminal"] = run.output
    assert run.verdict == verdict, run.output
    assert [name for name, text in texts.items() if "canary" in text] == []
    assert "download.log" in texts
    assert json.loads(texts["verdict.json"])["artifact"]["reference"] == f"pypi:odd=={version}"
    assert_orderly(run)
