"""One run of a soak: started with a fault, and judged when it has ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.interrupts import STARTED_BY
from harness.soak import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Self

    from harness.soak.faults import Fault

_CHECKOUT = Path(__file__).resolve().parents[2]
_FAMILY = "test_runtime_prune"
_OTHERS = ("PYTEST", "GITHUB_")
_DEADLINE_SECONDS = 600
# The first of a session that opens a terminal gets it as its own. People's shell does, and lives on when what it ran
# has ended; in its place here is what it ran, whose end must not hang up on the rest.
_ON_TERMINAL = ("/bin/sh", "-c", 'trap "" HUP; exec "$@" <"$0" >"$0" 2>&1')


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a run smokes and how: `build` has it build the release first, `after` is when it is disturbed, in seconds.

    `only` chooses among the cases of the family, as pytest's -k does, for so many `workers`.
    """

    release: str
    fault: Fault
    rung: str
    seed: int
    after: float = 0.0
    build: bool = False
    only: str = _FAMILY
    workers: int = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run came out; `verdict` is "" where none was written, and "torn" where half of one was."""

    plan: Plan
    exit_code: int
    verdict: str
    seconds: float

    @property
    def is_false_red(self) -> bool:
        """Whether it blames a release that is good."""
        if self.plan.release != "good":
            return False
        return self.verdict in {"failed", "unusable"} or (self.exit_code != 0 and not self.plan.fault.spoils)

    @property
    def is_false_green(self) -> bool:
        """Whether it lets a release pass that is broken, or says what nobody can rely on."""
        if self.verdict == "torn" or (self.exit_code != 0 and self.verdict == "passed"):
            return True
        if self.plan.release == "good":
            return False
        return self.exit_code == 0 or (self.verdict != "failed" and not self.plan.fault.spoils)


@dataclass(kw_only=True, slots=True)
class Run:
    """A run in progress; `keyboard` is where one types for its terminal, -1 where it has none."""

    process: subprocess.Popen[bytes]
    evidence: Path
    keyboard: int = -1
    started: float = field(default_factory=time.monotonic)

    def press(self, key: bytes) -> None:
        """Press a key of its terminal, which may have gone."""
        with suppress(OSError):
            os.write(self.keyboard, key)

    def wait(self) -> tuple[int, float]:
        """Wait for its end; gives the exit code and how long it took, in seconds."""
        try:
            exit_code = self.process.wait(_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            exit_code = self.process.wait()
        return exit_code, time.monotonic() - self.started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """End it, if the soak itself is interrupted."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        if self.keyboard >= 0:
            os.close(self.keyboard)


class Machine:
    """A directory of temporary files that all runs share; `source_of` and `wheel_of` give what they smoke."""

    def __init__(self, directory: Path, source_of: Callable[[str], Path], wheel_of: Callable[[str], Path]) -> None:
        self.temporary = directory / 'it\'s "odd", gr\u00f6\u00dfer'
        self.temporary.mkdir()
        self.dist = directory / "dist"
        self._directory = directory
        self._source_of = source_of
        self._wheel_of = wheel_of
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Let nothing run on, or it would write into a directory that goes."""
        if leftovers.settle(self.temporary):
            leftovers.end(self.temporary)

    def run(self, plan: Plan) -> tuple[Outcome, ...]:
        """Run it to its end, and see what it started end as well."""
        words = self._words(plan)
        with ExitStack() as running:
            runs = [running.enter_context(self._start(words, plan.fault)) for _ in range(plan.fault.runs)]
            if plan.fault.disturb is not None:
                with suppress(subprocess.TimeoutExpired):
                    runs[0].process.wait(plan.after)
                if runs[0].process.poll() is None:
                    plan.fault.disturb(runs[0])
            ended = [run.wait() for run in runs]
        leftovers.settle(self.temporary)  # who was ended last writes the verdict, and nox may be gone before
        return tuple(
            Outcome(plan=plan, exit_code=exit_code, verdict=_verdict(run.evidence / "verdict.json"), seconds=seconds)
            for run, (exit_code, seconds) in zip(runs, ended, strict=True)
        )

    def running(self) -> list[str]:
        """What runs although nothing should."""
        return leftovers.settle(self.temporary)

    def lying(self) -> list[str]:
        """What lies about although no run was ended just before; all of it goes, also what people are to look at."""
        kept = leftovers.kept(self._directory.glob("evidence-*"))
        lying = [str(path) for path in self.temporary.iterdir() if path not in kept]
        # A run that was to build and did not leaves no directory; one that did leaves whole files in it.
        files = list(self.dist.iterdir()) if self.dist.is_dir() else []
        lying += [str(path) for path in files if path.name.startswith(".")]
        lying += [str(self.dist)] if self.dist.is_dir() and not files else []
        for path in (*self.temporary.iterdir(), self.dist):
            shutil.rmtree(path, ignore_errors=True)  # each is told once
            if path.is_file():
                path.unlink(missing_ok=True)
        return lying

    def _words(self, plan: Plan) -> list[str]:
        reference = self._source_of(plan.release) if plan.build else self._wheel_of(plan.release)
        options = [
            "-q",
            "-n",
            str(plan.workers),
            "-p",
            "no:cacheprovider",
            "-k",
            plan.only,
            f"--randomly-seed={plan.seed}",
        ]
        options += ["--artifact", str(reference), "--dist-dir", str(self.dist), "--isolation", plan.rung]
        if plan.fault.nox:
            nox = [sys.executable, "-m", "nox", "-R", "-s", "smoke", "--envdir", str(self._environments), "--"]
            return [*plan.fault.before, *nox, *options]
        return [*plan.fault.before, sys.executable, "-m", "pytest", "smoke", *options]

    def _start(self, words: Sequence[str], fault: Fault) -> Run:
        self._number += 1
        evidence = self._directory / f"evidence-{self._number}"
        log = self._directory / f"output-{self._number}.log"
        given = [*words, "--evidence", str(evidence)]
        if not fault.terminal:
            with log.open("wb") as stream:
                return Run(process=self._popen(given, fault, stream.fileno()), evidence=evidence)
        keyboard, terminal = os.openpty()
        threading.Thread(target=_copy, args=(os.dup(keyboard), log), daemon=True).start()
        process = self._popen([*_ON_TERMINAL, os.ttyname(terminal), *given], fault, terminal)
        os.close(terminal)
        return Run(process=process, evidence=evidence, keyboard=keyboard)

    def _popen(self, words: Sequence[str], fault: Fault, output: int) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        own = {"TMPDIR": str(self.temporary), STARTED_BY: str(os.getpid())}
        return subprocess.Popen(
            words,
            cwd=_CHECKOUT,
            env=kept | own | dict(fault.settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @cached_property
    def _environments(self) -> Path:
        """The directory in which nox has what the smoke needs, as after its first time."""
        place = self._directory / "nox"
        words = [sys.executable, "-m", "nox", "-s", "smoke", "--install-only", "--envdir", str(place)]
        subprocess.run(words, cwd=_CHECKOUT, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        return place


def _copy(terminal: int, log: Path) -> None:
    """Write down what a terminal shows, until nobody has it open."""
    with log.open("wb") as stream, suppress(OSError):
        while shown := os.read(terminal, 1 << 16):
            stream.write(shown)
            stream.flush()
    os.close(terminal)


def _verdict(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["verdict"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, OSError):
        return "torn"
