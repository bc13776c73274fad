"""Self-tests of what stands in places that no run has any business in."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from harness.canaries import Canaries, beside

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A home, a checkout and a directory of temporary files, all with something in them."""
    for name in ("home/.bashrc", "home/thesis/text", "home/.bash_history", "checkout/README.md", "checkout/dist/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("something\n")
    (tmp_path / "smoke-1").mkdir()
    return tmp_path


def place(machine: Path) -> Canaries:
    return Canaries.place(machine / "home", machine / "checkout", machine / "smoke-1")


def test_where_nothing_happens_nothing_is_told(machine: Path) -> None:
    assert place(machine).disturbed() == ""
    assert sorted(path.name for path in machine.iterdir()) == ["checkout", "home", "smoke-1"]


def test_what_other_programs_do_meanwhile_is_none_of_it(machine: Path) -> None:
    (machine / "home" / "session.lock").touch()
    (machine / "checkout" / "pytest-cache-files-x1").mkdir()
    (machine / "checkout" / ".coverage.here.1").touch()
    canaries = place(machine)
    (machine / "home" / "session.lock").unlink()
    (machine / "checkout" / "pytest-cache-files-x1").rmdir()
    (machine / "checkout" / ".coverage.here.1").unlink()
    (machine / "home" / ".bash_history").write_text("more\n")
    (machine / "home" / "new").mkdir()
    (machine / "home" / "thesis" / "text").unlink()
    (machine / "checkout" / "README.md").write_text("better\n")
    shutil.rmtree(machine / "checkout" / "dist")

    assert canaries.disturbed() == ""


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("home/thesis", "removed"),
        ("home/.bash_history", "removed"),
        ("home", "removed"),
        ("checkout/README.md", "removed"),
        ("canary-of-smoke-1", "removed"),
    ],
)
def test_what_is_gone_is_told_by_its_place(machine: Path, path: str, how: str) -> None:
    canaries = place(machine)
    victim = machine / path
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
    said = canaries.disturbed()

    assert said.startswith(f"what no run works with was {how}: '{victim}")
    assert canaries.disturbed() == said


def test_what_only_its_owner_writes_is_told_when_it_changes(machine: Path) -> None:
    canaries = place(machine)
    (machine / "home" / ".bashrc").write_text("something\nexport PATH=/elsewhere\n")

    assert canaries.disturbed() == f"what no run works with was changed: '{machine}/home/.bashrc'"


def test_a_directory_that_became_a_file_is_told(machine: Path) -> None:
    canaries = place(machine)
    shutil.rmtree(machine / "home" / "thesis")
    (machine / "home" / "thesis").touch()

    assert canaries.disturbed() == f"what no run works with was changed: '{machine}/home/thesis'"


def test_places_that_are_not_there_are_none(tmp_path: Path) -> None:
    canaries = Canaries.place(tmp_path / "no-home", tmp_path / "no-checkout", tmp_path / "nowhere" / "smoke-1")

    assert canaries.disturbed() == ""
    assert not beside(tmp_path / "nowhere" / "smoke-1").exists()
