"""A release of several files: smoked file by file, a session with a verdict each, and one exit code for all.

Sessions are processes of their own, one after the other, with the command line that the user typed: what
is true of one file says nothing about another. Which verdict is the worst is for `verdict.evidence`.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import ArtifactError, UsageError
from harness.options import references_of
from harness.release import manifest, npmpackage
from harness.release.artifact import SUFFIXES, identify
from harness.verdict.archive import make_run, point_latest
from harness.verdict.evidence import EXIT_CODES, worst_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

    import pytest

    from harness.verdict.document import Document
    from harness.verdict.evidence import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What the session of one file said, if it got as far as a verdict."""

    reference: str
    exit_code: int
    document: Document | None

    @property
    def verdict(self) -> Verdict:
        return self.document["verdict"] if self.document else "internal-error"

    @property
    def file(self) -> str:
        return (self.document["artifact"]["file"] if self.document else None) or self.reference


def is_series(config: pytest.Config) -> bool:
    """Whether the command line asks for more than one file, and this is not the session of one of them."""
    if config.option.one_of_release is not None:
        return False
    return len(references_of(config)) > 1 or _is_source_with_both(config)


def demand_one_release(config: pytest.Config) -> None:
    """Require that several references are files of one version of one package; UsageError otherwise."""
    if config.option.xmlpath:
        raise UsageError("--junitxml names one file, and each file of the release has a report of its own")
    references = references_of(config)
    if len(references) == 1:
        return
    said: dict[str, str] = {}
    for reference in references:
        with suppress(ArtifactError):  # the session of this file says so
            artifact = identify(config.invocation_params.dir / reference)
            said[reference] = f"'{artifact.name}' {artifact.version}"
    if len(set(said.values())) > 1:
        found = ", ".join(f"'{reference}' is {what}" for reference, what in said.items())
        raise UsageError(f"--artifact must name files of one release: {found}")
    if len(set(references)) < len(references):
        raise UsageError("--artifact names the same file twice")


def smoke_each(config: pytest.Config) -> int:
    """Smoke every file of the release, and tell how each came out; the exit code is that of the worst.

    Raises:
        UsageError, TestbedError: there is no place for the evidence.
    """
    started = time.monotonic()
    wanted = config.option.evidence
    run = make_run(config.rootpath, config.invocation_params.dir / wanted if wanted else None)
    series = _Series(config, run)
    with series.passing_on_signals():
        series.smoke_built() if _is_source_with_both(config) else series.smoke_given()
    point_latest(run)
    for line in series.summary(time.monotonic() - started):
        sys.stdout.write(f"{line}\n")
    return series.exit_code


class _Series:
    """The sessions of one release, as far as they got."""

    def __init__(self, config: pytest.Config, run: Path) -> None:
        self._directory = config.invocation_params.dir
        self._command = [sys.executable, "-m", "pytest", *map(str, config.invocation_params.args)]
        self._references = references_of(config)
        self._dist: Path = self._directory / config.option.dist_dir
        self._run = run
        self._outcomes: list[_Outcome] = []
        self._running: subprocess.Popen[bytes] | None = None
        self._interrupted = threading.Event()
        for verdict in run.glob("*/verdict.json"):  # an earlier run's, which this one may never replace
            verdict.unlink()

    def smoke_given(self) -> None:
        """Smoke the files that were named."""
        for number, reference in enumerate(self._references, start=1):
            kind = next((SUFFIXES[suffix] for suffix in SUFFIXES if reference.endswith(suffix)), "wheel")
            self._smoke(reference, f"{number}-{kind}")

    def smoke_built(self) -> None:
        """Build a source once, and smoke the wheel, then the sdist that was built with it."""
        self._smoke(self._references[0], "wheel", "--build", "wheel")
        sdist = self._built_with(self._outcomes[0].document)
        if sdist is not None:
            self._smoke(str(sdist), "sdist", "--build", "sdist")

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
        yield f"release:   {len(self._outcomes)} files"
        for outcome in self._outcomes:
            yield f"  {outcome.verdict:<14} {outcome.file}"
        yield f"evidence:  {self._run}"
        yield f"verdict:   {self.verdict} in {seconds:.1f} s"

    @contextmanager
    def passing_on_signals(self) -> Iterator[None]:
        """Tell the session that runs of an interrupt, once: it would also hear it from the terminal."""
        caught = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._interrupt) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupted.set()
        if self._running is not None:
            with suppress(ProcessLookupError):
                self._running.send_signal(signal.SIGINT)

    def _smoke(self, reference: str, name: str, *options: str) -> None:
        if self._interrupted.is_set():
            return
        evidence = self._run / name
        words = [*self._command, "--one-of-release", reference, "--evidence", str(evidence), *options]
        sys.stdout.flush()
        self._running = subprocess.Popen(words, cwd=self._directory, start_new_session=True)
        if self._interrupted.is_set():  # in the moment before there was anything to tell
            self._running.send_signal(signal.SIGINT)
        exit_code = self._running.wait()
        self._running = None
        verdict = evidence / "verdict.json"
        document: Document | None = json.loads(verdict.read_bytes()) if verdict.is_file() else None
        self._outcomes.append(_Outcome(reference=reference, exit_code=exit_code, document=document))

    def _built_with(self, document: Document | None) -> Path | None:
        """The sdist of the build that made a wheel; of none, when that did not get so far."""
        release = manifest.read(self._dist)
        wheel = document["artifact"]["sha256"] if document else None
        if release is None or wheel not in {entry.sha256 for entry in release.entries}:
            return None
        [sdist] = [self._dist / entry.file for entry in release.entries if entry.kind == "sdist"]
        return sdist


def _is_source_with_both(config: pytest.Config) -> bool:
    source = config.invocation_params.dir / references_of(config)[0]
    return config.option.build == "both" and source.is_dir() and not npmpackage.is_source(source)
