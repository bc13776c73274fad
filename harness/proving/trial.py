"""The trial of one entry: the release made, installed and smoked for real, in a process of its own.

Owns what happens in that process, which `jobs` starts and ends. The smoke is the one that users run, with
its own installation, sandboxes and verdict; only the interpreter and its modules are there already (`warm`).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hatchling.builders.wheel import WheelBuilder

from harness import casereport
from harness.errors import ArtifactError, HarnessError
from harness.options import DEFAULT_REFERENCE
from harness.previous import age
from harness.proving import catalogue
from harness.proving.matrix import Proof
from harness.release import manifest
from harness.release.artifact import identify
from harness.release.building import Source
from harness.verdict.clause import id_of_case

if TYPE_CHECKING:
    from collections.abc import Collection
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from harness.proving.catalogue import Entry
    from harness.verdict.document import Document


CHECKOUT = Path(__file__).resolve().parents[2]
# Nobody reads the tracebacks, and pytest takes its time over those that show source.
QUIET = ("-q", "--tb=native", "-p", "no:randomly", "-p", "no:cacheprovider")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """An entry, the cases to run against it, and the directory below which it gets one of its own.

    It ends as soon as every clause of `enough` has failed; without any it runs all its cases.
    """

    entry: Entry
    cases: tuple[str, ...]
    enough: tuple[str, ...]
    directory: Path


def run(trial: Trial, sender: Connection) -> None:
    """Run a trial in this process, which is for nothing else, and send its proof."""
    started = time.monotonic()
    prefix = f"{trial.entry.id}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=trial.directory, ignore_cleanup_errors=True) as directory:
        place = Path(directory)
        _move_in(place)
        try:
            document = _smoke(trial, _make(trial.entry, place), place)
        except HarnessError as error:
            proof = Proof(entry=trial.entry, seconds=time.monotonic() - started, problem=str(error))
        else:
            proof = Proof.of(trial.entry, document, seconds=time.monotonic() - started)
    sender.send(proof)


def forget_pytest() -> None:
    """Have a smoke that runs inside of another run not take that one's settings, or its page on CI, for its own."""
    for name in [name for name in os.environ if name.startswith(("PYTEST", "GITHUB_"))]:
        del os.environ[name]


class _UntilCaught:
    """Leaves out the cases of a clause that has failed: they could only say so again."""

    def __init__(self, clauses: Collection[str]) -> None:
        self._open = set(clauses)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        record = casereport.read(report).record
        self._open -= {record.clause} if record.outcome == "failed" else set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        return None if id_of_case(item.name) in self._open else True


def _move_in(place: Path) -> None:
    """Give this process a session, a working directory, an output and a temporary directory of its own."""
    if sys.platform != "win32":  # pragma: no branch - only Linux gets to the tests' hosts
        os.setsid()  # Ctrl-C is for whoever started it
    parent = cast("BaseProcess", multiprocessing.parent_process())
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    forget_pytest()
    os.chdir(CHECKOUT)
    with _log(place).open("ab") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    temporary = place / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)


def _end_with(parent: BaseProcess) -> None:
    """Have this process terminated when the one that asked for the trial is gone, however it went."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _make(entry: Entry, place: Path) -> Path:
    """The file or directory that the smoke is given."""
    tree = catalogue.copy(CHECKOUT / DEFAULT_REFERENCE, place / "release")
    catalogue.apply(entry, tree)
    if entry.smoked == "source":
        return tree
    wheel = _build(tree, place / "wheel")
    with suppress(ArtifactError):  # a file that nobody can identify has no manifest either
        manifest.write(wheel.parent, (identify(wheel),), Source(directory=tree, revision=None, dirty=None))
    catalogue.append(entry, wheel)
    return wheel


def _build(tree: Path, directory: Path) -> Path:
    try:
        # By the builder itself, because an isolated build takes longer than most smokes.
        [built] = WheelBuilder(str(tree)).build(directory=str(directory), versions=["standard"])
    except Exception as error:  # whatever the fault makes the builder do
        raise HarnessError(f"no wheel was built: {error}") from error
    return Path(built)


def _make_previous(version: str, place: Path) -> Path:
    """The release before: the reference as it is, at an older version."""
    return _build(age(CHECKOUT / DEFAULT_REFERENCE, place / "previous", version), place / "previous-wheel")


def _smoke(trial: Trial, artifact: Path, place: Path) -> Document:
    options = {"--artifact": artifact, "--dist-dir": place / "dist", "--evidence": place / "evidence"}
    if trial.entry.previous:
        options["--previous"] = _make_previous(trial.entry.previous, place)
    words = [str(word) for option in options.items() for word in option]
    words += ["--isolation", "processes"]  # another process would have to load pytest anew
    pytest.main([*trial.cases, *words, *QUIET], plugins=[_UntilCaught(trial.enough)] if trial.enough else [])
    verdict = place / "evidence" / "verdict.json"
    if not verdict.is_file():
        raise HarnessError(f"the smoke wrote no verdict: {_last_line(place)}")
    document: Document = json.loads(verdict.read_text(encoding="utf-8"))
    return document


def _log(place: Path) -> Path:
    return place / "output.log"


def _last_line(place: Path) -> str:
    sys.stdout.flush()
    sys.stderr.flush()
    lines = _log(place).read_text(encoding="utf-8").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
