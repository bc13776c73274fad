"""Self-tests of runs that died: the next start clears what they left, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import deadruns
from harness.tests.release.projects import write_odd
from harness.tests.sessions.checkouts import REPOSITORY
from harness.tests.sessions.lingering import DAEMON, WAITS, processes_below, settled
from harness.tests.sessions.pipes import await_writer

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout

BUILDS = "open({begun!r}, 'w').write('begun'); import time; time.sleep(600)"


@pytest.mark.parametrize("rung", ["processes", "kernel"])
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_what_a_killed_run_left_is_gone_after_the_next_start(
    checkout: Checkout, begun: Path, rung: str, workers: tuple[str, ...]
) -> None:
    checkout.add_cases(WAITS.format(begun=str(begun), daemon=DAEMON))
    options = ("-p", "no:randomly", "--isolation", rung, *workers)
    process = checkout.start("smoke", "--artifact", checkout.wheel, *options)
    await_writer(begun)
    process.kill()
    killed = checkout.finish(process)
    running = processes_below(checkout)
    if rung == "kernel":
        assert settled(checkout) == []
    elif not workers:  # those hear of it, and tidy up
        assert running != []
    again = checkout.smoke("--isolation", rung, "-k", "not ends")

    assert killed.exit_code == -signal.SIGKILL
    assert (again.verdict, again.exit_code) == ("incomplete", 0), again.output
    assert settled(checkout) == []
    assert checkout.left_behind == []


def test_what_is_kept_for_people_or_is_others_stays(checkout: Checkout) -> None:
    checkout.add_cases(
        '@pytest.mark.required\ndef test_fails(odd):\n    """It fails."""\n    odd("write", "x")\n    assert 0\n'
    )
    (kept,) = checkout.smoke().lines("kept: ")
    (checkout.temporary / "smoke-of-somebody").mkdir()
    process = subprocess.Popen(["/bin/sleep", "60"], cwd=checkout.temporary / "smoke-of-somebody")
    checkout.smoke("-k", "version")

    assert Path(kept.removeprefix("kept: "), "run.sh").is_file()
    assert (checkout.temporary / "smoke-of-somebody").is_dir()
    assert process.poll() is None
    process.kill()
    process.wait(30)


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_a_build_that_outlives_its_run_is_ended_and_no_directory_stays(
    checkout: Checkout, rung: str, tmp_path: Path
) -> None:
    begun = checkout.directory / "begun"  # which an isolated build can reach
    os.mkfifo(begun)
    source = write_odd(tmp_path / "source", BUILDS.format(begun=str(begun)))
    process = checkout.start("smoke", "--artifact", source, "--isolation", rung)
    await_writer(begun)
    process.kill()
    checkout.finish(process)
    if rung == "kernel":
        assert (checkout.directory / "dist").is_dir()
        assert settled(checkout) == []
    checkout.smoke("--isolation", rung, "-k", "version")

    assert settled(checkout) == []
    assert checkout.left_behind == []
    assert not (checkout.directory / "dist").exists()


def test_a_run_that_was_killed_before_it_had_a_lock_is_one_of_the_dead(checkout: Checkout) -> None:
    (checkout.temporary / "smoke-abcdefgh").mkdir()
    (checkout.temporary / "smoke-full_one").mkdir()
    (checkout.temporary / "smoke-full_one" / "file").touch()
    checkout.smoke("-k", "version")

    assert checkout.left_behind == ["smoke-full_one"]


def test_the_directory_of_a_new_run_is_its_own_whatever_others_clear(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]}
    clears = "from harness import deadruns\nwhile True: deadruns.clear()"
    makes = "from harness import deadruns\nfor _ in range(300): assert deadruns.new_scratch().is_dir()"
    with subprocess.Popen([sys.executable, "-c", clears], env=environment) as other:
        made = subprocess.run([sys.executable, "-c", makes], env=environment, check=False)
        still = len(list(tmp_path.iterdir()))
        other.kill()

    assert made.returncode == 0
    assert still <= 300


def test_a_removal_that_is_killed_is_finished_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for _ in range(8):
        scratch = tmp_path / "smoke-abcdefgh"
        for number in range(40):
            (scratch / f"{number}").mkdir(parents=True)
        (scratch / "run.lock").touch()
        clears = f"from harness.verdict.archive import *; clear_away(Path({str(scratch)!r}))"
        with subprocess.Popen([sys.executable, "-c", clears], env={"PYTHONPATH": str(REPOSITORY)}) as process:
            while len(list(scratch.glob("*"))) > 30:
                pass
            process.kill()
        deadruns.clear()

        assert list(tmp_path.iterdir()) == []


def test_a_session_that_pytest_cannot_begin_leaves_nothing(checkout: Checkout) -> None:
    with (checkout.directory / "smoke" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write("\n\ndef pytest_sessionstart():\n    raise OSError(28, 'no room')\n")
    run = checkout.smoke()

    assert run.exit_code == 3, run.output
    assert checkout.left_behind == []
