"""A release smoked more than once: file by file, Python by Python, with a verdict each and one exit code for all.

Sessions are processes of their own, one after the other, with the command line that the user typed: what
is true of one file says nothing about another. Which verdict is the worst is for `verdict.merging`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import tomli
from packaging.specifiers import InvalidSpecifier

from harness.errors import ArtifactError, HarnessError, UsageError
from harness.interrupts import STARTED_BY, heard_by
from harness.options import ALL_PYTHONS, references_of
from harness.release import interpreters, manifest, npmpackage
from harness.release.artifact import SUFFIXES, identify
from harness.release.registry import parse
from harness.verdict.archive import make_run, point_latest
from harness.verdict.evidence import EXIT_CODES, worst_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pytest

    from harness.verdict.document import Document
    from harness.verdict.evidence import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What a session said, if it got as far as a verdict."""

    reference: str
    exit_code: int
    document: Document | None

    @property
    def verdict(self) -> Verdict:
        return self.document["verdict"] if self.document else "internal-error"

    def __str__(self) -> str:
        file = (self.document["artifact"]["file"] if self.document else None) or self.reference
        installation = self.document["installation"] if self.document else None
        where = f" on Python {installation['python']}" if installation else ""
        return f"{self.verdict:<14} {file}{where}"


def is_series(config: pytest.Config) -> bool:
    """Whether the command line asks for more than one session, and this is not one of them."""
    option = config.option
    if option.one_of_release is not None:
        return False
    source = _path(config, references_of(config)[0])
    has_two = _is_on_pypi(references_of(config)[0]) or (source.is_dir() and not npmpackage.is_source(source))
    both = option.build == "both" and has_two
    return len(references_of(config)) > 1 or both or option.python == ALL_PYTHONS


@dataclass(frozen=True, kw_only=True, slots=True)
class Pythons:
    """The versions to smoke on with their interpreters, and those not here; ("", "") is what the user chose."""

    found: tuple[tuple[str, str], ...] = (("", ""),)
    missing: tuple[str, ...] = ()


def plan(config: pytest.Config) -> Pythons:
    """Find out what there is to smoke on.

    Raises:
        UsageError: the references are not files of one release, or no interpreter is here.
    """
    if config.option.xmlpath:
        raise UsageError("--junitxml names one file, and each session has a report of its own")
    references = references_of(config)
    if len(references) > 1:
        _demand_one_release(config, references)
    if config.option.python != ALL_PYTHONS:
        return Pythons()
    if parse(references[0]) is not None:
        # The first session could tell, but not whether it should have been one on this Python.
        hint = "smoke the file that it downloads, or name each Python"
        raise UsageError(f"which Pythons '{references[0]}' admits is not known before it is downloaded", hint=hint)
    wanted = interpreters.admitted(_requires_python(_path(config, references[0])))
    found = {version: str(path) for version in wanted if (path := interpreters.find(version))}
    if not found:
        raise UsageError(f"--python {ALL_PYTHONS} finds none of {', '.join(wanted) or 'no version'}")
    return Pythons(found=tuple(found.items()), missing=tuple(version for version in wanted if version not in found))


def _demand_one_release(config: pytest.Config, references: Sequence[str]) -> None:
    said: dict[str, str] = {}
    for reference in references:
        if (spec := parse(reference)) is not None:
            hint = "--build both smokes its wheel and its sdist" if spec.scheme == "pypi" else ""
            raise UsageError(f"'{spec}' stands alone: the others may be of another release", hint=hint)
        with suppress(ArtifactError):  # the session of this file says so
            artifact = identify(_path(config, reference))
            said[reference] = f"'{artifact.name}' {artifact.version}"
    if len(set(said.values())) > 1:
        found = ", ".join(f"'{reference}' is {what}" for reference, what in said.items())
        raise UsageError(f"--artifact must name files of one release: {found}")
    if len(set(references)) < len(references):
        raise UsageError("--artifact names the same file twice")


def smoke_each(config: pytest.Config, pythons: Pythons) -> int:
    """Run every session, and tell how each came out; the exit code is that of the worst.

    Raises:
        UsageError, TestbedError: there is no place for the evidence.
    """
    started = time.monotonic()
    wanted = config.option.evidence
    run = make_run(config.rootpath, _path(config, wanted) if wanted else None)
    series = _Series(config, run, pythons)
    with heard_by(series.interrupt):
        series.run()
    point_latest(run)
    for line in series.summary(time.monotonic() - started):
        sys.stdout.write(f"{line}\n")
    return series.exit_code


