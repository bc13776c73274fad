"""One smoke session: what is known of it so far, and its end.

Every worker has one; only the one in the process that the user started hears all reports and judges.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import deadruns, ramdisk
from harness.canaries import Canaries
from harness.errors import TestbedError, UsageError
from harness.masking import Mask
from harness.preparation import Preparation, read_if_done
from harness.release import invocations, npmpackage
from harness.release.artifact import SUFFIXES
from harness.release.installers import INSTALLERS
from harness.release.registry import parse
from harness.running import processes
from harness.verdict import document, publish
from harness.verdict.archive import Archive, point_latest
from harness.verdict.clause import Clause, clauses_of, id_of_case
from harness.verdict.evidence import EXIT_CODES, CaseRecord, Fate, exit_code, records, verdict_of
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.attesting import Attestor
    from harness.options import Settings
    from harness.verdict.evidence import Verdict

_RANK = ("passed", "not-applicable", "not-selected", "not-run", "failed")


class Session:
    """The state of a session; `document` is the verdict as it was written, once there is one.

    `statement` says in one line what became of its signed statement, if one was asked for.
    """

    def __init__(self, *, cases: Path, settings: Settings, archive: Archive, worker: str | None) -> None:
        self.settings = settings
        self.archive = archive
        self.worker = worker
        self.mask = Mask.of(os.environ)
        self.clauses: Sequence[Clause] = clauses_of(cases, invocations=len(settings.invocations))
        self.clauses_by_id = {clause.id: clause for clause in self.clauses}
        self.document: document.Document | None = None
        self.statement = ""
        self._started = time.time()
        self._cases: dict[str, CaseRecord] = {}
        self._called: set[str] = set()
        self._testbed_fault = ""
        self._others = processes.children()
        if worker is not None:
            (archive.scratch / f"{os.getpid()}.pid").touch()  # the name says it, even on a full disk
        self._check_reference()
        self._check_invocation()
        self._attestor = _attestor(settings, archive) if worker is None else None
        watches = worker is None and settings.isolated_in is None  # or somebody does from outside
        self._canaries = Canaries.place(Path.home(), settings.checkout, archive.scratch) if watches else None

    @property
    def workers(self) -> frozenset[int]:
        """The pids of the workers that there were."""
        return frozenset(int(path.stem) for path in self.archive.scratch.glob("*.pid"))

    def note_selected(self, cases: Sequence[str]) -> None:
        """Write down which cases are to run: without a worker's help its controller would not know."""
        path = self.archive.scratch / f"selected-{self.worker or 'main'}.json"
        write_whole(path, json.dumps(list(cases)).encode())

    def note_testbed_fault(self, reason: str) -> None:
        """Remember the first thing that the machine did wrong."""
        self._testbed_fault = self._testbed_fault or reason

    def add(self, phase: CaseRecord, *, is_call: bool) -> None:
        """Add one phase of a case (setup, call, teardown); its worst outcome counts."""
        self._called |= {phase.id} if is_call else set()
        known = self._cases.get(phase.id)
        if known is None:
            self._cases[phase.id] = phase
            return
        worse = max(known, phase, key=lambda record: _RANK.index(record.outcome))
        self._cases[phase.id] = replace(
            worse,
            started=known.started,
            seconds=known.seconds + phase.seconds,
            breaches=tuple(dict.fromkeys(known.breaches + phase.breaches)),
            commands=phase.commands or known.commands,
        )

    def finish(self, exit_status: int) -> int:
        """Judge, write the verdict, tidy up; returns the exit code of the process."""
        preparation = read_if_done(self.archive)
        if self._canaries is not None and (disturbed := self._canaries.disturbed()):
            self.note_testbed_fault(disturbed)
        self._end_leftovers()
        fate = self._fate(preparation, exit_status)
        outcome = records(self.clauses, tuple(self._ended_cases()), self._selected(), fate)
        verdict = verdict_of(outcome, fate)
        assembled = document.assemble(
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
        self.document = publish.masked(assembled, self.mask)
        self._tidy_up()
        try:
            publish.publish(self.archive, self.document)
            if self.archive.is_kept and self.settings.isolated_in is None:  # or whoever isolated it does
                deadruns.leave(self.archive.scratch)
        except OSError as error:
            self.document["verdict"] = "testbed-fault"
            self.document["reason"] = f"cannot write to '{self.archive.evidence}': {error.strerror}"
            return EXIT_CODES["testbed-fault"]
        point_latest(self.archive.evidence)
        if self._attestor is not None:
            try:
                self.statement = self._attestor.attest(self.document, preparation)
            except OSError as error:
                self.statement = f"none: '{error.filename}' cannot be written: {error.strerror}"
                return EXIT_CODES["testbed-fault"]
        return exit_code(verdict, strict=self.settings.strict, pytest_says=exit_status)

    def close(self) -> None:
        """Leave nothing behind of a session that pytest itself could not bring to its end."""
        if self.document is None:
            if self._canaries is not None:
                self._canaries.disturbed()
            (self.archive.forget_scratch if self.settings.isolated_in else self.archive.remove_scratch)()

    def _ended_cases(self) -> Iterator[CaseRecord]:
        for case in self._cases.values():
            interrupted = case.outcome == "passed" and case.id not in self._called
            yield replace(case, outcome="not-run", reason="the run ended before it did") if interrupted else case

    def _end_leftovers(self) -> None:
        """End what still runs, and have the sandboxes that a failure names where people can look at them."""
        processes.end(processes.find(str(self.archive.scratch), ignore=self._others))
        if self._leaves_sandboxes:
            try:
                ramdisk.keep(self.archive)
            except OSError as error:
                self.note_testbed_fault(f"cannot write to '{error.filename}': {error.strerror}")

    @property
    def _leaves_sandboxes(self) -> bool:
        has_failed = any(case.outcome == "failed" for case in self._cases.values())
        return has_failed and any(self.archive.sandboxes.glob("*/*"))

    def _tidy_up(self) -> None:
        """Leave nothing behind but the sandboxes that a failure names, and what they need."""
        if not self._leaves_sandboxes:
            # What was built lies there, and whoever isolated this session takes it from there.
            (self.archive.forget_scratch if self.settings.isolated_in else self.archive.remove_scratch)()

    def replay(self, nodeid: str) -> str:
        """The command that runs this one case again, on the same artifact."""
        artifact = read_if_done(self.archive).artifact
        reference = str(artifact.path) if artifact is not None else self.settings.reference
        words = ["python", "-m", "pytest", nodeid, "--artifact", reference]
        if self.settings.installer_of_reference in INSTALLERS:
            words += ["--installer", self.settings.installer]
        chosen = {
            "--invocation": self.settings.invocation if self.settings.invocation != invocations.DEFAULT else None,
            "--python": self.settings.python,
            "--node": self.settings.node,
            "--contract": self.settings.contract,
            "--expect-version": self.settings.expect_version,
        }
        clause = self.clauses_by_id.get(id_of_case(nodeid.rpartition("::")[2]))
        if clause is not None and clause.opt_in:
            chosen["--previous"] = self.settings.previous
            if self.settings.previous is not None and parse(self.settings.previous) is not None:
                chosen["--index"] = self.settings.registry.index
            words += ["--local-embeddings"] if self.settings.local_embeddings else []
        words += [word for name, value in chosen.items() if value for word in (name, value)]
        return shlex.join(words)

    @staticmethod
    def refuse(
        archive: Archive, references: Sequence[str] | None, reason: str, verdict: Verdict = "usage-error"
    ) -> None:
        """Write the verdict on a run that cannot begin, because its command line makes no sense."""
        reference = " ".join(references or ())
        refusal = document.refusal(reference=reference, reason=reason, started_at=time.time(), verdict=verdict)
        publish.publish(archive, publish.masked(refusal, Mask.of(os.environ)))
        point_latest(archive.evidence)
        archive.remove_scratch()

    def _check_reference(self) -> None:
        path = self.settings.invoked_in / self.settings.reference
        if not self.settings.reference:
            raise UsageError("--artifact is empty")
        if (published := self.settings.published) is not None:
            if published.scheme == "npm" and self.settings.build != "wheel":
                raise UsageError(f"--build is of Python packages, '{published}' is one of npm")
            return
        if not path.exists():
            raise UsageError(f"there is no '{self.settings.reference}' to smoke")
        if npmpackage.is_source(path):
            if self.settings.build != "wheel":
                raise UsageError(f"--build is of Python packages, '{self.settings.reference}' is one of npm")
        elif path.is_dir() and not (path / "pyproject.toml").is_file():
            raise UsageError(
                f"'{self.settings.reference}' has neither pyproject.toml nor package.json, so it cannot be built"
            )
        if path.is_file() and not path.name.endswith(tuple(SUFFIXES)):
            raise UsageError(f"'{self.settings.reference}' is neither a directory nor a .whl, a .tar.gz or a .tgz")

    def _check_invocation(self) -> None:
        if self.settings.invocation not in self.settings.invocations:
            offered = " or ".join(map(repr, self.settings.invocations))
            called = f"'{self.settings.reference}' is called by {offered}"
            raise UsageError(f"{called}, not by --invocation '{self.settings.invocation}'")

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


def _attestor(settings: Settings, archive: Archive) -> Attestor | None:
    if settings.sign_key is None:
        return None
    try:
        # Here, since a run that signs nothing neither needs these packages nor waits for them.
        from harness.attesting import Attestor  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"--sign-key needs the package of '{error.name}'", hint="pip install --group attest"
        ) from error
    return Attestor(settings, archive)
