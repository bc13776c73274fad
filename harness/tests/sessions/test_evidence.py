"""Self-tests of what whole sessions leave for people and machines, beyond the verdict itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast
from xml.etree import ElementTree as ET

import pexpect
import pytest

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout
    from harness.verdict.document import CaseFacts, Document

BROKEN = '''
@pytest.mark.required
def test_keeps_a_promise(odd):
    """It keeps what it promises, and says so: 100 %."""
    odd("write", "kept/file")
    assert odd("--version").stdout == "odd 2.0\\\\n"


@pytest.mark.advisory
@pytest.mark.parametrize("way", ["loud", "quiet"])
def test_is_polite(odd, way):
    """It greets."""
    assert way in odd("warn", "loud").stderr


@pytest.mark.required
@pytest.mark.needs("teleport")
def test_teleports(odd):
    """It teleports."""
'''
_OTHER_EACH_TIME = re.compile(r'"(started_at|started|seconds|worker|kept)": ("[^"]*"|[\d.]+|null)')


def document_of(checkout: Checkout, *options: str) -> Document:
    """What a session with these cases found out."""
    checkout.add_cases(BROKEN)
    return cast("Document", checkout.smoke(*options).document)


def case_of(document: Document, name: str) -> CaseFacts:
    """One of its cases."""
    return next(case for clause in document["clauses"] for case in clause["cases"] if case["id"] == name)


def test_the_same_run_gives_the_same_document_but_for_times_and_places(checkout: Checkout) -> None:
    options = ("--evidence", "evidence"), ("--evidence", "evidence", "-n", "2", "-p", "no:randomly")
    texts = []
    checkout.add_cases(BROKEN)
    for chosen in options:
        checkout.smoke(*chosen)
        texts.append((checkout.directory / "evidence" / "verdict.json").read_text(encoding="utf-8"))
    first, second = (_OTHER_EACH_TIME.sub(r'"\1": 0', text) for text in texts)

    assert first == second
    assert str(checkout.temporary) not in first


def test_a_command_has_its_tree_before_and_after(checkout: Checkout) -> None:
    write, version = case_of(document_of(checkout), "keeps_a_promise")["commands"]

    assert {"path": "root/kept/file", "kind": "file", "mark": "added"} in write["tree"]
    assert {"path": "root/kept/file", "kind": "file", "mark": "same"} in version["tree"]
    assert {"path": "bin", "kind": "directory", "mark": "same", "inside": 3} in version["tree"]
    assert write["argv"] == ["$SCRATCH/installation/bin/odd", "write", "kept/file"]


def test_a_failure_names_its_place_and_the_ways_on(checkout: Checkout) -> None:
    failure = case_of(document_of(checkout), "keeps_a_promise")["failure"]

    assert failure is not None
    lines = (checkout.directory / failure["file"]).read_text(encoding="utf-8").splitlines()
    assert lines[failure["line"] - 1].strip().startswith('assert odd("--version")')
    assert failure["promise"] == "keeps_a_promise"
    assert failure["replay"].startswith("python -m pytest smoke/test_more.py::test_keeps_a_promise --artifact ")


def test_a_kept_sandbox_runs_all_of_its_commands_again(checkout: Checkout) -> None:
    failure = case_of(document_of(checkout), "keeps_a_promise")["failure"]
    assert failure is not None
    assert failure["kept"] is not None
    again = subprocess.run([Path(failure["kept"]) / "replay.sh"], check=True, capture_output=True, text=True)

    assert [line for line in again.stdout.splitlines() if not line.startswith("$")] == [
        "exit code 0 (it was: exit code 0)",
        "odd 1.0",
        "exit code 0 (it was: exit code 0)",
    ]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_everything_has_its_time(checkout: Checkout, workers: tuple[str, ...]) -> None:
    document = document_of(checkout, *workers)
    cases = [case for clause in document["clauses"] for case in clause["cases"]]

    assert [stage["id"] for stage in document["stages"]] == ["builds", "installs", "starts"]
    ended = max(stage["started"] + stage["seconds"] for stage in document["stages"])
    assert all(ended <= case["started"] + 0.01 <= document["seconds"] for case in cases)
    assert {case["worker"] for case in cases} <= ({"gw0", "gw1"} if workers else {"main"})


def test_the_junit_report_has_promises_in_words(checkout: Checkout) -> None:
    checkout.add_cases(BROKEN)
    report = ET.parse(checkout.smoke().evidence / "junit.xml")  # noqa: S314 -- of our own making

    properties = {
        case.get("name"): {each.get("name"): each.get("value") for each in case.iter("property")}
        for case in report.iter("testcase")
    }
    assert properties["test_is_polite[loud]"] == {"clause": "is_polite", "level": "advisory", "statement": "It greets."}
    assert properties["test_builds"]["level"] == "required"
    assert all(len(each) == 3 for each in properties.values())


@pytest.mark.usefixtures("on_each_rung")
def test_on_github_a_page_and_annotations(checkout: Checkout, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Something before.\n")
    checkout.settings |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    checkout.add_cases(BROKEN)
    run = checkout.smoke()

    errors, warnings = run.lines("::error "), run.lines("::warning ")
    assert len(errors) == 1
    assert re.match(
        r"::error file=smoke/test_more\.py,line=\d+,title=It keeps what it promises%2C and says so%3A 100 %25\.::",
        errors[0],
    )
    assert len(warnings) == 1
    assert "title=It greets." in warnings[0]
    assert page.read_text().startswith("Something before.\n## Smoke: failed, odd 1.0\n")
    assert page.read_text().endswith((run.evidence / "summary.md").read_text())
    assert run.output.splitlines()[-1].startswith("verdict:   failed")


def test_elsewhere_no_annotations(checkout: Checkout) -> None:
    checkout.add_cases(BROKEN)

    assert checkout.smoke().lines("::") == []


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_what_is_tested_is_said_before_the_first_case(checkout: Checkout, workers: tuple[str, ...]) -> None:
    lines = checkout.smoke(*workers).stdout.splitlines()

    said = [line.partition(":")[0] for line in lines if re.match(r"(build|install|start|file|kind|sha256):", line)]
    assert said == ["build", "install", "start", "file", "kind", "sha256"]
    assert all(re.fullmatch(r"\w+: +\.\.\. [\d.]+ s", line) for line in lines if re.match(r"(build|install):", line))
    assert lines.index(next(line for line in lines if line.startswith("sha256:"))) < lines.index("Odd")


def test_colours_and_width_are_those_of_the_terminal(checkout: Checkout) -> None:
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "pytest", "smoke", "--artifact", str(checkout.wheel)],
        cwd=os.fspath(checkout.directory),
        env={**checkout.environment, "TERM": "xterm-256color"},
        timeout=60,
        encoding="utf-8",
        dimensions=(40, 50),
    )
    output = str(terminal.read())
    terminal.close()

    assert terminal.exitstatus == 0, output
    lines = output.replace("\r", "").splitlines()
    verdict = next(line for line in lines if "verdict:" in line)
    assert verdict.startswith("\x1b[32mverdict:   passed in ")
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    told = plain[plain.index("Odd") : plain.index("", plain.index("Odd"))]
    assert max(map(len, told)) <= 50
    assert "                 the version. [says_its_version]" in told


def test_piped_it_is_plain_and_a_line_a_clause(checkout: Checkout) -> None:
    output = checkout.smoke().stdout

    assert "\x1b" not in output
    assert "  passed         `odd --version` says the name and the version. [says_its_version]" in output.splitlines()


def test_a_command_line_that_makes_no_sense_has_a_page_too(checkout: Checkout) -> None:
    run = checkout.smoke("--installer", "none")

    assert "usage-error" in (run.evidence / "report.html").read_text(encoding="utf-8")
    assert json.loads((run.evidence / "verdict.json").read_text())["verdict"] == "usage-error"
