"""One file at the gate: reads it, its statements and its contract, and has `checks` judge them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from harness.errors import HarnessError, UsageError
from harness.gate.checks import RefusedError, TrustedKey, authentic, demands, objections, uncovered
from harness.gate.policy import Part
from harness.release.artifact import Artifact, identify
from harness.release.contract import choose
from harness.release.invocations import DEFAULT
from harness.verdict.attestation import Attested
from harness.verdict.configuration import digest_of_file, digest_of_harness
from harness.verdict.envelope import file_beside
from harness.verdict.keys import load_public

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from harness.gate.policy import Policy
    from harness.verdict.clause import Clause

_NEVER = date.max
_LARGEST = 16 << 20  # bytes of statements: a smoke's are some 10,000


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """A file that may be released."""

    file: Path
    sha256: str
    part: Part
    version: str
    statements: tuple[Attested, ...]

    def __str__(self) -> str:
        settings = ", ".join(
            f"Python {python} with {installer} on {system}{'' if way == DEFAULT else f' by {way}'}"
            for python, installer, system, way in sorted(attested.setting for attested in self.statements)
        )
        missed = sorted({clause for attested in self.statements for clause in attested.warned})
        return f"{self.file}: smoked on {settings}{'; misses ' if missed else ''}{', '.join(missed)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """Everything that a file is held to; `contract` is a name, a file, or None for the one that is for the file."""

    policy: Policy
    trusted: Sequence[TrustedKey]
    max_age: timedelta | None
    clauses: Sequence[Clause]
    cases: Path
    contract: str | None
    now: datetime

    def inspect(self, file: Path) -> Passed | Sequence[str]:
        """Let a file pass, or say why not, one line a reason."""
        try:
            artifact, lines = _read(file)
            return self.judge(artifact, lines, file)
        except RefusedError as error:
            return (str(error),)
        except HarnessError as error:
            return (str(error),)
        except OSError as error:
            return (f"cannot be read: {error.strerror}",)

    def judge(self, path: Path, lines: Sequence[bytes], file: Path) -> Passed | Sequence[str]:
        """The same for a file whose lines of statements were read.

        Raises:
            HarnessError: the file is no artifact, or there is no contract for it.
        """
        sha256 = digest_of_file(path)
        statements, refusals = self._authentic(lines, path.name, sha256)
        if refusals:
            return refusals
        artifact = identify(path)
        refusals = [*self._objections(artifact, statements), *uncovered(statements, self.policy)]
        if refusals:
            return refusals
        return Passed(
            file=file,
            sha256=sha256,
            part=Part(kind=artifact.kind, name=canonicalize_name(artifact.name)),
            version=artifact.version,
            statements=tuple(statements),
        )

    def _authentic(self, lines: Sequence[bytes], name: str, sha256: str) -> tuple[list[Attested], list[str]]:
        found = [self._statement(line, name, sha256) for line in lines]
        refusals = [f"statement {number} {each}" for number, each in enumerate(found, start=1) if isinstance(each, str)]
        if len(refusals) > 1:  # of a file that is something else altogether, the first line says enough
            refusals = [f"{refusals[0]} (and {len(refusals) - 1} more)"]
        return [each for each in found if isinstance(each, Attested)], refusals

    def _statement(self, line: bytes, name: str, sha256: str) -> Attested | str:
        try:
            return authentic(line, name=name, sha256=sha256, trusted=self.trusted, now=self.now, max_age=self.max_age)
        except RefusedError as error:
            return str(error)

    def _objections(self, artifact: Artifact, statements: Sequence[Attested]) -> Iterator[str]:
        contract = choose(self.cases / "contracts", artifact, self.contract, stands_in=Path())
        demanded = demands(contract, digest_of_file(contract.path), digest_of_harness(self.cases), self.clauses)
        for attested in statements:
            for objection in objections(attested, demanded, self.policy, self.now.date()):
                yield f"statement of the smoke on Python {' with '.join(attested.setting[:2])} {objection}"


def trusted_keys(policy: Policy, named: Sequence[Path]) -> tuple[TrustedKey, ...]:
    """The keys of the policy, narrowed to those that are named on the command line, if any are; else the latter.

    Raises:
        UsageError: a key cannot be read, or the policy names keys and not this one.
    """
    ours = [
        TrustedKey(key=load_public(each.file), name=each.file.name, expires=each.expires) for each in policy.trusted
    ]
    theirs = {path: load_public(path) for path in named}
    if not ours:
        return tuple(TrustedKey(key=key, name=path.name, expires=_NEVER) for path, key in theirs.items())
    for path, key in theirs.items():
        if key.keyid not in {each.key.keyid for each in ours}:
            raise UsageError(f"the policy does not trust '{path}'")
    chosen = {key.keyid for key in theirs.values()}
    return tuple(each for each in ours if not chosen or each.key.keyid in chosen)


def _read(file: Path) -> tuple[Path, Sequence[bytes]]:
    """The file that is meant, links followed, and the lines beside it."""
    if file.is_dir():
        raise RefusedError(_about_directory(file))
    if not file.is_file():
        raise RefusedError("is not a file" if file.exists() else "there is no such file")
    path = file.resolve()
    beside = file_beside(path)
    if not beside.is_file():
        raise RefusedError(f"has no statement, there is no '{beside.name}' beside it")
    if beside.stat().st_size > _LARGEST:
        raise RefusedError(f"has statements of more than {_LARGEST} bytes, which no smoke writes")
    lines = beside.read_bytes().splitlines(keepends=True)
    if not lines:
        raise RefusedError(f"has no statement, '{beside.name}' is empty")
    return path, lines


def _about_directory(directory: Path) -> str:
    """Somebody may take the evidence of a run for its artifact, and the run for one that ended."""
    verdict = directory / "verdict.json"
    if not verdict.is_file():
        return "is a directory, and no evidence of a run that came to a verdict"
    try:
        word = json.loads(verdict.read_bytes())["verdict"]
    except (ValueError, KeyError, TypeError):
        word = "unreadable"
    return f"is the evidence of a run, whose verdict is '{word}'; released are files"
