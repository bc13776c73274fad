"""A checkout as small as one can be, with a release to smoke, and smoke sessions in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import psutil

from harness.tests.release.projects import pack_wheel
from harness.verdict import document as documents

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = json.loads((Path(documents.__file__).parent / "verdict.schema.json").read_text(encoding="utf-8"))
REPOSITORY = Path(__file__).resolve().parents[3]
ORDINARY = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")  # in front of a command: who runs it
_OTHERS = ("PYTEST", "GIT_", "GITHUB_", "VIRTUAL_ENV", "COLUMNS", "LINES")  # the last two are xdist's

PYPROJECT = """\
[tool.pytest]
minversion = "9.0"
strict = true
testpaths = ["smoke"]
pythonpath = ["."]
addopts = ["-ra", "--import-mode=importlib"]
filterwarnings = ["error", "ignore::pytest.PytestCacheWarning"]
"""
CONTRACT = """\
[release]
distributions = ["odd"]
versions = ">=1,<2"
executable = "odd"
runtime_root_variable = "ODD_ROOT"

[commands]
version = ["--version"]

[messages]
traceback = 'Traceback \\(most recent call last\\)'
"""
CASES = '''\
"""The promises of a release that promises little."""

import pytest

from harness.fixtures import demand


@pytest.mark.required
def test_builds(request, preparation):
    """The artifact builds."""
    demand(request, preparation, "builds")


@pytest.mark.required
def test_installs(request, preparation):
    """The artifact installs."""
    demand(request, preparation, "installs")


@pytest.mark.required
def test_starts(request, preparation):
    """The command starts."""
    demand(request, preparation, "starts")


@pytest.mark.required
def test_says_its_version(odd):
    """`odd --version` says the name and the version."""
    assert odd("--version").stdout == "odd 1.0\\n"
'''
CASES_HEAD = '''\
"""More promises."""

import os
import signal
import sys

import pytest

'''
CONFTEST = '''\
"""Fixtures that know the product."""

import pytest


@pytest.fixture
def odd(sandbox, installation):
    """Runs the command."""
    return lambda *words: sandbox.run(installation.executable("odd"), *words)
'''
PROGRAM = """\
import os, pathlib, shutil, sys, time

