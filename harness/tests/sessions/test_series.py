"""Self-tests of releases of several files: a session each, and one exit code."""

from __future__ import annotations

import base64
import json
import os
import platform
import re
import sys
from typing import TYPE_CHECKING

import pytest

from harness.tests.release.projects import git, pack_odd, pack_sdist, write_odd
from harness.tests.sessions.checkouts import pack_odd_wheel
from harness.tests.sessions.pipes import await_writer
from harness.tests.sessions.test_interruptions import WAITS, interrupt_as_terminal, terminate

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout, Run

KIND = '''
@pytest.mark.required
def test_is_a_wheel(artifact):
    """It is a wheel."""
    assert artifact.kind == "wheel"
'''
TOGETHER = '''
@pytest.mark.required
def test_has_its_release_beside_it(artifact, preparation):
    """The other file of the release is known."""
    assert [path.name for path in preparation.siblings] in (["odd-1.0.tar.gz"], ["odd-1.0-py3-none-any.whl"])
    assert artifact.path not in preparation.siblings
    assert preparation.manifest is None or preparation.manifest.mismatches() == ()
'''


def packs(wheel: Path) -> str:
    """What a build backend does to make a wheel of these bytes."""
    text = base64.b64encode(wheel.read_bytes()).decode()
    return (
        f'name = "odd-1.0-py3-none-any.whl"; import base64; '
        f'open(os.path.join(directory, name), "wb").write(base64.b64decode("{text}")); return name'
    )


@pytest.fixture
def source(checkout: Checkout, tmp_path: Path) -> Path:
    """A source of the release that the checkout smokes."""
    return write_odd(tmp_path / "source", packs(checkout.wheel))


@pytest.fixture
def sdist(checkout: Checkout, tmp_path: Path) -> Path:
    """Its sdist."""
    return pack_odd(tmp_path, packs(checkout.wheel))


def document(run: Run, name: str) -> dict[str, object]:
    """The verdict on one of the files."""
    found = json.loads((run.evidence / name / "verdict.json").read_text())
    assert isinstance(found, dict)
    return found


def test_both_files_of_a_source_are_smoked_and_built_once(checkout: Checkout, source: Path) -> None:
    checkout.add_cases(TOGETHER)
    run = checkout.run("smoke", "--artifact", source, "--build", "both")

    wheel, of_sdist = document(run, "wheel"), document(run, "sdist")
    assert run.exit_code == 0, run.output
    assert (wheel["verdict"], of_sdist["verdict"]) == ("passed", "passed"), run.output
    artifacts = [wheel["artifact"], of_sdist["artifact"]]
    assert [isinstance(artifact, dict) and artifact["kind"] for artifact in artifacts] == ["wheel", "sdist"]
    assert (run.evidence / "wheel" / "build.log").is_file()
    assert not (run.evidence / "sdist" / "build.log").exists()
    assert run.output.splitlines()[-1].startswith("verdict:   passed in ")
    python = f" on Python {platform.python_version()}"
    assert run.output.splitlines()[-5:-2] == [
        "release:   2 sessions",
        f"  passed         dist/odd-1.0-py3-none-any.whl{python}",
        f"  passed         dist/odd-1.0.tar.gz{python}",
    ]
    assert checkout.left_behind == []


def test_the_worst_file_counts(checkout: Checkout, sdist: Path) -> None:
    checkout.add_cases(KIND + TOGETHER)
    run = checkout.smoke("--artifact", sdist)

    assert run.exit_code == 1, run.output
    assert document(run, "1-wheel")["verdict"] == "passed"
    assert document(run, "2-sdist")["verdict"] == "failed"
    assert run.output.splitlines()[-1].startswith("verdict:   failed in ")


def test_a_source_that_does_not_build_has_one_verdict(checkout: Checkout, tmp_path: Path) -> None:
    source = write_odd(tmp_path / "source", 'raise RuntimeError("no compiler here")')
    run = checkout.run("smoke", "--artifact", source, "--build", "both")

    assert run.exit_code == 6, run.output
    assert document(run, "wheel")["verdict"] == "unusable"
    assert not (run.evidence / "sdist").exists()
    assert run.output.splitlines()[-1].startswith("verdict:   unusable in ")


def test_both_of_a_file_is_that_file(checkout: Checkout) -> None:
    run = checkout.smoke("--build", "both")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output


def test_a_built_file_knows_its_source_until_it_changes(checkout: Checkout, source: Path) -> None:
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "all of it")):
        git(source, *command)
    from_source = checkout.run("smoke", "--artifact", source)
    built = checkout.directory / "dist" / "odd-1.0-py3-none-any.whl"
    as_built = checkout.run("smoke", "--artifact", built)
    pack_odd_wheel(built, "Summary: built again")
    built_again = checkout.run("smoke", "--artifact", built)

    revisions = [revision_of(run) for run in (from_source, as_built, built_again)]
    assert revisions == [revisions[0], revisions[0], None]
    assert re.fullmatch("[0-9a-f]{40}", str(revisions[0]))


