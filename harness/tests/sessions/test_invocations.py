"""Self-tests of how sessions install and call a release: by each installer, in each way that it has."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from harness.release.building import build
from harness.release.installers import INSTALLERS
from harness.tests.release.npmpackages import pack_package
from harness.tests.release.projects import pack_wheel, write_tool
from harness.tests.sessions.checkouts import CASES, CONTRACT, PROGRAM, REPOSITORY, pack_odd_wheel
from harness.tests.sessions.endings import assert_ended, assert_refused

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout, Run

CONFTEST = '''\
"""Fixtures that know the product."""

import pytest


@pytest.fixture
def odd(sandbox, invocation):
    """Runs the command."""
    sandbox.equip(invocation.path, invocation.variables)
    return lambda *words: sandbox.run(*invocation.words, *words)
'''
EVERY_WAY = """
@pytest.mark.required
@pytest.mark.every_invocation
def test_says_it_in_every_way(odd):
    \"""In every way it says the name and the version.\"""
    result = odd("--version")
    assert (result.exit_code, result.stdout) in {(0, "odd 1.0\\n"), (0, "odd 1.0.0\\n")}
"""
SCRIPT = {"odd-1.0.dist-info/entry_points.txt": "[console_scripts]\nodd = odd:main\n"}
MAIN = "import sys\nfrom odd import main\nsys.exit(main())\n"
MODULE = '\n[features]\npython_module = "odd"\n'
PROGRAM_OF_NODE = '#!/usr/bin/env node\nconsole.log("odd 1.0.0");\n'


