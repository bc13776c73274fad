"""A release that was smoked and signed for real, and ways to spoil it."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from harness.gate.inspection import Gate, Passed, trusted_keys
from harness.gate.policy import Policy
from harness.tests.sessions.checkouts import REPOSITORY, Checkout
from harness.tests.verdict.records import a_clause
from harness.verdict.envelope import file_beside, seal
from harness.verdict.keys import load_private, write_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.verdict.clause import Clause

CASES = """\
@pytest.mark.advisory
def test_writes_where_it_should(odd):
    \"\"\"`odd write` writes below its root.\"\"\"
    assert odd("write", "file").changes


@pytest.mark.required
@pytest.mark.needs("prune")
def test_prunes(odd):
    \"\"\"What this contract lacks.\"\"\"
    odd("prune")
"""
CLAUSES: tuple[Clause, ...] = (
    *map(a_clause, ("builds", "installs", "starts", "says_its_version")),
    a_clause("writes_where_it_should", level="advisory"),
)
# As `python -m harness.gate` does it, for the cases of another checkout.
COMMAND = "import pathlib, sys; from harness.gate.__main__ import main; sys.exit(main(checkout=pathlib.Path.cwd()))"

Content = dict[str, Any]
_OF_THIS_RUN = ("PYTEST", "COVERAGE", "GIT_", "GITHUB_", "VIRTUAL_ENV", "PYTHONPATH", "NOX")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the gate said."""

    exit_code: int
    accepted: str
    told: str

    @property
    def refusals(self) -> list[str]:
        """Its reasons."""
        return [line for line in self.told.splitlines() if line.startswith("refused: ")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A wheel with its statements, the checkout that smoked it, and the keys."""

    checkout: Path
    wheel: Path
    key: Path

    @property
    def public(self) -> Path:
        """The key to verify with."""
        return self.key.with_name(f"{self.key.name}.pub")

    @property
    def statements(self) -> Path:
        """The file beside the wheel."""
        return file_beside(self.wheel)

    @property
    def content(self) -> Content:
        """What the only statement says."""
        (line,) = self.statements.read_bytes().splitlines()
        return cast("Content", json.loads(base64.b64decode(json.loads(line)["payload"])))

    def copy(self, directory: Path) -> Release:
        """The same in a directory of its own, to spoil."""
        for path in (self.wheel, self.statements, self.key, self.public):
            shutil.copy2(path, directory)
        return Release(checkout=self.checkout, wheel=directory / self.wheel.name, key=directory / self.key.name)

    def sign(self, *contents: Content) -> None:
        """Replace the statements, without anything that a smoke checks."""
        signer = load_private(self.key)
        self.statements.write_bytes(b"".join(seal(content, signer) for content in contents))

    def changed(self, change: Callable[[Content], object]) -> Content:
        """The statement after a change."""
        content = self.content
        change(content)
        return content

    def inspect(self, policy: Policy | None = None, *, now: datetime | None = None) -> Passed | Sequence[str]:
        """What the gate makes of the wheel, asked in this process."""
        return self.gate(policy, now=now).inspect(self.wheel)

    def gate(self, policy: Policy | None = None, *, now: datetime | None = None) -> Gate:
        """The gate of the checkout."""
        policy = policy or Policy()
        return Gate(
            policy=policy,
            trusted=trusted_keys(policy, () if policy.trusted else (self.public,)),
            max_age=policy.max_age,
            clauses=CLAUSES,
            cases=self.checkout / "smoke",
            contract=None,
            now=now or datetime.now(timezone.utc),
        )

    def ask(self, *arguments: str | Path, directory: Path | None = None) -> Answer:
        """What the gate answers to a command line."""
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            cwd=directory or self.checkout,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(exit_code=done.returncode, accepted=done.stdout, told=done.stderr)


def run_of(content: Content) -> Content:
    """What a statement says about its run."""
    return cast("Content", content["predicate"]["configuration"][2]["annotations"])


def warn(content: Content) -> None:
    """Let the release miss its advisory clause."""
    content["predicate"]["result"] = "WARNED"
    content["predicate"]["passedTests"].remove("writes_where_it_should")
    content["predicate"]["warnedTests"] = ["writes_where_it_should"]
    run_of(content)["verdict"] = "warned"


def fail(content: Content) -> None:
    """Let the release break a promise."""
    content["predicate"]["result"] = "FAILED"
    content["predicate"]["passedTests"].remove("starts")
    content["predicate"]["failedTests"] = ["starts"]
    run_of(content)["verdict"] = "failed"


def assert_refused(release: Release, reason: str, policy: Policy | None = None, *, now: datetime | None = None) -> None:
    """Refused, with this as the only line."""
    found = release.inspect(policy, now=now)
    assert not isinstance(found, Passed)
    (line,) = found
    assert re.search(reason, line), line
    assert "\n" not in line


def add_machinery(checkout: Path) -> None:
    """Make of a small checkout one that nox and the action can work in: everything but the self-tests."""
    shutil.copytree(REPOSITORY / "harness", checkout / "harness", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    shutil.copytree(REPOSITORY / ".github", checkout / ".github")
    for name in ("noxfile.py", "pyproject.toml"):
        shutil.copy2(REPOSITORY / name, checkout)


def surroundings(**own: str | Path) -> dict[str, str]:
    """The variables of a user's shell: this environment's programs first on PATH, nothing of this test run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THIS_RUN)}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {name: str(value) for name, value in own.items()}


def block_of_readme(language: str, start: str) -> str:
    """A block of code in the README, so that what it shows is what is tested."""
    blocks = (REPOSITORY / "README.md").read_text(encoding="utf-8").split(f"```{language}\n")[1:]
    (block,) = [block.partition("```")[0] for block in blocks if block.startswith(start)]
    return block


def smoke_and_sign(directory: Path) -> Release:
    """Smoke a small wheel for real, and sign what came of it."""
    checkout = Checkout(directory)
    checkout.add_cases(CASES)
    key = directory / "release.key"
    write_pair(key)
    run = checkout.smoke("--sign-key", key)
    assert run.verdict == "passed", run.output
    return Release(checkout=checkout.directory, wheel=checkout.wheel, key=key)