def revision_of(run: Run) -> object:
    """The source revision in a verdict."""
    artifact = run.document["artifact"]
    assert isinstance(artifact, dict)
    return artifact["source_revision"]


@pytest.mark.parametrize(("name", "version"), [("odd", "2.0"), ("even", "1.0")])
def test_files_of_two_releases_are_refused(checkout: Checkout, tmp_path: Path, name: str, version: str) -> None:
    headers = f"Name: {name}\nVersion: {version}\n"
    other = pack_sdist(tmp_path / f"{name}-{version}.tar.gz", headers=headers)
    run = checkout.smoke("--artifact", other)

    assert (run.verdict, run.exit_code) == ("usage-error", 4), run.output
    complaint = rf"files of one release: '.*' is 'odd' 1\.0, '.*' is '{name}' {version}"
    assert re.search(complaint, str(run.document["reason"])), run.output
    assert checkout.left_behind == []


def test_every_python_that_the_release_admits_is_tried(checkout: Checkout, tmp_path: Path) -> None:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    (tmp_path / "only").mkdir()
    wheel = pack_odd_wheel(tmp_path / "only" / "odd-1.0-py3-none-any.whl", f"Requires-Python: =={running}.*")
    run = checkout.run("smoke", "--artifact", wheel, "--python", "all")

    assert run.exit_code == 0, run.output
    assert [path.name for path in run.evidence.iterdir()] == [f"wheel-python-{running}"]
    assert document(run, f"wheel-python-{running}")["verdict"] == "passed"


def test_a_source_is_built_once_for_every_python(checkout: Checkout, source: Path) -> None:
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    with (source / "pyproject.toml").open("a") as project:
        project.write(f'\n[project]\nname = "odd"\nversion = "1.0"\nrequires-python = "=={running}.*"\n')
    run = checkout.run("smoke", "--artifact", source, "--build", "both", "--python", "all")

    assert run.exit_code == 0, run.output
    names = [f"sdist-python-{running}", f"wheel-python-{running}"]
    assert sorted(path.name for path in run.evidence.iterdir()) == names
    assert [path.parent.name for path in run.evidence.rglob("build.log")] == [names[1]]


def test_a_release_that_admits_no_python_here_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    wheel = pack_odd_wheel(tmp_path / "none" / "odd-1.0-py3-none-any.whl", "Requires-Python: <3")
    run = checkout.run("smoke", "--artifact", wheel, "--python", "all")

    assert (run.verdict, run.exit_code) == ("usage-error", 4), run.output
    assert "--python all finds none of no version" in str(run.document["reason"])


def test_a_report_for_both_has_no_place(checkout: Checkout, source: Path) -> None:
    run = checkout.run("smoke", "--artifact", source, "--build", "both", "--junitxml", "report.xml")

    assert (run.verdict, run.exit_code) == ("usage-error", 4), run.output
    assert "--junitxml names one file" in str(run.document["reason"])


def test_the_same_file_twice_is_refused(checkout: Checkout) -> None:
    run = checkout.smoke("--artifact", checkout.wheel)

    assert (run.verdict, run.exit_code) == ("usage-error", 4), run.output
    assert "--artifact names the same file twice" in str(run.document["reason"])


def test_an_old_verdict_is_not_taken_for_a_new_one(checkout: Checkout, sdist: Path) -> None:
    evidence = checkout.directory / "evidence"
    old = evidence / "2-sdist" / "verdict.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    checkout.add_cases(KIND)
    run = checkout.smoke("--artifact", sdist, "--evidence", evidence)

    assert run.exit_code == 1, run.output
    assert json.loads(old.read_text())["verdict"] == "failed"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("interrupt", [interrupt_as_terminal, terminate])
def test_an_interrupt_ends_the_session_that_runs_and_those_to_come(
    checkout: Checkout, sdist: Path, tmp_path: Path, interrupt: object
) -> None:
    assert callable(interrupt)
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    checkout.add_cases(WAITS.format(begun=str(begun)))
    process = checkout.start("smoke", "--artifact", checkout.wheel, "--artifact", sdist, "-p", "no:randomly")
    await_writer(begun)
    interrupt(process)
    run = checkout.finish(process)

    assert run.exit_code == 2, run.output
    assert document(run, "1-wheel")["verdict"] == "interrupted"
    assert not (run.evidence / "2-sdist").exists()
    assert run.output.splitlines()[-1].startswith("verdict:   interrupted in "), run.output
    assert checkout.left_behind == []
