"""What the measurements share: a directory, the number of rounds, and commands that are timed from outside."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import TestbedError
from harness.options import DEFAULT_REFERENCE
from harness.release.building import build_wheel_of_tree
from harness.release.steps import run_step
from harness.running.environment import installer_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.verdict.document import Document

CHECKOUT = Path(__file__).resolve().parents[2]
REFERENCE = CHECKOUT / DEFAULT_REFERENCE
DEADLINE = 1800.0  # seconds, of a command
# Whoever calls us has settings for pytest, tox and environments that are none of the measured commands' business.
_OTHERS = ("PYTEST", "TOX", "GITHUB_", "COVERAGE_", "VIRTUAL_ENV", "NOX_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Smoked:
    """A smoke session as seen from outside, and the directory with its verdict."""

    seconds: float
    evidence: Path

    @property
    def document(self) -> Document:
        """The verdict."""
        document: Document = json.loads((self.evidence / "verdict.json").read_text(encoding="utf-8"))
        return document

    @property
    def stages(self) -> dict[str, float]:
        """The seconds of each stage of the preparation."""
        return {stage["id"]: stage["seconds"] for stage in self.document["stages"]}

    @property
    def cases(self) -> dict[str, str]:
        """The outcome of each case."""
        return {case["id"]: case["outcome"] for clause in self.document["clauses"] for case in clause["cases"]}

    @property
    def command_seconds(self) -> float:
        """What the product's own commands took, one after the other."""
        clauses = self.document["clauses"]
        return sum(one["seconds"] for clause in clauses for case in clause["cases"] for one in case["commands"])


@dataclass(kw_only=True)
class Bench:
    """Where things are made, how often they are measured, and on how many cores."""

    directory: Path
    rounds: int
    cores: int = os.cpu_count() or 1

    @property
    def few_rounds(self) -> int:
        """How often what takes minutes is measured."""
        return (self.rounds + 1) // 2

    @property
    def workers(self) -> tuple[str, ...]:
        """As many as `nox -s smoke` has."""
        return ("--numprocesses", str(min(8, 2 * self.cores)), "--dist", "worksteal")

    @property
    def environment(self) -> dict[str, str]:
        """What every measured command gets; all of them may keep bytecode."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        return kept | {"PYTHONDONTWRITEBYTECODE": ""}

    def place(self, name: str) -> Path:
        """Make a new directory."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))

    @cached_property
    def wheel(self) -> Path:
        """The wheel of the reference, built once."""
        place = self.place("wheel")
        environment = installer_environment(os.environ)
        return build_wheel_of_tree(
            REFERENCE, place / "dist", environment=environment, timeout=DEADLINE, log=place / "build.log"
        )

    def run(self, *argv: str | Path, cwd: Path = CHECKOUT, variables: Mapping[str, str] | None = None) -> float:
        """Run a command that must succeed; returns its seconds.

        Raises:
            TestbedError: it did not.
        """
        place = self.place("command")
        result = run_step(
            list(map(str, argv)),
            environment={**self.environment, **(variables or {})},
            cwd=cwd,
            timeout=DEADLINE,
            log=place / "output.log",
        )
        if result.exit_code != 0:
            raise TestbedError(f"'{Path(argv[0]).name}' fails: {result.key_line}", detail=result.tail)
        return result.seconds

    def smoke(
        self,
        *arguments: str | Path,
        checkout: Path = CHECKOUT,
        variables: Mapping[str, str] | None = None,
    ) -> Smoked:
        """Smoke as users do, in a process of its own, and read the verdict; errors as of `run`."""
        evidence = self.place("evidence")
        options = ("--evidence", evidence, "--dist-dir", evidence / "dist")
        seconds = self.run(sys.executable, "-m", "pytest", *arguments, *options, cwd=checkout, variables=variables)
        return Smoked(seconds=seconds, evidence=evidence)
