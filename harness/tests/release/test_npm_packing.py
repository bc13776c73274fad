"""Packing: the file that would be published, from a source as it lies there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, HarnessError
from harness.release.artifact import identify, names
from harness.release.building import inspect
from harness.release.packing import pack
from harness.tests.release.npmpackages import write_package
from harness.tests.release.projects import git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Pack = Callable[[Path], Path]


@pytest.fixture
def packed(environment: dict[str, str], cache: Path, tmp_path: Path) -> Pack:
    """Packs a source into a directory of the test's own."""

    def packed(source: Path) -> Path:
        return pack(
            inspect(source),
            tmp_path / "packed",
            python="",
            node="",
            environment=environment,
            timeout=300.0,
            cache=cache,
            log=tmp_path / "log",
        )

    return packed


def failure(packed: Pack, source: Path) -> HarnessError:
    """The error of a source that cannot be packed."""
    with pytest.raises(ArtifactError) as caught:
        packed(source)
    assert caught.value.stage == "builds"
    return caught.value


def test_a_source_is_packed_with_what_it_lists(packed: Pack, tmp_path: Path) -> None:
    source = write_package(tmp_path / "source", {"notes.txt": "of no importance"}, name="@odd/tool", files=["odd.js"])
    before = sorted(path.name for path in source.iterdir())
    file = packed(source)

    assert file == tmp_path / "packed" / "odd-tool-1.0.0.tgz"
    assert sorted(names(identify(file))) == ["package/odd.js", "package/package.json"]
    assert "odd-tool-1.0.0.tgz" in (tmp_path / "log").read_text()
    assert sorted(path.name for path in source.iterdir()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "packed", "source"]


def test_a_script_that_fails_is_the_fault_of_the_source(packed: Pack, tmp_path: Path) -> None:
    scripts = {"prepack": "node -e \"throw new Error('no parts left')\""}
    error = failure(packed, write_package(tmp_path / "source", scripts=scripts))

    assert error.message == "the source does not build: Error: no parts left"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "packed", "source"]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"version": "one"}, "it has no version that npm understands in its package.json: 'one'"),
        ({"engines": {"node": ">=99"}}, "it requires Node >=99, which cannot be had"),
    ],
    ids=["version", "node"],
)
def test_a_source_that_cannot_be_packed(packed: Pack, tmp_path: Path, said: dict[str, object], complaint: str) -> None:
    error = failure(packed, write_package(tmp_path / "source", None, **said))

    assert error.message == f"the source does not build: {complaint}"


def test_a_source_is_described_by_its_repository(tmp_path: Path) -> None:
    source = write_package(tmp_path / "source")
    assert inspect(source).revision is None

    git(source, "init", "--quiet")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "first")
    tracked = inspect(source)

    assert tracked.is_npm
    assert tracked.dirty is False
    assert re.fullmatch(r"[0-9a-f]{40}", tracked.revision or "")