class _Series:
    """The sessions, as far as they got."""

    def __init__(self, config: pytest.Config, run: Path, pythons: Pythons) -> None:
        self._config = config
        self._pythons = pythons
        self._run = run
        self._outcomes: list[_Outcome] = []
        self._running: subprocess.Popen[bytes] | None = None
        self._interrupted = threading.Event()
        for verdict in run.glob("*/verdict.json"):  # an earlier run's, which this one may never replace
            verdict.unlink()

    def run(self) -> None:
        """Smoke each file on each Python."""
        references, build = references_of(self._config), self._config.option.build
        for number, reference in enumerate(references, start=1):
            is_published = parse(reference) is not None
            is_file = _path(self._config, reference).is_file()
            kinds = _kinds(_path(self._config, reference), build)
            for kind, (version, python) in product(kinds, self._pythons.found):
                file = reference if is_file or is_published else self._built(reference, kind)
                if file is None or self._interrupted.is_set():
                    return
                words = ([str(number)] if len(references) > 1 else []) + [kind]
                words += [f"python-{version}"] if version else []
                options = [] if is_file or kind == "npm" else ["--build", kind]
                options += ["--python", python] if python else []
                options += self._downloaded() if is_published else []
                self._smoke(file, "-".join(words), *options)

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return worst_of([outcome.verdict for outcome in self._outcomes] + ["interrupted"] * self._interrupted.is_set())

    @property
    def exit_code(self) -> int:
        """What the worst session said."""
        said = [outcome.exit_code for outcome in self._outcomes if outcome.verdict == self.verdict]
        return said[0] if said else EXIT_CODES[self.verdict]

    def summary(self, seconds: float) -> Iterator[str]:
        """The lines to print at the end."""
        yield ""
        yield f"release:   {len(self._outcomes)} sessions"
        for outcome in self._outcomes:
            yield f"  {outcome}"
        for version in self._pythons.missing:
            yield f"  {'not found':<14} Python {version}"
        yield f"evidence:  {self._run}"
        yield f"verdict:   {self.verdict} in {seconds:.1f} s"

    def interrupt(self) -> None:
        """Tell the session that runs of an interrupt, once: it would also hear it from the terminal."""
        self._interrupted.set()
        if self._running is not None:
            with suppress(ProcessLookupError):
                self._running.send_signal(signal.SIGINT)

    def _smoke(self, reference: str, name: str, *options: str) -> None:
        evidence = self._run / name
        invocation = self._config.invocation_params
        words = [sys.executable, "-m", "pytest", *map(str, invocation.args)]
        words += ["--one-of-release", reference, "--evidence", str(evidence), *options]
        sys.stdout.flush()
        environment = os.environ | {STARTED_BY: str(os.getpid())}
        self._running = subprocess.Popen(words, cwd=invocation.dir, env=environment, start_new_session=True)
        if self._interrupted.is_set():  # in the moment before there was anything to tell
            self._running.send_signal(signal.SIGINT)
        exit_code = self._running.wait()
        self._running = None
        verdict = evidence / "verdict.json"
        document: Document | None = json.loads(verdict.read_bytes()) if verdict.is_file() else None
        self._outcomes.append(_Outcome(reference=reference, exit_code=exit_code, document=document))

    def _downloaded(self) -> list[str]:
        """The option that tells a session of the file that an earlier one had of the same release."""
        documents = [outcome.document for outcome in self._outcomes if outcome.document]
        files = [document["artifact"]["file"] for document in documents]
        return [word for file in files if file for word in ("--artifact", str(self._config.rootpath / file))]

    def _built(self, source: str, kind: str) -> str | None:
        """A file of the source: the source itself at first, then what the first session built, if it could."""
        if not self._outcomes:
            return source
        document = self._outcomes[0].document
        release = manifest.read(_path(self._config, self._config.option.dist_dir))
        smoked = document["artifact"]["sha256"] if document else None
        if release is None or smoked not in {entry.sha256 for entry in release.entries}:
            return None
        return next(str(release.directory / entry.file) for entry in release.entries if entry.kind == kind)


def _kinds(path: Path, build: str) -> tuple[str, ...]:
    """What a reference is smoked as."""
    if npmpackage.is_source(path):
        return ("npm",)
    if path.is_file():
        return (next((SUFFIXES[suffix] for suffix in SUFFIXES if path.name.endswith(suffix)), "wheel"),)
    return ("wheel", "sdist") if build == "both" else (build,)


def _is_on_pypi(reference: str) -> bool:
    with suppress(UsageError):  # the session says so
        spec = parse(reference)
        return spec is not None and spec.scheme == "pypi"
    return False


def _path(config: pytest.Config, reference: str) -> Path:
    return config.invocation_params.dir / reference


def _requires_python(path: Path) -> str:
    """What a file or a source says of Pythons; one that cannot be read admits any, its session will say more."""
    try:
        if path.is_file():
            return identify(path).requires_python
        project = tomli.loads((path / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
        requires = str(project.get("requires-python", ""))
        interpreters.admitted(requires)
    except (OSError, HarnessError, tomli.TOMLDecodeError, UnicodeDecodeError, InvalidSpecifier):
        return ""
    return requires
