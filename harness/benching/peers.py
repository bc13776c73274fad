"""What people would do without this project: tox projects and a shell script, generated around the reference.

Each peer gets what it needs and nothing that slows it: warm caches, no index of its own, the wheel alone.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from typing import TYPE_CHECKING

import tomli

from harness.benching.bench import CHECKOUT, REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.benching.bench import Bench
    from harness.verdict.document import CommandFacts, Document

WITHOUT_UV = {"TOX_DISABLED_EXTERNAL_PLUGINS": "tox-uv"}
PRUNE_FAMILIES = ("runtime_prune", "runtime_prune_care")

_TRIVIAL_TOX = """\
[tox]
env_list = smoke

[testenv]
package = wheel
deps = pytest
commands = pytest -q test_version.py
"""
_TRIVIAL_CASE = '''\
"""What `test_version_is_that_of_the_artifact` asks for, as a test of anybody's."""

import subprocess


def test_version():
    done = subprocess.run(["ktx", "--version"], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0
    assert done.stdout == "kaelio-ktx 0.1.0\\n"
    assert done.stderr == ""
'''
_WHOLE_TOX = """\
[tox]
env_list = smoke

[testenv]
package = wheel
pass_env = *
deps =
  {deps}
change_dir = {checkout}
allowlist_externals = sh
commands = sh -c 'exec python -m pytest smoke -n0 {options}'
"""


def trivial_project(directory: Path) -> Path:
    """A project with one test: the trivial case."""
    project = _project(directory, _TRIVIAL_TOX)
    (project / "test_version.py").write_text(_TRIVIAL_CASE, encoding="utf-8")
    return project


def whole_project(directory: Path, evidence: Path) -> Path:
    """A project whose tests are the cases of the smoke, one after the other, with the packages that they need."""
    groups = tomli.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    deps = "\n  ".join(groups["smoke"])
    previous = REFERENCE.relative_to(CHECKOUT)  # what a smoke of the reference upgrades from
    options = f'--artifact "$TOX_PACKAGE" --previous {previous} --evidence {evidence}'
    return _project(directory, _WHOLE_TOX.format(deps=deps, checkout=CHECKOUT, options=options))


def tox(bench: Bench, project: Path, *options: str, variables: Mapping[str, str] | None = None) -> float:
    """Run tox on a project; returns its seconds."""
    return bench.run(sys.executable, "-m", "tox", *options, cwd=project, variables=variables)


def prune_script(document: Document, wheel: Path, directory: Path, variables: Mapping[str, str]) -> Path:
    """A script that runs the commands of the prune clauses as a run of ours did, one after the other.

    Directories are there as they were before each command, files are not: less to remove is quicker.
    """
    script = directory / "prune.sh"
    installation = directory / "installation"
    lines = [
        "set -eu",
        f"{shlex.quote(sys.executable)} -m venv {shlex.quote(str(installation))}",
        f"{shlex.quote(str(installation / 'bin' / 'python'))} -m pip install --quiet {shlex.quote(str(wheel))}",
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    ]
    clauses = [clause for clause in document["clauses"] if clause["family"] in PRUNE_FAMILIES]
    for number, case in enumerate(case for clause in clauses for case in clause["cases"]):
        sandbox = directory / "sandboxes" / str(number)
        names = {"$SANDBOX": str(sandbox), "$SCRATCH/installation": str(installation)}
        lines += _case(case["commands"], sandbox, names)
    script.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return script


def _case(commands: Sequence[CommandFacts], sandbox: Path, names: Mapping[str, str]) -> Iterator[str]:
    home, temporary, work, root = (shlex.quote(str(sandbox / name)) for name in ("home", "tmp", "work", "root"))
    yield f"mkdir -p {home} {temporary} {work}"
    yield f"export HOME={home} TMPDIR={temporary} KTX_RUNTIME_ROOT={root}"
    for command in commands:
        before = [row["path"] for row in command["tree"] if row["kind"] == "directory" and row["mark"] != "added"]
        if before:
            yield "mkdir -p " + " ".join(shlex.quote(str(sandbox / path)) for path in before)
        words = " ".join(shlex.quote(_named(word, names)) for word in command["argv"])
        yield f"(cd {work} && {words}) </dev/null >{temporary}/stdout 2>{temporary}/stderr || true"


def _named(word: str, names: Mapping[str, str]) -> str:
    for name, path in names.items():
        word = word.replace(name, path)
    return word


def _project(directory: Path, configuration: str) -> Path:
    project = shutil.copytree(REFERENCE, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "tox.ini").write_text(configuration, encoding="utf-8")
    return project
