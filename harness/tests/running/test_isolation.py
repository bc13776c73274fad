"""Self-tests of what a run on the rung `kernel` sees of the disk, by having a command look."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError
from harness.running import isolation
from harness.running.isolation import View
from harness.tests.sessions.checkouts import ORDINARY, REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A home in a directory that is hidden itself, a checkout in it, and what stands in for both."""
    places = ("hidden/home", "hidden/home/checkout", "hidden/home/.config", "hidden/other")
    for name in (*places, "stand-in", "home", "stage"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text(f"{name}\n")
    return tmp_path.resolve()


def looked(view: View, script: str) -> str:
    command = view.command(["/bin/sh", "-c", script])
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_what_lies_deeper_shows_in_what_is_hidden(disk: Path) -> None:
    hidden = disk / "hidden"
    view = View(
        hidden={hidden: disk / "stand-in", hidden / "home": disk / "home"},
        readable=[hidden, hidden / "home" / "checkout", hidden / "home" / ".config", disk / "stage"],
        writable={hidden / "home" / "checkout" / "dist": disk / "stage"},
    )
    (hidden / "home" / "checkout" / "dist").mkdir()
    script = f"""
        cd {hidden}
        cat file home/file home/checkout/file home/.config/file; cat other/file 2>&1
        echo x >home/checkout/new 2>/dev/null || echo read-only
        echo x >home/checkout/dist/new && cat home/checkout/dist/file
        rm -rf home 2>/dev/null; true
    """
    said = looked(view, script)

    missing = "cat: other/file: No such file or directory"
    assert said.splitlines() == [
        "stand-in",
        "home",
        "hidden/home/checkout",
        "hidden/home/.config",
        missing,
        "read-only",
        "stage",
    ]
    assert (hidden / "home" / "file").is_file()
    assert (hidden / "home" / "checkout" / "file").is_file()
    assert not (disk / "stage" / "new").exists()  # `rm` got that far


def test_no_other_process_is_there(disk: Path) -> None:
    assert disk.is_dir()
    view = View(hidden={}, readable=[], writable={})

    assert int(looked(view, "set -- /proc/[0-9]*; echo $#")) <= 3


def test_who_is_root_has_no_power_over_mounts(disk: Path) -> None:
    view = View(hidden={}, readable=[], writable={})

    assert "not mounted" in looked(
        view, f"mount -o remount,rw / 2>/dev/null || echo not mounted; touch {disk}/x || true"
    )
    assert not (disk / "x").exists()


LOOK = f"""
import subprocess, sys
from pathlib import Path
sys.path.insert(0, {str(REPOSITORY)!r})
from harness.running.isolation import View

hidden, content, script = sys.argv[1:]
view = View(hidden={{Path(hidden): Path(content)}}, readable=[], writable={{}})
sys.exit(subprocess.run(view.command(["/bin/bash", "-c", script])).returncode)
"""


@pytest.mark.parametrize("before", [(), ORDINARY], ids=["as we are", "ordinary"])
def test_a_namespace_of_ones_own_has_no_power_over_mounts(disk: Path, before: tuple[str, ...]) -> None:
    hidden = disk / "hidden"
    script = f"""
        attempt() {{
            for options in remount,rw remount,bind,rw; do mount -o $options / || echo no $options; done
            umount {hidden} || echo no unmounting
            mount --bind / /mnt && echo bound
            touch {disk}/new || echo read-only
            cat {hidden}/file
        }}
        unshare --net true && echo a network
        attempt
        unshare --mount bash -c "$(declare -f attempt); mount -t tmpfs none /proc && echo mounts; attempt"
    """
    words = [*before, sys.executable, "-c", LOOK, str(hidden), str(disk / "stand-in"), script]
    said = subprocess.run(words, capture_output=True, text=True, check=False)

    nothing = ["no remount,rw", "no remount,bind,rw", "no unmounting", "read-only", "stand-in"]
    assert said.stdout.splitlines() == ["a network", *nothing, "mounts", *nothing], said.stderr
    assert not (disk / "new").exists()


def test_a_rung_that_is_there_can_be_demanded() -> None:
    for rung in isolation.RUNGS:
        isolation.demand(rung)


def test_a_rung_that_is_not_there_is_a_fault_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    isolation.demand("auto")
    with pytest.raises(TestbedError, match="no isolation by the kernel: 'bwrap' is missing; hint: install bubblewrap"):
        isolation.demand("kernel")


def test_on_other_platforms_there_is_neither_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "HAS_SUBREAPER", False)
    monkeypatch.setattr(sys, "platform", "darwin")

    for rung in ("processes", "kernel"):
        with pytest.raises(TestbedError, match="it takes Linux"):
            isolation.demand(rung)
