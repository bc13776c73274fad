"""One smoke session: what is known of it so far, and its end.

Every worker has one; only the one in the process that the user started hears all reports and judges.
"""

from __future__ import annotations

import json
import platform
import shlex
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import TestbedError, UsageError
from harness.preparation import Preparation, read_if_done
from harness.verdict import document
from harness.verdict.archive import Archive, point_latest
from harness.verdict.archive import replace as write_whole
from harness.verdict.clause import Clause, clauses_of
from harness.verdict.evidence import CaseRecord, Fate, exit_code, records, verdict_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.options import Settings

_RANK = ("passed", "not-applicable", "not-selected", "not-run", "failed")


class Session:
    """The state of a session; `document` is the verdict as it was written, once there is one."""

    def __init__(self, *, cases: Path, settings: Settings, archive: Archive, worker: str | None) -> None:
        self.settings = settings
        self.archive = archive
        self.worker = worker
        self.clauses: Sequence[Clause] = clauses_of(cases)
        self.clauses_by_id = {clause.id: clause for clause in self.clauses}
        self.document: document.Document | None = None
        self._started = time.time()
        self._cases: dict[str, CaseRecord] = {}
        self._testbed_fault = ""
        self._check_reference()

    def note_selected(self, cases: Sequence[str]) -> None:
        """Write down which cases are to run: without a worker's help its controller would not know."""
        path = self.archive.scratch / f"selected-{self.worker or 'main'}.json"
        write_whole(path, json.dumps(list(cases)).encode())

    def note_testbed_fault(self, reason: str) -> None:
        """Remember the first thing that the machine did wrong."""
        self._testbed_fault = self._testbed_fault or reason

    def add(self, phase: CaseRecord) -> None:
        """Add one phase of a case (setup, call, teardown); its worst outcome counts."""
        known = self._cases.get(phase.id)
        if known is None:
            self._cases[phase.id] = phase
            return
        worse = max(known, phase, key=lambda record: _RANK.index(record.outcome))
        self._cases[phase.id] = replace(
            worse,
            seconds=known.seconds + phase.seconds,
            breaches=tuple(dict.fromkeys(known.breaches + phase.breaches)),
            commands=phase.commands or known.commands,
        )

    def finish(self, exit_status: int) -> int:
        """Judge, write the verdict, tidy up; returns the exit code of the process."""
        preparation = read_if_done(self.archive)
        fate = self._fate(preparation, exit_status)
        outcome = records(self.clauses, tuple(self._cases.values()), self._selected(), fate)
        verdict = verdict_of(outcome, fate)
        self.document = document.assemble(
            verdict=verdict,
            reason=fate.reason,
            reference=self.settings.reference,
            preparation=preparation,
            clauses=outcome,
            started_at=self._started,
            seconds=time.time() - self._started,
            system=platform.platform(),
            checkout=self.settings.checkout,
        )
        self.archive.write_verdict(self.document)
        point_latest(self.archive)
        if all(case.outcome != "failed" for case in self._cases.values()):
            self.archive.remove_scratch()
        return exit_code(verdict, strict=self.settings.strict, pytest_says=exit_status)

    def replay(self, nodeid: str) -> str:
        """The command that runs this one case again, on the same artifact."""
        artifact = read_if_done(self.archive).artifact
        reference = str(artifact.path) if artifact is not None else self.settings.reference
        words = ["python", "-m", "pytest", nodeid, "--artifact", reference]
        words += ["--installer", self.settings.installer]
        words += ["--python", self.settings.python] if self.settings.python else []
        return shlex.join(words)

    @staticmethod
    def refuse(archive: Archive, references: Sequence[str] | None, reason: str) -> None:
        """Write the verdict on a command line that makes no sense."""
        reference = " ".join(references or ())
        archive.write_verdict(document.refusal(reference=reference, reason=reason, started_at=time.time()))
        point_latest(archive)
        archive.remove_scratch()

    def _check_reference(self) -> None:
        path = self.settings.invoked_in / self.settings.reference
        if not path.exists():
            raise UsageError(f"there is no '{self.settings.reference}' to smoke")
        if path.is_dir() and not (path / "pyproject.toml").is_file():
            raise UsageError(f"'{self.settings.reference}' has no pyproject.toml, so it cannot be built")
        if path.is_file() and not path.name.endswith((".whl", ".tar.gz")):
            raise UsageError(f"'{self.settings.reference}' is neither a directory nor a .whl nor a .tar.gz")

    def _selected(self) -> frozenset[str]:
        paths = self.archive.scratch.glob("selected-*.json")
        return frozenset(case for path in paths for case in json.loads(path.read_text(encoding="utf-8")))

    def _fate(self, preparation: Preparation, exit_status: int) -> Fate:
        failure = preparation.failure
        if self._testbed_fault:
            return Fate(exit_status=exit_status, fault="testbed-fault", reason=self._testbed_fault)
        if isinstance(failure, TestbedError):
            return Fate(exit_status=exit_status, fault="testbed-fault", reason=str(failure))
        if isinstance(failure, UsageError):
            return Fate(exit_status=exit_status, fault="usage-error", reason=str(failure))
        if preparation.broken_stage is not None:
            stage = preparation.broken_stage
            return Fate(exit_status=exit_status, fault="unusable", stage=stage, reason=str(failure))
        return Fate(exit_status=exit_status)
