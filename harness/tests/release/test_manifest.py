"""Self-tests of the manifest that lies beside the files of a build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError, UsageError
from harness.release.artifact import identify
from harness.release.building import Source
from harness.release.manifest import FILE_NAME, Manifest, read, write
from harness.tests.release.projects import pack_sdist, pack_wheel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def release(tmp_path: Path) -> Manifest:
    """The manifest of a wheel and an sdist."""
    paths = (pack_wheel(tmp_path / "odd-1.0-py3-none-any.whl"), pack_sdist(tmp_path / "odd-1.0.tar.gz"))
    source = Source(directory=tmp_path, revision="a" * 40, dirty=True)
    return write(tmp_path, tuple(map(identify, paths)), source)


def found(directory: Path) -> Manifest:
    """The manifest that must be there."""
    manifest = read(directory)
    assert manifest is not None
    return manifest


def test_what_is_written_is_read(release: Manifest, tmp_path: Path) -> None:
    assert found(tmp_path) == release
    assert release.mismatches() == ()
    assert [(entry.file, entry.kind, entry.source_revision, entry.source_dirty) for entry in release.entries] == [
        ("odd-1.0-py3-none-any.whl", "wheel", "a" * 40, True),
        ("odd-1.0.tar.gz", "sdist", "a" * 40, True),
    ]
    rows = json.loads((tmp_path / FILE_NAME).read_text())["artifacts"]
    assert rows[0]["bytes"] == (tmp_path / "odd-1.0-py3-none-any.whl").stat().st_size
    assert rows[0]["sha256"] == identify(tmp_path / "odd-1.0-py3-none-any.whl").sha256


def test_a_file_knows_its_entry_and_the_others_of_its_release(release: Manifest, tmp_path: Path) -> None:
    wheel = identify(tmp_path / "odd-1.0-py3-none-any.whl")
    entry = release.entry_of(wheel)

    assert release.is_about(wheel)
    assert entry is not None
    assert entry.sha256 == wheel.sha256
    assert release.others(wheel) == (tmp_path / "odd-1.0.tar.gz",)


def test_a_file_that_was_built_again_is_noticed(release: Manifest, tmp_path: Path) -> None:
    wheel = identify(pack_wheel(tmp_path / "odd-1.0-py3-none-any.whl", {"odd/more.py": ""}))

    assert release.is_about(wheel)
    assert release.entry_of(wheel) is None
    assert release.others(wheel) == ()
    assert [line.partition(" '")[0] for line in release.mismatches()] == [
        "odd-1.0-py3-none-any.whl: the manifest says sha256",
        "odd-1.0-py3-none-any.whl: the manifest says bytes",
    ]


def test_a_file_that_is_gone_is_noticed(release: Manifest, tmp_path: Path) -> None:
    (tmp_path / "odd-1.0.tar.gz").unlink()

    assert release.mismatches() == ("odd-1.0.tar.gz: is missing",)


def test_a_file_of_another_release_is_none_of_its_business(release: Manifest, tmp_path: Path) -> None:
    other = pack_wheel(tmp_path / "odd-1.0-1-py3-none-any.whl", {"odd/other.py": ""})

    assert not release.is_about(identify(other))


def test_a_directory_without_one_has_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda data: data | {"schema": 2}, "it is of schema 2, not 1"),
        (lambda data: {"artifacts": data["artifacts"]}, "'schema'"),
        (lambda data: data | {"artifacts": 1}, "not iterable"),
        (lambda data: data | {"artifacts": [1]}, "lacks a key, or has one too many"),
        (lambda data: data | {"artifacts": [{**data["artifacts"][0], "more": 1}]}, "lacks a key, or has one too many"),
        (lambda data: data | {"artifacts": [{**data["artifacts"][0], "bytes": "1"}]}, "of the wrong type"),
        (lambda data: data | {"artifacts": [{**data["artifacts"][0], "sha256": 1}]}, "of the wrong type"),
        (lambda data: data | {"artifacts": [{**data["artifacts"][0], "source_revision": 1}]}, "source of 'odd-1.0-py3"),
        (lambda data: data | {"artifacts": [{**data["artifacts"][0], "source_dirty": "no"}]}, "source of 'odd-1.0-py3"),
        (lambda data: data | {"artifacts": [{**data["artifacts"][0], "file": "../odd"}]}, "is not in its directory"),
        (lambda data: data | {"artifacts": [{**data["artifacts"][0], "file": ".."}]}, "is not in its directory"),
    ],
    ids=["schema", "no-schema", "no-list", "no-table", "key", "bytes", "hash", "revision", "dirty", "outside", "up"],
)
def test_one_that_nobody_can_read_is_a_complaint(
    release: Manifest, tmp_path: Path, change: object, complaint: str
) -> None:
    assert callable(change)
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    manifest = found(tmp_path)

    assert complaint in manifest.complaint
    assert manifest.mismatches() == (manifest.complaint,)
    assert manifest.is_about(identify(tmp_path / release.entries[0].file))


def test_half_of_one_is_a_complaint(release: Manifest, tmp_path: Path) -> None:
    path = release.directory / FILE_NAME
    path.write_bytes(path.read_bytes()[:100])

    assert found(tmp_path).complaint.startswith("release-manifest.json cannot be read: ")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    source = Source(directory=tmp_path, revision=None, dirty=None)

    with pytest.raises((UsageError, TestbedError), match="cannot write to"):
        write(tmp_path, (), source)
