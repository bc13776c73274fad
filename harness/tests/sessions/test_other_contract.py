"""Self-tests of the smoke on a release of another line: other words, fewer commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.proving.catalogue import copy
from harness.tests.sessions.checkouts import REPOSITORY, Run

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = "(RUNTIME, SEMANTIC_LAYER)"
BELOW_ADMIN = '(Group("admin", "Look after ktx.", (RUNTIME,)), SEMANTIC_LAYER)'
WITHOUT = re.compile(
    r'^        Command\("doctor", [^\n]*\n|^        Command\(\n            "prune",.*?^        \),\n',
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def admin_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference release as a later line would be: `admin runtime`, `ktx` in messages, no `doctor`, no `prune`."""
    tree = copy(REPOSITORY / "fixtures" / "ktx", tmp_path_factory.mktemp("admin") / "ktx")
    package = tree / "src" / "kaelio_ktx"
    for path in (*package.glob("*.py"), tree / "README.md"):
        text = path.read_text(encoding="utf-8").replace("ktx runtime", "ktx admin runtime")
        path.write_text(re.sub(r"\bKTX (?=Python|runtime|needs|does)", "ktx ", text), encoding="utf-8")
    rewrite(package / "__init__.py", '"0.1.0"', '"0.3.0"')
    rewrite(package / "commands.py", MEMBERS, BELOW_ADMIN)
    commands, removed = WITHOUT.subn("", (package / "commands.py").read_text(encoding="utf-8"))
    assert removed == 2
    (package / "commands.py").write_text(commands, encoding="utf-8")
    readme = (tree / "README.md").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in readme if not re.match(r"ktx admin runtime (doctor|prune)", line)]
    (tree / "README.md").write_text("".join(kept), encoding="utf-8")
    return tree


def rewrite(path: Path, find: str, replace: str) -> None:
    """Change the one place where a text stands."""
    text = path.read_text(encoding="utf-8")
    assert text.count(find) == 1
    path.write_text(text.replace(find, replace), encoding="utf-8")


def smoke(release: Path, place: Path, *arguments: str) -> Run:
    """The smoke of this project, as a user runs it."""
    words = ["smoke", "--artifact", str(release), "--evidence", str(place), "--dist-dir", str(place / "dist")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-q", "-p", "no:cacheprovider", *arguments],
        cwd=REPOSITORY,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, evidence=place)


def test_commands_that_a_line_lacks_do_not_apply(admin_release: Path, tmp_path: Path) -> None:
    run = smoke(admin_release, tmp_path, "--contract", "ktx-admin", "-n", "2")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    gone = {name for name, outcome in run.outcomes.items() if outcome == "not-applicable"}
    assert {"yes_removes_every_stale_runtime", "doctor_passes_a_ready_runtime"} <= gone
    assert run.outcomes["no_traceback"] == "passed"
    assert run.outcomes["install_makes_a_ready_runtime"] == "passed"
    assert "not applicable: yes_removes_every_stale_runtime: the contract 'ktx-admin'" in " ".join(run.output.split())


def test_it_is_not_green_when_nothing_else_ran(admin_release: Path, tmp_path: Path) -> None:
    run = smoke(admin_release, tmp_path, "--contract", "ktx-admin", "-k", "prune")

    assert (run.verdict, run.exit_code) == ("nothing-tested", 5), run.output


def test_a_line_is_found_by_its_version(admin_release: Path, tmp_path: Path) -> None:
    run = smoke(admin_release, tmp_path, "-k", "version_is_that_of_the_artifact")

    assert run.outcomes["version_is_that_of_the_artifact"] == "passed", run.output
    assert run.verdict == "incomplete"