@pytest.fixture
def called(checkout: Checkout) -> Checkout:
    """A checkout whose cases call the release, some in every way; as a module as well."""
    smoke = checkout.directory / "smoke"
    (smoke / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (smoke / "contracts" / "odd-1.toml").write_text(CONTRACT + MODULE, encoding="utf-8")
    checkout.add_cases(EVERY_WAY)
    pack_wheel(checkout.wheel, {**SCRIPT, "odd/__init__.py": PROGRAM, "odd/__main__.py": MAIN})
    return checkout


def cases_of(run: Run, clause: str) -> dict[str, str]:
    """The cases of a clause, and how each came out."""
    clauses = run.document["clauses"]
    assert isinstance(clauses, list)
    [found] = [each for each in clauses if each["id"] == clause]
    return {case["id"].partition("[")[2].rstrip("]"): case["outcome"] for case in found["cases"]}


def installation_of(run: Run) -> dict[str, object]:
    """What the verdict says of the installation."""
    found = run.document["installation"]
    assert isinstance(found, dict)
    return found


def program_of(run: Run, clause: str) -> list[list[str]]:
    """The command lines of a clause's cases."""
    clauses = run.document["clauses"]
    assert isinstance(clauses, list)
    [found] = [each for each in clauses if each["id"] == clause]
    return [command["argv"] for case in found["cases"] for command in case["commands"]]


@pytest.mark.parametrize("installer", INSTALLERS)
def test_each_installer_leads_to_a_verdict_on_a_wheel(called: Checkout, installer: str) -> None:
    run = called.smoke("--installer", installer, "-n", "2")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert installation_of(run)["installer"] == installer
    assert cases_of(run, "says_it_in_every_way") == {"console": "passed", "module": "passed"}
    assert called.left_behind == []


@pytest.mark.parametrize("installer", INSTALLERS)
def test_each_installer_leads_to_a_verdict_on_an_sdist(
    checkout: Checkout, environment: dict[str, str], tmp_path: Path, installer: str
) -> None:
    source = write_tool(tmp_path / "source")
    project = source / "pyproject.toml"
    project.write_text(project.read_text().replace("Tiny.Tool", "odd").replace("tiny =", "odd ="))
    (source / "src" / "tiny_tool" / "__init__.py").write_text(PROGRAM)
    log = tmp_path / "build.log"
    sdist = build(source, tmp_path / "dist", environment=environment, timeout=120, log=log).sdist
    run = checkout.run("smoke", "--artifact", sdist, "--installer", installer)

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert installation_of(run)["installer"] == installer
    assert checkout.left_behind == []


@pytest.mark.parametrize("name", ["console", "module"])
def test_the_chosen_way_is_that_of_every_other_case(called: Checkout, name: str) -> None:
    run = called.smoke("--invocation", name)

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert installation_of(run)["invocation"] == name
    assert run.lines("called by: ") == [f"called by: {name}"]
    [words] = program_of(run, "says_its_version")
    assert words[1:] == (["--version"] if name == "console" else ["-I", "-m", "odd", "--version"])


def test_a_release_that_fails_in_one_way_fails(called: Checkout) -> None:
    broken = MAIN.replace("sys.exit(main())", "print('odd, the module')")
    pack_wheel(called.wheel, {**SCRIPT, "odd/__init__.py": PROGRAM, "odd/__main__.py": broken})
    run = called.smoke()

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert cases_of(run, "says_it_in_every_way") == {"console": "passed", "module": "failed"}
    assert run.outcomes["says_its_version"] == "passed"


def test_the_replay_of_a_failure_calls_the_release_in_the_same_way(called: Checkout) -> None:
    called.add_cases(EVERY_WAY.replace("(0,", "(1,"))
    run = called.smoke("--invocation", "module")

    assert len(run.lines("replay: ")) == 2
    assert all(line.endswith("--invocation module") for line in run.lines("replay: "))
    assert all("--invocation" not in line for line in called.smoke().lines("replay: "))


VARIED = """
@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.parametrize("word", ["a", "b"])
@pytest.mark.parametrize("other", ["x", "y"])
def test_takes_words(odd, word, other):
    \"""It takes words.\"""
    assert odd("warn", word, other).exit_code == 3
"""


@pytest.mark.parametrize(("chosen", "other"), [("console", "module"), ("module", "console")])
def test_what_a_case_is_given_varies_in_the_chosen_way(called: Checkout, chosen: str, other: str) -> None:
    called.add_cases(VARIED)
    run = called.smoke("--invocation", chosen)

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    every = {f"{chosen}-{words}" for words in ("x-a", "x-b", "y-a", "y-b")} | {f"{other}-x-a"}
    assert cases_of(run, "takes_words") == dict.fromkeys(sorted(every), "passed")
    assert "deselected" not in run.stdout


def test_a_way_that_the_user_left_out_is_missed(called: Checkout) -> None:
    run = called.smoke("-k", "not module")

    assert (run.verdict, run.outcomes["says_it_in_every_way"]) == ("incomplete", "not-selected"), run.output


def test_a_contract_without_a_module_is_for_the_program_alone(called: Checkout) -> None:
    (called.directory / "smoke" / "contracts" / "odd-1.toml").write_text(CONTRACT, encoding="utf-8")
    run = called.smoke()

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert cases_of(run, "says_it_in_every_way") == {"console": "passed", "module": "not-applicable"}
    reason = "1 of 2 cases do not apply: the contract 'odd-1' has no 'python_module'"
    assert f"not applicable: says_it_in_every_way: {reason}" in run.stdout

    chosen = called.smoke("--invocation", "module")

    complaint = "--invocation module cannot be: the contract 'odd-1' has no 'python_module'; hint: it has 'console'"
    assert_ended(chosen, called, "usage-error", 4, complaint)


def test_a_module_that_does_not_start_is_unusable_where_it_is_chosen(called: Checkout) -> None:
    pack_odd_wheel(called.wheel)
    run = called.smoke("--invocation", "module")

    assert_ended(run, called, "unusable", 6, "'python -m odd --version' does not start: exit code 1")
    assert run.outcomes["starts"] == "failed"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("--artifact", "odd.tgz", "--invocation", "module"),
            "'odd.tgz' is called by 'console' or 'npx' or 'global', not",
        ),
        (
            ("--artifact", "odd.whl", "--invocation", "npx"),
            "'odd.whl' is called by 'console' or 'module', not by .*'npx'",
        ),
        (("--artifact", "odd.whl", "--invocation", "modul"), "--invocation takes .*, got 'modul'; hint: .* 'module'"),
        (
            ("--artifact", "odd.whl", "--installer", "uv-tools"),
            "--installer takes .*, got 'uv-tools'; hint: .* 'uv-tool'",
        ),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, tuple) else "",
)
def test_a_way_that_there_is_not(checkout: Checkout, arguments: tuple[str, ...], complaint: str) -> None:
    shutil.copy(checkout.wheel, checkout.directory / "odd.whl")
    shutil.copy(checkout.wheel, checkout.directory / "odd.tgz")

    assert_refused(checkout.run("smoke", *arguments), checkout, complaint)
    listed = checkout.run("smoke", "--collect-only", "-q", *arguments)
    assert (listed.exit_code, len(listed.lines("ERROR"))) in {(0, 0), (4, 1)}