def main():
    word, *rest = sys.argv[1:]
    if word == "--version":
        print("odd 1.0")
    elif word == "write":
        path = pathlib.Path(os.environ["ODD_ROOT"], *rest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("something")
    elif word == "warn":
        print(*rest, file=sys.stderr)
        return 3
    elif word == "wait":
        pathlib.Path(rest[0]).write_text("begun")
        time.sleep(600)
    elif word == "destroy":
        for place in rest:
            shutil.rmtree(place, ignore_errors=True)
    elif word == "crash":
        raise RuntimeError("a mistake")
    elif word == "fill":
        with pathlib.Path("filler").open("wb") as stream:
            while True:
                stream.write(bytes(1 << 20))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """How a smoke session ended."""

    exit_code: int
    stdout: str
    stderr: str
    evidence: Path

    @property
    def output(self) -> str:
        """Both streams."""
        return self.stdout + self.stderr

    @property
    def verdict_file(self) -> Path:
        """The verdict for machines."""
        return self.evidence / "verdict.json"

    @property
    def document(self) -> dict[str, object]:
        """What it says, which is what the schema allows."""
        document = json.loads(self.verdict_file.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
        assert isinstance(document, dict)
        return document

    @property
    def verdict(self) -> object:
        """The one word."""
        return self.document["verdict"]

    @property
    def outcomes(self) -> dict[str, str]:
        """Each clause and how it came out."""
        clauses = self.document["clauses"]
        assert isinstance(clauses, list)
        return {clause["id"]: clause["outcome"] for clause in clauses}

    def lines(self, start: str) -> list[str]:
        """The lines of the output that start like this."""
        return [line for line in self.output.splitlines() if line.startswith(start)]


class Checkout:
    """A directory with the harness's plugin, a contract, a few cases, and a wheel that keeps them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "checkout"
        self.temporary = directory / "tmp"
        self.settings: dict[str, str] = {}  # variables of the sessions here
        self.rung = "processes"  # of the sessions that are not told otherwise: they start twice as fast
        self.temporary.mkdir()
        self._write("conftest.py", '"""Loads the harness."""\n\npytest_plugins = ["harness.plugin"]\n')
        self._write("pyproject.toml", PYPROJECT)
        self._write("smoke/__init__.py", "")
        self._write("smoke/conftest.py", CONFTEST)
        self._write("smoke/contracts/odd-1.toml", CONTRACT)
        self._write("smoke/test_odd.py", CASES)
        self.wheel = pack_odd_wheel(directory / "odd-1.0-py3-none-any.whl")

    def add_cases(self, text: str) -> None:
        """Let the release promise more."""
        self._write("smoke/test_more.py", CASES_HEAD + text)

    @property
    def environment(self) -> dict[str, str]:
        """What a session here gets of this one's environment."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        own = {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1"}
        return kept | own | self.settings

    def start(self, *arguments: str | Path, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start pytest in a session of its own, as a shell would; words may come before the command."""
        rung = () if "--isolation" in arguments else ("--isolation", self.rung)
        return subprocess.Popen(
            [*before, sys.executable, "-m", "pytest", *map(str, arguments), *rung],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str], evidence: Path | None = None) -> Run:
        """Wait for a session to end."""
        try:
            stdout, stderr = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        latest = (self.directory / ".smoke" / "latest").resolve()  # another session would replace it
        return Run(exit_code=process.returncode, stdout=stdout, stderr=stderr, evidence=evidence or latest)

    def run(self, *arguments: str | Path) -> Run:
        """A whole session, whatever it is given."""
        return self.finish(self.start(*arguments))

    def smoke(self, *arguments: str | Path) -> Run:
        """A whole session on the wheel."""
        return self.run("smoke", "--artifact", self.wheel, *arguments)

    def smoke_on_small_disk(self, size: str, *arguments: str | Path) -> Run:
        """The same with a disk of this size for temporary files, which no other process sees."""
        # What is left on it must be looked at before the namespace goes.
        script = f'mount -t tmpfs -o size={size} none "$TMPDIR" && "$@"; code=$?; ls -A "$TMPDIR" >left; exit $code'
        before = ("unshare", "--map-root-user", "--mount", "/bin/sh", "-c", script, "sh")
        run = self.finish(self.start("smoke", "--artifact", self.wheel, *arguments, before=before))
        left = (self.directory / "left").read_text(encoding="utf-8").split()
        assert set(left) <= {"pytest-of-root", "evidence"}, f"left on the small disk: {left}"
        return run

    @property
    def left_behind(self) -> list[str]:
        """What lies in the directory of temporary files, and what runs with it as its own."""
        # pytest makes a directory of its own for workers, and keeps it.
        files = [path.name for path in self.temporary.iterdir() if not path.name.startswith("pytest-of-")]
        return files + [str(each.cmdline()) for each in psutil.process_iter() if _mentions(each, str(self.temporary))]

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def pack_odd_wheel(
    path: Path, *headers: str, program: str = PROGRAM, script: str = "odd", lies: Mapping[str, str] | None = None
) -> Path:
    """The wheel of `odd` 1.0, which has one script."""
    files = {
        "odd/__init__.py": program,
        "odd-1.0.dist-info/entry_points.txt": f"[console_scripts]\n{script} = odd:main\n",
    }
    return pack_wheel(path, files, headers=("Name: odd", "Version: 1.0", *headers), lies=lies)


def _mentions(process: psutil.Process, directory: str) -> bool:
    try:
        return any(value.startswith(directory) for value in process.environ().values())
    except psutil.Error:
        return False
