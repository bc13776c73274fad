"""`ktx` in a sandbox, in the words of its contract: how cases run it, and what they expect by default."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    import re
    from pathlib import Path

    from typing_extensions import NotRequired

    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.invocations import Invocation
    from harness.running.result import CommandResult
    from harness.running.sandbox import Sandbox


class Status(TypedDict):
    """The runtime as `status --json` describes it; `layout` maps the contract's names to paths."""

    kind: str
    detail: str
    layout: dict[str, str]


class Check(TypedDict):
    """One check of `doctor --json`; `fix` is for those that fail."""

    id: str
    label: str
    status: str
    detail: str
    fix: NotRequired[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ktx:
    """The installed command; `executable` is how it is called, the words before its arguments."""

    sandbox: Sandbox
    contract: Contract
    executable: tuple[Path | str, ...]
    version: str

    @classmethod
    def called_by(cls, invocation: Invocation, sandbox: Sandbox, contract: Contract, artifact: Artifact) -> Ktx:
        """The command of an installed artifact in one of the ways to call it, which the sandbox makes possible."""
        sandbox.equip(invocation.path, invocation.variables)
        return cls(sandbox=sandbox, contract=contract, executable=invocation.words, version=artifact.version)

    @property
    def root(self) -> Path:
        """Where its runtimes live; it does not exist until somebody makes it."""
        return self.sandbox.runtime_root

    @property
    def runtime(self) -> Path:
        """The runtime of the version under test."""
        return self.root / self.version

    def run(self, command: str, *options: str, leaves_processes: bool = False) -> CommandResult:
        """Run a command of the contract that must succeed."""
        result = self.attempt(command, *options, leaves_processes=leaves_processes)
        assert result.exit_code == 0, f"expected success, was {result.ending}: {_first_line(result)}"
        return result

    def fail(self, command: str, *options: str, says: str) -> CommandResult:
        """Run a command that must fail: silent on stdout, with this message of the contract on stderr."""
        result = self.attempt(command, *options)
        code = result.exit_code
        assert code is not None, f"expected a failure, {result.ending}"
        assert code > 0, f"expected a nonzero exit code, was {result.ending}"
        assert result.stdout == "", f"expected nothing on stdout, was '{result.lines[0]}'"
        assert self.message(says).search(result.stderr), f"stderr does not say '{says}': {_first_line(result)}"
        return result

    def attempt(self, command: str, *options: str, leaves_processes: bool = False) -> CommandResult:
        """Run a command of the contract; how it ends is for the case."""
        return self.sandbox.run(*self.words(command, *options), leaves_processes=leaves_processes)

    def words(self, command: str, *options: str) -> tuple[str, ...]:
        """The whole command line."""
        return (*map(str, self.executable), *self.contract.commands[command], *options)

    def message(self, name: str) -> re.Pattern[str]:
        """A message of the contract."""
        return self.contract.messages[name]

    def status(self) -> Status:
        """What `status --json` says."""
        return cast("Status", json.loads(self.run("status", "--json").stdout))

    def checks(self) -> list[Check]:
        """The checks of `doctor --json`, whatever their outcome."""
        checks: list[Check] = json.loads(self.attempt("doctor", "--json").stdout)["checks"]
        assert all({"id", "label", "status", "detail"} <= set(check) for check in checks)
        return checks

    @property
    def manifest(self) -> Path:
        """What an installed runtime says of itself."""
        return self.runtime / "manifest.json"

    def listed(self, result: CommandResult, title: str) -> tuple[str, ...]:
        """The paths below a title, one a line: the title must be the first line."""
        first, *rest = result.lines or ("",)
        assert self.message(title).search(first), f"expected the title '{title}', was '{first}'"
        return tuple(rest)


def _first_line(result: CommandResult) -> str:
    said = (result.stderr or result.stdout).strip()
    return f"'{said.splitlines()[0]}'" if said else "it said nothing"