@pytest.mark.parametrize("name", ["console", "npx", "global"])
def test_a_package_of_npm_is_called_in_each_way(called: Checkout, name: str) -> None:
    (called.directory / "smoke" / "test_odd.py").write_text(CASES.replace("odd 1.0", "odd 1.0.0"), encoding="utf-8")
    package = pack_package(called.directory / "odd.tgz", {"odd.js": PROGRAM_OF_NODE})
    run = called.run("smoke", "--artifact", package, "--invocation", name, "-n", "2")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert installation_of(run)["invocation"] == name
    assert cases_of(run, "says_it_in_every_way") == dict.fromkeys(("console", "npx", "global"), "passed")
    [words] = program_of(run, "says_its_version")
    assert ("npx-cli.js" in " ".join(words), words[0] == "odd") == (name == "npx", name == "global")
    assert called.left_behind == []


def asks_npx(place: Path) -> Path:
    """Says something else where npx is between."""
    program = PROGRAM_OF_NODE.replace('"odd 1.0.0"', 'process.env.npm_command ? "odd, by npx" : "odd 1.0.0"')
    return pack_package(place / "odd.tgz", {"odd.js": program})


def brings_a_node(place: Path) -> Path:
    """Brings a program that hides the one which it needs, as soon as its programs are on PATH."""
    files = {"odd.js": PROGRAM_OF_NODE, "node.sh": "#!/bin/sh\necho not the node that you meant\n"}
    return pack_package(place / "odd.tgz", files, bin={"odd": "odd.js", "node": "node.sh"})


@pytest.mark.parametrize(("make", "broken"), [(asks_npx, {"npx"}), (brings_a_node, {"npx", "global"})])
def test_a_package_of_npm_that_fails_in_some_ways_fails(called: Checkout, make: object, broken: set[str]) -> None:
    assert callable(make)
    (called.directory / "smoke" / "test_odd.py").write_text(CASES.replace("odd 1.0", "odd 1.0.0"), encoding="utf-8")
    run = called.run("smoke", "--artifact", make(called.directory))

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    found = {name for name, outcome in cases_of(run, "says_it_in_every_way").items() if outcome == "failed"}
    assert found == broken
    assert run.outcomes["says_its_version"] == "passed"


def test_a_pipx_whose_install_fails_blames_the_release(checkout: Checkout) -> None:
    pack_odd_wheel(checkout.wheel, "Requires-Dist: odd-dependency-that-nobody-released==1.0")
    run = checkout.smoke("--installer", "pipx")

    assert_ended(run, checkout, "unusable", 6, "does not install: .*odd-dependency-that-nobody-released")


@pytest.mark.parametrize("installer", ["pipx", "uv-tool"])
def test_a_python_that_does_not_suit_is_told_in_the_same_words(checkout: Checkout, installer: str) -> None:
    pack_odd_wheel(checkout.wheel, "Requires-Python: >=4")
    run = checkout.smoke("--installer", installer)

    assert_ended(run, checkout, "unusable", 6, "does not install: it requires Python >=4, this is 3")


def test_the_reference_keeps_its_word_on_npm_in_every_way(tmp_path: Path, checkout: Checkout) -> None:
    reference = REPOSITORY / "fixtures" / "ktx-npm"
    changed = shutil.copytree(reference, tmp_path / "changed")
    prune = changed / "lib" / "prune.js"
    prune.write_text(
        prune.read_text().replace('!given.has("--yes")', '!given.has("--yes") && !process.env.npm_command')
    )
    checkout.directory = REPOSITORY
    options = ("--contract", reference / "contract.toml", "--dist-dir", tmp_path / "dist", "-k", "bare_prune_refuses")
    for source, outcomes in ((reference, {"passed"}), (changed, {"passed", "failed"})):
        evidence = tmp_path / f"evidence-{source.name}"
        process = checkout.start("smoke", "--artifact", source, "--evidence", evidence, "-n", "2", *options)
        run = checkout.finish(process, evidence)

        cases = cases_of(run, "bare_prune_refuses")
        assert set(cases.values()) == outcomes, run.output
        assert {name.partition("-")[0] for name, outcome in cases.items() if outcome == "failed"} <= {"npx"}
