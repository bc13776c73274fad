"""One run of a soak: started with a fault, and looked at when it has ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.deadruns import LOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.soak.faults import Fault

_CHECKOUT = Path(__file__).resolve().parents[2]
_FAMILY = "smoke/test_runtime_prune.py"
_OTHERS = ("PYTEST", "GITHUB_")
_DEADLINE_SECONDS = 600
_SETTLE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run came out; `verdict` is "" where none was written, and "torn" where half of one was."""

    release: str
    fault: Fault
    exit_code: int
    verdict: str
    seconds: float

    @property
    def is_false_red(self) -> bool:
        """Whether it blames a release that is good."""
        if self.release != "good":
            return False
        return self.verdict in {"failed", "unusable"} or (self.exit_code != 0 and not self.fault.spoils)

    @property
    def is_false_green(self) -> bool:
        """Whether it lets a release pass that is broken, or says what nobody can rely on."""
        if self.verdict == "torn" or (self.exit_code != 0 and self.verdict == "passed"):
            return True
        if self.release == "good":
            return False
        return self.exit_code == 0 or (self.verdict != "failed" and not self.fault.spoils)


class Machine:
    """A directory of temporary files that all runs share; `wheel_of` makes the releases that they smoke."""

    def __init__(self, directory: Path, wheel_of: Callable[[str], Path]) -> None:
        self.temporary = directory / 'it\'s "odd", gr\u00f6\u00dfer'
        self.temporary.mkdir()
        self._directory = directory
        self._wheel_of = wheel_of
        self._number = 0

    def run(self, release: str, fault: Fault, rung: str, seed: int, after: float) -> tuple[Outcome, ...]:
        """Run it to its end; a fault that disturbs it does so `after` so many seconds."""
        self._wheel_of(release)
        started = time.monotonic()
        runs = [self._start(release, fault, rung, seed) for _ in range(fault.runs)]
        if fault.disturb is not None:
            process, _ = runs[0]
            with suppress(subprocess.TimeoutExpired):
                process.wait(after)
            if process.poll() is None:
                fault.disturb(process)
        return tuple(self._finish(release, fault, process, evidence, started) for process, evidence in runs)

    def left(self, *, processes_only: bool = False) -> list[str]:
        """What is there although nothing should run; all of it goes, and what a failure has people look at is none."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while (running := list(self._running())) and time.monotonic() < deadline:
            time.sleep(0.05)
        return running + ([] if processes_only else list(self._lying()))

    def _start(self, release: str, fault: Fault, rung: str, seed: int) -> tuple[subprocess.Popen[bytes], Path]:
        self._number += 1
        evidence = self._directory / f"evidence-{self._number}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        words = [*fault.before, sys.executable, "-m", "pytest", _FAMILY, "-q", "-n", "2", "-p", "no:cacheprovider"]
        words += [
            f"--randomly-seed={seed}",
            "--artifact",
            str(self._wheel_of(release)),
            "--isolation",
            rung,
            "--evidence",
            str(evidence),
        ]
        with (self._directory / f"output-{self._number}.log").open("wb") as log:
            process = subprocess.Popen(
                words,
                cwd=_CHECKOUT,
                env=kept | {"TMPDIR": str(self.temporary)} | dict(fault.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return process, evidence

    @staticmethod
    def _finish(
        release: str, fault: Fault, process: subprocess.Popen[bytes], evidence: Path, started: float
    ) -> Outcome:
        try:
            exit_code = process.wait(_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            exit_code = process.wait()
        verdict = _verdict(evidence / "verdict.json")
        return Outcome(
            release=release,
            fault=fault,
            exit_code=exit_code,
            verdict=verdict,
            seconds=time.monotonic() - started,
        )

    def _running(self) -> Iterator[str]:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if any(value.startswith(str(self.temporary)) for value in process.environ().values()):
                    yield f"{process.pid}: {' '.join(process.cmdline())}"

    def _lying(self) -> Iterator[str]:
        for path in self.temporary.iterdir():
            is_kept = (path / "sandboxes").is_dir() and not (path / LOCK).exists()
            if not is_kept:
                yield str(path)
            shutil.rmtree(path, ignore_errors=True)  # each is told once
            if path.is_file():
                path.unlink(missing_ok=True)


def _verdict(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["verdict"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, OSError):
        return "torn"
