"""The evidence directory of a run: made, kept to the last ten, `latest` pointing to a whole one.

Owns places and how files get there; what is in them is for others. A scratch directory outside of the
checkout belongs to each run as well, for environments and sandboxes: products look for settings in the
directories above them, and must not find the checkout's.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError, TestbedError, UsageError
from harness.wholefile import forget_unfinished, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT_RUNS = 10
SCRATCH_PREFIX = "smoke-"
LOCK = "run.lock"  # held while a run lives
_RUN = re.compile(r"\d{8}T\d{6}-\d+")  # anything else in there is somebody's own
_SCRATCH_NOTE = "scratch.txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """Where a run puts its evidence, and where it works."""

    evidence: Path
    scratch: Path

    @property
    def verdict(self) -> Path:
        """The verdict for machines."""
        return self.evidence / "verdict.json"

    @property
    def report(self) -> Path:
        """The verdict for people with a browser."""
        return self.evidence / "report.html"

    @property
    def summary(self) -> Path:
        """The verdict for a CI service's page."""
        return self.evidence / "summary.md"

    @property
    def junit(self) -> Path:
        """The cases for tools that read JUnit's format."""
        return self.evidence / "junit.xml"

    @property
    def sandboxes(self) -> Path:
        """Where the sandboxes of the cases are, of each worker in a directory of its own."""
        return self.scratch / "sandboxes"

    @property
    def kept_sandboxes(self) -> Path:
        """Where they are put when they would not outlive the session."""
        return self.scratch / "kept-sandboxes"

    @property
    def temporary(self) -> Path:
        """The temporary files of builds and installers."""
        return self.scratch / "tmp"

    @property
    def is_kept(self) -> bool:
        """Whether the scratch directory is still there for people to look at."""
        return (self.evidence / _SCRATCH_NOTE).exists()

    def write_verdict(self, verdict: Mapping[str, object]) -> None:
        """Write `verdict.json` in one step, so that nobody reads half of it."""
        text = json.dumps(verdict, indent=1, ensure_ascii=True) + "\n"
        write_whole(self.verdict, text.encode("ascii"))

    def remove_scratch(self) -> None:
        """Remove what nobody needs after a run without failures."""
        clear_away(self.scratch)
        self.forget_scratch()

    def forget_scratch(self) -> None:
        """Say that nobody needs it, and leave removing it to somebody else."""
        (self.evidence / _SCRATCH_NOTE).unlink(missing_ok=True)


def open_archive(checkout: Path, wanted: Path | None, scratch: Path | None = None) -> Archive:
    """Make the directories of a run: the one asked for, or one below `.smoke/` named after time and process.

    Where it works may have been made before.

    Raises:
        UsageError: the directory asked for cannot be written.
        TestbedError: the default one, or the scratch directory, cannot; or the disk is full.
    """
    scratch = scratch or make_scratch()
    try:
        evidence = make_run(checkout, wanted, note=f"{scratch}\n")
    except HarnessError:
        clear_away(scratch)
        raise
    return Archive(evidence=evidence, scratch=scratch)


def make_run(checkout: Path, wanted: Path | None, *, note: str = "") -> Path:
    """Make the evidence directory alone, of a run that works elsewhere; errors as of `open_archive`.

    `note` says where that is.
    """
    runs = checkout / ".smoke"
    evidence = wanted or runs / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
    try:
        evidence.mkdir(parents=True, exist_ok=True)
        (evidence / "verdict.json").unlink(missing_ok=True)  # an earlier run's, which this one may never replace
        if note:
            write_whole(evidence / _SCRATCH_NOTE, os.fsencode(note))
    except OSError as error:
        message = f"evidence directory '{evidence}' cannot be written: {error.strerror}"
        if wanted is not None and error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise UsageError(message) from error
        raise TestbedError(message) from error
    if wanted is None:
        _forget_old(runs)
    return evidence


def make_scratch() -> Path:
    """Make the directory in which a run works; TestbedError when it cannot be made."""
    try:
        return Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX)).resolve()
    except OSError as error:
        raise TestbedError(f"no temporary directory can be made: {error.strerror}") from error


def clear_away(scratch: Path) -> None:
    """Remove the directory in which a run worked: the lock last, by which it is found if this is cut short."""
    with contextlib.suppress(OSError):
        for path in scratch.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK:
                path.unlink()
        if not any(path.name != LOCK for path in scratch.iterdir()):
            shutil.rmtree(scratch, ignore_errors=True)


def point_latest(evidence: Path) -> None:
    """Let `latest` point to this run, if it is one of the checkout's own."""
    if evidence.parent.name == ".smoke":
        forget_unfinished(evidence.with_name("latest"))
        temporary = evidence.with_name(f".latest-{os.getpid()}")
        with contextlib.suppress(OSError):  # no links on this machine; the runs' names still sort by time
            temporary.symlink_to(evidence.name, target_is_directory=True)
            temporary.replace(evidence.with_name("latest"))


def _forget_old(runs: Path) -> None:
    """Remove all but the last runs, each with the scratch directory that it left for inspection."""
    ended = sorted(path for path in runs.iterdir() if _RUN.fullmatch(path.name) and path.is_dir())
    for run in ended[:-_KEPT_RUNS]:
        for note in run.rglob(_SCRATCH_NOTE):
            scratch = Path(os.fsdecode(note.read_bytes()).strip())
            if scratch.name.startswith(SCRATCH_PREFIX) and scratch.parent == Path(tempfile.gettempdir()).resolve():
                shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(run, ignore_errors=True)
