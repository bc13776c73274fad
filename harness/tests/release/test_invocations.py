"""The ways to call what was installed: each runs the program that the artifact brought, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError
from harness.release import invocations
from harness.release.artifact import identify
from harness.release.contract import Contract, load
from harness.release.installation import NpmInstallation, install
from harness.tests.release.npmpackages import pack_package
from harness.tests.release.projects import SCRIPT, pack_wheel

if TYPE_CHECKING:
    from harness.release.invocations import Invocation
    from harness.tests.release.installing import Install

FILE = "odd-1.0.0.tgz"
TELLS = """#!/usr/bin/env node
console.log(JSON.stringify({path: process.argv[1], words: process.argv.slice(2), npx: process.env.npm_command}));
process.exitCode = process.argv.length - 2;
"""
MODULE = "import sys\n\n\ndef main():\n    print(__name__, *sys.argv[1:])\n"
CONTRACT = """\
[release]
distributions = ["odd"]
versions = ">=1,<2"
executable = "odd"
runtime_root_variable = "ODD_ROOT"

[commands]
version = ["--version"]

[messages]
traceback = 'Traceback'

[features]
python_module = "odd"
"""


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """The words of `odd`."""
    path = tmp_path_factory.mktemp("contract") / "odd.toml"
    path.write_text(CONTRACT)
    return load(path)


@pytest.fixture(scope="module")
def package(environment: dict[str, str], cache: Path, tmp_path_factory: pytest.TempPathFactory) -> NpmInstallation:
    """A package whose program tells how it was called."""
    place = tmp_path_factory.mktemp("package")
    installation = install(
        identify(pack_package(place / FILE, {"odd.js": TELLS})),
        place / "environment",
        installer="uv",
        python="",
        environment=environment,
        timeout=300.0,
        cache=cache,
    )
    assert isinstance(installation, NpmInstallation)
    return installation


def call(invocation: Invocation, home: Path, programs: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Call a release with little in reach, in an empty directory."""
    working = home / "work"
    working.mkdir()
    path = os.pathsep.join(map(str, filter(None, (invocation.path, programs))))
    environment = {"PATH": path, "HOME": str(home), "TMPDIR": str(home), **invocation.variables}
    command = [*invocation.words, *words]
    return subprocess.run(command, cwd=working, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", invocations.OF_NPM)
def test_a_package_is_called_with_words_and_answers_with_its_exit_code(
    package: NpmInstallation, contract: Contract, tmp_path: Path, name: str
) -> None:
    invocation = package.invocation(name, contract)

    done = call(invocation, tmp_path, package.node.programs, "--one", "two words")

    assert (done.returncode, done.stderr) == (2, "")
    said = json.loads(done.stdout)
    assert said["words"] == ["--one", "two words"]
    assert Path(said["path"]).resolve() == (package.package / "odd.js").resolve()
    assert said.get("npx") == ("exec" if name == "npx" else None)
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    assert list((package.directory.parent / "npx-cache").iterdir()) == []
    assert invocation.title == ("npx odd" if name == "npx" else "odd")


def test_npx_fetches_nothing_that_is_not_installed(
    package: NpmInstallation, contract: Contract, tmp_path: Path
) -> None:
    invocation = package.invocation("npx", contract)
    other = replace(invocation, words=(*invocation.words[:-1], "npm-run-all"))

    done = call(other, tmp_path, package.node.programs)

    assert done.returncode != 0
    assert "ENOTCACHED" in done.stderr


@pytest.mark.parametrize(("name", "title"), [("console", "odd"), ("module", "python -m odd")])
@pytest.mark.parametrize("installer", ["uv", "pipx"])
def test_a_distribution_is_called_as_a_program_and_as_a_module(  # noqa: PLR0913, PLR0917  (a row of the table)
    put: Install, contract: Contract, tmp_path: Path, installer: str, name: str, title: str
) -> None:
    files = {**SCRIPT, "odd/__init__.py": MODULE, "odd/__main__.py": "from odd import main\nmain()\n"}
    artifact = identify(pack_wheel(tmp_path / "odd-1.0-py3-none-any.whl", files))
    invocation = put(artifact, tmp_path / "environment", installer=installer).invocation(name, contract)

    (tmp_path / "home").mkdir()
    done = call(invocation, tmp_path / "home", tmp_path, "two words")

    assert (done.returncode, done.stdout, done.stderr) == (0, "odd two words\n", "")
    assert invocation.title == title


@pytest.mark.parametrize("name", invocations.OF_PYTHON)
def test_no_way_to_call_it_does_without_the_program_of_the_contract(
    put: Install, contract: Contract, tmp_path: Path, name: str
) -> None:
    installation = put(identify(pack_wheel(tmp_path / "odd-1.0-py3-none-any.whl")), tmp_path / "environment")

    with pytest.raises(ArtifactError, match="the artifact has no 'odd' script; it offers none"):
        installation.invocation(name, contract)
