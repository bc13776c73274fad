"""Self-tests of whole sessions with a release before: which cases it brings, and whose fault it is when it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.options import DEFAULT_REFERENCE
from harness.tests.release.projects import pack_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout

CASES = '''
@pytest.mark.required
@pytest.mark.opt_in("--previous")
def test_follows(previous, artifact):
    """It follows another release."""
    assert (previous.name, previous.version, artifact.version) == ("odd", "0.9", "1.0")

'''


@pytest.fixture
def checkout(checkout: Checkout) -> Checkout:
    """A checkout with a case that needs a release before, and a directory where the default source would be."""
    checkout.add_cases(CASES)
    (checkout.directory / DEFAULT_REFERENCE).mkdir(parents=True)
    return checkout


def pack_release(directory: Path, version: str) -> Path:
    """The wheel of a release that nobody will install."""
    path = directory / f"odd-{version}-py3-none-any.whl"
    return pack_wheel(path, headers=("Name: odd", f"Version: {version}"))


@pytest.mark.parametrize(
    ("options", "collected"),
    [
        (("--artifact", f"smoke/../{DEFAULT_REFERENCE}"), 1),
        (("--artifact", "."), 0),
        (("--artifact", ".", "--previous", "smoke"), 1),
    ],
    ids=["default source by another name", "other source", "given"],
)
def test_the_cases_that_need_it_run_where_there_is_one(
    checkout: Checkout, options: tuple[str, ...], collected: int
) -> None:
    run = checkout.run("smoke", "--collect-only", "-q", *options)

    assert len(run.lines("smoke/test_more.py::")) == collected, run.output
    assert len(run.lines("smoke/test_odd.py::")) == 4


def test_the_default_source_brings_its_own(checkout: Checkout) -> None:
    present = checkout.run("smoke", "--collect-only", "-q")
    (checkout.directory / DEFAULT_REFERENCE).rmdir()
    absent = checkout.run("smoke", "--collect-only", "-q")

    assert len(present.lines("smoke/test_more.py::")) == 1, present.output
    assert absent.lines("smoke/test_more.py::") == []
    assert len(absent.lines("smoke/test_odd.py::")) == 4


def test_a_session_has_the_release_before(checkout: Checkout, tmp_path: Path) -> None:
    run = checkout.smoke("--previous", pack_release(tmp_path, "0.9"))

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert run.outcomes["follows"] == "passed"
    assert checkout.left_behind == []


def test_the_same_version_is_no_fault_of_the_release(checkout: Checkout) -> None:
    run = checkout.smoke("--previous", checkout.wheel)

    assert (run.verdict, run.exit_code) == ("testbed-fault", 7), run.output
    (line,) = run.lines("reason:")
    assert line.endswith("--previous must name another version of 'odd' than 1.0, it names 'odd' 1.0")
    assert (run.outcomes["follows"], run.outcomes["says_its_version"]) == ("not-run", "passed")
    assert checkout.left_behind == []


def test_where_nothing_can_be_smoked_it_is_not_asked_for(checkout: Checkout, tmp_path: Path) -> None:
    checkout.wheel.write_text("no archive\n")
    run = checkout.smoke("--previous", pack_release(tmp_path, "0.9"))

    assert (run.verdict, run.exit_code) == ("unusable", 6), run.output
    assert (run.outcomes["installs"], run.outcomes["follows"]) == ("failed", "not-run")
    assert checkout.left_behind == []
