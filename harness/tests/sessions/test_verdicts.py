"""Self-tests of whole sessions: each verdict with its exit code, and pytest's own options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.tests.sessions.checkouts import pack_odd_wheel

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout

BROKEN = '''
@pytest.mark.required
def test_keeps_a_promise(odd):
    """It keeps what it promises."""
    assert odd("--version").stdout == "odd 2.0\\n"
'''
IMPOLITE = '''
@pytest.mark.advisory
def test_is_polite(odd):
    """It greets."""
    assert "hello" in odd("--version").stdout
'''
FATAL = '''
@pytest.mark.required
def test_kills_its_worker(odd):
    """It does no harm."""
    odd("--version")
    os.kill(os.getpid(), signal.SIGKILL)
'''
NOT_OURS = '''
@pytest.mark.required
@pytest.mark.needs("teleport")
def test_teleports(odd):
    """It teleports."""
    odd("teleport")
'''
OPT_IN = '''
@pytest.mark.required
@pytest.mark.opt_in("--expect-version")
def test_is_what_was_expected(odd, settings):
    """It says the version that was expected."""
    assert settings.expect_version in odd("--version").stdout
'''


def test_a_release_that_keeps_its_promises_passes(checkout: Checkout) -> None:
    run = checkout.smoke()

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert run.output.splitlines()[-1].startswith("verdict:   passed in ")
    assert set(run.outcomes.values()) == {"passed"}
    assert (run.evidence / "junit.xml").is_file()
    assert (run.evidence / "install.log").is_file()
    assert checkout.left_behind == []


def test_a_promise_that_the_version_does_not_make_is_not_applicable(checkout: Checkout) -> None:
    checkout.add_cases(NOT_OURS)
    run = checkout.smoke()

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert run.outcomes["teleports"] == "not-applicable"
    assert "teleports: the contract 'odd-1' has no 'teleport'" in run.stdout


@pytest.mark.parametrize(("options", "exit_code"), [((), 0), (("--strict",), 1)], ids=["lenient", "strict"])
def test_a_broken_advice_warns(checkout: Checkout, options: tuple[str, ...], exit_code: int) -> None:
    checkout.add_cases(IMPOLITE)
    run = checkout.smoke(*options)

    assert (run.verdict, run.exit_code) == ("warned", exit_code), run.output
    assert "What whoever tags this should know:\n  is_polite: It greets." in run.stdout


@pytest.mark.parametrize("options", [(), ("-x",), ("-n", "2"), ("-p", "no:randomly")], ids=" ".join)
def test_a_broken_promise_fails(checkout: Checkout, options: tuple[str, ...]) -> None:
    checkout.add_cases(BROKEN)
    run = checkout.smoke(*options)

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert "Broken promises:\n  keeps_a_promise: It keeps what it promises." in run.stdout
    assert run.output.splitlines()[-1].startswith("verdict:   failed in ")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_selection_is_incomplete(checkout: Checkout, workers: tuple[str, ...]) -> None:
    run = checkout.smoke("-k", "says_its_version", *workers)

    assert (run.verdict, run.exit_code) == ("incomplete", 0), run.output
    assert run.outcomes["says_its_version"] == "passed"
    assert run.outcomes["starts"] == "not-selected"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_nothing_tested_is_not_green(checkout: Checkout, workers: tuple[str, ...]) -> None:
    run = checkout.smoke("-k", "no_such_case", *workers)

    assert (run.verdict, run.exit_code) == ("nothing-tested", 5), run.output
    assert checkout.left_behind == []


def test_the_last_failed_run_again(checkout: Checkout) -> None:
    checkout.add_cases(BROKEN)
    checkout.smoke()
    run = checkout.smoke("--lf")

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert run.outcomes["keeps_a_promise"] == "failed"
    assert run.outcomes["says_its_version"] == "not-selected"


def test_a_command_that_does_not_start_is_unusable(checkout: Checkout) -> None:
    program = 'import sys\n\ndef main():\n    sys.exit("cannot start")\n'
    pack_odd_wheel(checkout.wheel, program=program)
    run = checkout.smoke()

    assert (run.verdict, run.exit_code) == ("unusable", 6), run.output
    assert run.lines("reason:") == ["reason:    'odd --version' does not start: exit code 1"]
    assert "cannot start" in run.stdout
    assert run.outcomes == {
        "builds": "passed",
        "installs": "passed",
        "starts": "failed",
        "says_its_version": "not-run",
    }
    assert checkout.left_behind == []


def test_a_dead_worker_says_nothing_about_the_release(checkout: Checkout) -> None:
    checkout.add_cases(FATAL)
    run = checkout.smoke("-n", "2")

    assert (run.verdict, run.exit_code) == ("testbed-fault", 7), run.output
    assert run.outcomes["kills_its_worker"] == "not-run"
    assert run.outcomes["says_its_version"] == "passed"
    assert checkout.left_behind == []


@pytest.mark.parametrize(
    ("options", "outcome", "exit_code"),
    [((), "not-selected", 0), (("--expect-version", "1.0"), "passed", 0), (("--expect-version", "3"), "failed", 1)],
    ids=["absent", "met", "missed"],
)
def test_an_expected_version(checkout: Checkout, options: tuple[str, ...], outcome: str, exit_code: int) -> None:
    checkout.add_cases(OPT_IN)
    run = checkout.smoke(*options)

    assert run.outcomes["is_what_was_expected"] == outcome, run.output
    assert (run.verdict, run.exit_code) == ("failed" if exit_code else "passed", exit_code)


@pytest.mark.parametrize("option", ["--collect-only", "--fixtures", "--markers", "--setup-plan"])
def test_looking_leaves_no_trace(checkout: Checkout, option: str) -> None:
    run = checkout.smoke(option)

    assert run.exit_code == 0, run.output
    assert not (checkout.directory / ".smoke").exists()
    assert not (checkout.directory / "dist").exists()
    assert checkout.left_behind == []


def test_collecting_lists_the_clauses(checkout: Checkout) -> None:
    run = checkout.smoke("--collect-only", "-q", "-p", "no:randomly")

    assert run.stdout.startswith("smoke/test_odd.py::test_builds\n")


def test_two_sessions_at_once_keep_apart(checkout: Checkout) -> None:
    checkout.add_cases(BROKEN)
    places = checkout.directory / "first", checkout.directory / "second"
    first = checkout.start("smoke", "--artifact", checkout.wheel, "--evidence", "first", "-k", "not promise")
    second = checkout.start("smoke", "--artifact", checkout.wheel, "--evidence", "second")
    runs = checkout.finish(first, places[0]), checkout.finish(second, places[1])

    assert [run.verdict for run in runs] == ["incomplete", "failed"], runs[0].output + runs[1].output


@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ("def test_nothing():\n    pass\n", "case 'test_nothing' needs one of the markers"),
        ("class TestAll:\n    def test_it(self):\n        pass\n", "'TestAll' in 'smoke.test_more' is a class"),
    ],
    ids=["no level", "class"],
)
def test_a_case_that_is_no_clause_is_refused(checkout: Checkout, case: str, complaint: str) -> None:
    checkout.add_cases(case)
    run = checkout.smoke()

    assert (run.verdict, run.exit_code) == ("usage-error", 4), run.output
    assert complaint in run.lines("ERROR: ")[0]


def test_a_test_elsewhere_is_no_smoke(checkout: Checkout) -> None:
    elsewhere = checkout.directory / "test_elsewhere.py"
    elsewhere.write_text("def test_truth():\n    assert True\n")
    run = checkout.run(elsewhere)

    assert run.exit_code == 0, run.output
    assert not (checkout.directory / ".smoke").exists()
