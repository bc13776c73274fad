"""Self-tests of the places where evidence is kept."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError, UsageError
from harness.verdict.archive import open_archive, point_latest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of temporary files of the test's own."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    return directory


def old_run(checkout: Path, number: int, scratch: Path | None = None) -> Path:
    """The evidence of an earlier run."""
    run = checkout / ".smoke" / f"20200101T0000{number:02}-7"
    run.mkdir(parents=True)
    (run / "verdict.json").write_text("{}")
    if scratch is not None:
        scratch.mkdir()
        (run / "scratch.txt").write_text(f"{scratch}\n")
    return run


def test_a_run_gets_its_directories(checkout: Path, temporary: Path) -> None:
    archive = open_archive(checkout, None)

    assert archive.evidence.parent == checkout / ".smoke"
    assert archive.scratch.parent == temporary.resolve()
    assert archive.scratch.is_dir()


def test_scratch_goes_and_evidence_stays(checkout: Path, temporary: Path) -> None:
    archive = open_archive(checkout, None)
    archive.write_verdict({"schema": 1})
    archive.remove_scratch()

    assert list(temporary.iterdir()) == []
    assert [path.name for path in archive.evidence.iterdir()] == ["verdict.json"]


def test_the_place_that_was_asked_for(checkout: Path, tmp_path: Path) -> None:
    archive = open_archive(checkout, tmp_path / "deep" / "evidence")

    assert archive.evidence == tmp_path / "deep" / "evidence"
    assert not (checkout / ".smoke").exists()


def test_an_earlier_verdict_in_that_place_is_no_longer_one(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text("{}")
    open_archive(checkout, tmp_path)

    assert not (tmp_path / "verdict.json").exists()


def test_the_last_ten_are_kept(checkout: Path) -> None:
    runs = [old_run(checkout, number) for number in range(12)]
    archive = open_archive(checkout, None)

    kept = {path for path in (checkout / ".smoke").iterdir() if path.is_dir()}
    assert kept == {*runs[3:], archive.evidence}


def test_what_is_not_a_run_is_kept(checkout: Path) -> None:
    for number in range(12):
        old_run(checkout, number)
    notes = checkout / ".smoke" / "2019-notes"
    notes.mkdir()
    open_archive(checkout, None)

    assert notes.is_dir()


def test_the_sandboxes_of_forgotten_runs_go_with_them(checkout: Path, temporary: Path) -> None:
    scratch, foreign, elsewhere = temporary / "smoke-abc", temporary / "precious", checkout / "smoke-abc"
    for number, place in enumerate((scratch, foreign, elsewhere)):
        old_run(checkout, number, place)
    for number in range(3, 13):
        old_run(checkout, number)
    open_archive(checkout, None)

    assert not scratch.exists()
    assert foreign.is_dir()
    assert elsewhere.is_dir()


def test_latest_is_replaced(checkout: Path) -> None:
    point_latest(old_run(checkout, 1))
    point_latest(old_run(checkout, 2))

    assert (checkout / ".smoke" / "latest").resolve().name == "20200101T000002-7"
    assert len(list((checkout / ".smoke").iterdir())) == 3


def test_latest_is_for_the_checkouts_own_runs(tmp_path: Path) -> None:
    point_latest(tmp_path / "evidence")

    assert not (tmp_path / "latest").is_symlink()


def test_a_verdict_is_ascii_and_whole(checkout: Path) -> None:
    archive = open_archive(checkout, None)
    archive.write_verdict({"statement": "größer"})

    assert archive.verdict.read_bytes().isascii()
    assert json.loads(archive.verdict.read_text()) == {"statement": "größer"}
    assert archive.junit.parent == archive.evidence


def test_whose_fault_a_place_is(checkout: Path, temporary: Path) -> None:
    (checkout / ".smoke").write_text("a file")
    with pytest.raises(TestbedError, match="cannot be written"):
        open_archive(checkout, None)
    with pytest.raises(UsageError, match=r"evidence directory '.*inside' cannot be written: Not a directory"):
        open_archive(checkout, checkout / ".smoke" / "inside")
    assert list(temporary.iterdir()) == []


def test_no_room_for_temporary_files(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(checkout / "missing"))
    with pytest.raises(TestbedError, match="no temporary directory can be made: No such file or directory"):
        open_archive(checkout, None)
