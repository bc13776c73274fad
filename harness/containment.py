"""A smoke session on the rung `kernel`: in a process of its own, which sees little and can write less.

Owns what of the disk that process sees, and what is left to do once it has ended: everything in its view that
is worth keeping lies where this process put it. How a view comes about is for `running.isolation`.
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
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness import deadruns, ramdisk, standins
from harness.canaries import Canaries
from harness.diskspace import is_nearly_full
from harness.errors import HarnessError, TestbedError, UsageError
from harness.interrupts import heard_by
from harness.masking import Mask
from harness.places import Places
from harness.release.building import publish as publish_files
from harness.running import isolation, processes
from harness.running.removal import remove
from harness.session import Session
from harness.temporaryfiles import VARIABLES
from harness.verdict import publish
from harness.verdict.archive import point_latest
from harness.verdict.evidence import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from harness.verdict.archive import Archive
    from harness.verdict.evidence import Verdict

_FAULT: Literal["testbed-fault"] = "testbed-fault"
_START_SECONDS = 5.0  # until there is a process to be told of an interrupt
_LAST_SECONDS = 1.0
_ROOM_BYTES = 1 << 16
_MEASURING = "COVERAGE_"  # whoever measures the harness cannot write there


def smoke(config: pytest.Config, open_archive: Callable[[pytest.Config], Archive]) -> int | None:
    """Run the session that the command line asks for, and give its exit code; None where it is for this process."""
    rung = config.option.isolation
    if config.option.isolated_in is not None:
        return None
    deadruns.clear()
    try:
        isolation.demand(rung)
    except TestbedError as error:
        return _give_up(open_archive(config), config, str(error))
    if rung not in {"auto", "kernel"} or isolation.obstacle():
        return None
    archive = open_archive(config)
    contained = _Contained(config, archive)
    try:
        with heard_by(contained.interrupt, abandoned=contained.end_soon):
            return contained.run()
    except HarnessError as error:
        return _give_up(archive, config, str(error), "usage-error" if isinstance(error, UsageError) else _FAULT)
    except OSError as error:
        return _give_up(archive, config, f"{error.strerror}: '{error.filename}'")


def _give_up(archive: Archive, config: pytest.Config, reason: str, verdict: Verdict = "testbed-fault") -> int:
    """Say why there is no verdict on the release; gives the exit code."""
    with suppress(OSError):  # of a disk that is full, say
        Session.refuse(archive, config.option.artifact, reason, verdict)
    sys.stdout.write(f"reason:    {Mask.of(os.environ)(reason)}\nverdict:   {verdict}\n")
    return EXIT_CODES[verdict]


class _Contained:
    """The session, and who passes signals on to it."""

    def __init__(self, config: pytest.Config, archive: Archive) -> None:
        self._config = config
        self._archive = archive
        self._places = Places(config, archive)
        self._running: subprocess.Popen[bytes] | None = None
        self._interrupted = threading.Event()

    def run(self) -> int:
        """Run it to its end."""
        watched = Canaries.place(Path.home(), self._config.rootpath, self._archive.scratch)
        try:
            words = self._places.view().command(self._words())
            self._demand_room()
            exit_code = self._run(words)
            ramdisk.find_kept(self._archive)
            self._publish()
        finally:
            disturbed, why_dead = watched.disturbed(), self._why_dead()
            self._tidy_up()
        point_latest(self._archive.evidence)
        if not self._archive.verdict.is_file():
            if self._interrupted.is_set():
                return _give_up(self._archive, self._config, "it was ended before it could judge", "interrupted")
            disturbed = disturbed or why_dead
        return self._amend(disturbed) if disturbed else exit_code

    def _demand_room(self) -> None:
        """Raise an `OSError` where the disk has no room for pytest itself."""
        trial = self._places.temporary / "room"
        trial.write_bytes(bytes(_ROOM_BYTES))
        trial.unlink()

    def _words(self) -> list[str]:
        places = ["--isolated-in", str(self._archive.scratch), "--evidence", str(self._archive.evidence)]
        return [sys.executable, "-m", "pytest", *map(str, self._config.invocation_params.args), *places]

    def _run(self, words: tuple[str, ...]) -> int:
        sys.stdout.flush()
        directory = self._config.invocation_params.dir
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_MEASURING)}
        # The last is of a plugin that would keep its things in the checkout, where one has it.
        places = (*VARIABLES, "HYPOTHESIS_STORAGE_DIRECTORY")
        environment |= dict.fromkeys(places, str(self._places.temporary))
        self._running = subprocess.Popen(words, cwd=directory, env=environment, start_new_session=True)
        if self._interrupted.is_set():  # in the moment before there was anything to tell
            self._tell()
        exit_code = self._running.wait()
        return EXIT_CODES["interrupted"] if self._interrupted.is_set() and exit_code < 0 else exit_code

    def interrupt(self) -> None:
        """Tell the session of an interrupt: on its own it would not hear of one."""
        self._interrupted.set()
        if self._running is not None:
            self._tell()

    def end_soon(self) -> None:
        """Leave the session a moment to end, then have the kernel end it."""
        if self._running is not None:
            timer = threading.Timer(_LAST_SECONDS, self._running.kill)
            timer.daemon = True
            timer.start()

    def _tell(self) -> None:
        """Interrupt the session itself: what holds its namespaces would end without asking it."""
        deadline = time.monotonic() + _START_SECONDS
        while self._running is not None and self._running.poll() is None and time.monotonic() < deadline:
            if session := processes.grandchildren(self._running.pid):
                for pid in session:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGINT)
                return
            time.sleep(0.01)

    def _publish(self) -> None:
        """Have what was built where the user wants it; of what else lies there, the session saw nothing."""
        if files := self._places.built():
            publish_files(files, self._places.dist)

    def _tidy_up(self) -> None:
        """Remove all but the sandboxes that a failure names, and what they need."""
        scratch = self._archive.scratch
        self._places.forget()
        with suppress(OSError):
            remove(scratch / standins.DIRECTORY)
        # A session forgets what nobody is to look at, and only then says what it found.
        if self._archive.is_kept and self._archive.verdict.is_file():
            deadruns.leave(scratch)
        else:
            deadruns.remove_scratch(scratch)
            self._archive.forget_scratch()

    def _why_dead(self) -> str:
        """The most likely reason for which a session leaves no verdict."""
        scratch = self._archive.scratch
        if is_nearly_full(scratch):
            return f"the disk is full: '{scratch}'"
        return "the isolated session ended without a verdict"

    def _amend(self, reason: str) -> int:
        """Say what the session itself could not know."""
        try:
            document = json.loads(self._archive.verdict.read_bytes())
            document["verdict"], document["reason"] = "testbed-fault", reason
            publish.publish(self._archive, document)
        except (OSError, ValueError):
            return _give_up(self._archive, self._config, reason)
        sys.stdout.write(f"reason:    {reason}\nverdict:   testbed-fault\n")
        return EXIT_CODES["testbed-fault"]
