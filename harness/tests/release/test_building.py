"""Building: real sources to real files, and whose fault it is when there are none."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, HarnessError, TestbedError, UsageError
from harness.release.building import Built, Source, build, build_wheel, inspect, publish
from harness.tests.release.projects import git, pack_odd, pack_sdist, write_odd, write_tool

if TYPE_CHECKING:
    from pathlib import Path

    from harness.release.artifact import Artifact

FAILS = 'raise RuntimeError("no compiler here")'


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree in a repository with one commit."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    git(tmp_path, "init", "--quiet")
    source = write_tool(tmp_path / "source")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "all of it")
    return source


def failure(source: Path, tmp_path: Path, environment: dict[str, str], timeout: float = 60) -> HarnessError:
    """The error of a build that must not succeed."""
    with pytest.raises(HarnessError) as caught:
        build(source, tmp_path / "dist", environment=environment, timeout=timeout, log=tmp_path / "log")
    return caught.value


def test_a_build_makes_one_sdist_and_one_wheel(built: Built) -> None:
    assert sorted(path.name for path in built.wheel.parent.iterdir()) == [
        "tiny_tool-1.0-py3-none-any.whl",
        "tiny_tool-1.0.tar.gz",
    ]
    assert (built.sdist.suffix, built.wheel.suffix) == (".gz", ".whl")


def test_the_wheel_of_the_sdist_is_the_wheel(
    sdist: Artifact, wheel: Artifact, tmp_path: Path, environment: dict[str, str]
) -> None:
    path = build_wheel(sdist.path, tmp_path / "dist", environment=environment, timeout=60, log=tmp_path / "log")

    assert path.name == wheel.path.name
    assert path.read_bytes() == wheel.path.read_bytes()


def test_an_sdist_without_a_project_gives_no_wheel(tmp_path: Path, environment: dict[str, str]) -> None:
    path = pack_sdist(tmp_path / "odd-1.0.tar.gz")

    with pytest.raises(ArtifactError, match=r"'odd-1.0.tar.gz' has no pyproject.toml"):
        build_wheel(path, tmp_path / "dist", environment=environment, timeout=60, log=tmp_path / "log")


def test_a_failing_build_is_the_artifacts_fault_and_says_why(tmp_path: Path, environment: dict[str, str]) -> None:
    error = failure(write_odd(tmp_path / "odd", FAILS), tmp_path, environment)

    assert isinstance(error, ArtifactError)
    assert error.stage == "builds"
    assert error.message == "the source does not build: RuntimeError: no compiler here"
    assert "build_wheel" in error.detail
    assert "no compiler here" in (tmp_path / "log").read_text()


def test_the_wheel_of_a_broken_sdist_is_the_artifacts_fault(tmp_path: Path, environment: dict[str, str]) -> None:
    path = pack_odd(tmp_path, FAILS)

    with pytest.raises(ArtifactError, match="no compiler here"):
        build_wheel(path, tmp_path / "dist", environment=environment, timeout=60, log=tmp_path / "log")


@pytest.mark.parametrize("wanted", ["", "'flit_core'"], ids=["the same", "more"])
def test_both_are_built_in_one_environment_unless_the_sdist_wants_more(
    wanted: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    hook = f"def get_requires_for_build_sdist(settings=None):\n    open(MARK, 'w').close()\n    return [{wanted}]\n"
    mark = "MARK = os.path.join(sys.prefix, 'mark')"
    source = write_odd(tmp_path / "odd", f"raise RuntimeError(f'marked: {{os.path.exists(MARK)}}')\n{mark}\n{hook}")

    assert f"marked: {not wanted}" in failure(source, tmp_path, environment).message


def test_a_build_requirement_that_does_not_exist_is_the_artifacts_fault(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    source = write_odd(tmp_path / "odd", FAILS, requires='"surely-no-such-distribution-4711"')

    error = failure(source, tmp_path, environment)

    assert isinstance(error, ArtifactError)
    assert "surely-no-such-distribution-4711" in error.message


def test_a_build_without_an_index_is_the_machines_fault(tmp_path: Path, cut_off: dict[str, str]) -> None:
    error = failure(write_tool(tmp_path / "source"), tmp_path, cut_off)

    assert isinstance(error, TestbedError)
    assert re.match(r"the package index does not deliver: 'http://\S+/flit-core/': Connection refused", error.message)
    assert error.detail


def test_a_full_disk_is_the_machines_fault(tmp_path: Path, environment: dict[str, str]) -> None:
    source = write_odd(tmp_path / "odd", "raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))")

    error = failure(source, tmp_path, environment)

    assert isinstance(error, TestbedError)
    assert error.message == "the disk is full"


def test_a_build_that_hangs_is_ended_and_the_artifacts_fault(tmp_path: Path, environment: dict[str, str]) -> None:
    error = failure(write_odd(tmp_path / "odd", "time.sleep(600)"), tmp_path, environment, timeout=0.5)

    assert isinstance(error, ArtifactError)
    assert error.message == "the source does not build: it did not finish in 0.5 s"


def test_files_beside_the_built_ones_are_not_guessed_about(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "old-1.0.tar.gz").touch()

    error = failure(write_tool(tmp_path / "source"), tmp_path, environment)

    assert error.message == "the build made 2 files *.tar.gz where it must make one"


def test_a_source_in_a_repository_has_its_revision(repository: Path) -> None:
    source = inspect(repository)

    assert source.directory == repository.resolve()
    assert len(source.revision or "") == 40
    assert source.dirty is False


@pytest.mark.parametrize("name", ["pyproject.toml", "new.txt"])
def test_a_changed_or_new_file_makes_the_source_dirty(repository: Path, name: str) -> None:
    with (repository / name).open("a") as stream:
        stream.write("\n")

    assert inspect(repository).dirty is True


def test_what_changes_beside_the_source_does_not_make_it_dirty(repository: Path) -> None:
    (repository.parent / "elsewhere.txt").touch()

    assert inspect(repository).dirty is False


def test_a_tree_that_its_repository_ignores_has_no_revision(repository: Path) -> None:
    (repository.parent / ".gitignore").write_text("copy/\n")
    copy = write_tool(repository.parent / "copy")

    assert inspect(copy) == Source(directory=copy.resolve(), revision=None, dirty=None)


def test_a_repository_without_a_commit_has_no_revision(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    source = write_tool(tmp_path / "source")
    git(tmp_path, "add", ".")

    assert inspect(source).revision is None


def test_outside_of_a_repository_nothing_is_said(tmp_path: Path) -> None:
    source = inspect(write_tool(tmp_path / "source"))

    assert (source.revision, source.dirty) == (None, None)


def test_a_machine_without_git_is_fine(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    assert inspect(repository).revision is None


def test_a_git_hook_does_not_mislead(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = inspect(repository)
    monkeypatch.setenv("GIT_DIR", str(repository / "nowhere"))

    assert inspect(repository) == expected


def test_what_cannot_be_a_source_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for path, complaint in (
        (tmp_path / "gone", "there is no"),
        (tmp_path / "file", "is not a directory"),
        (tmp_path, "has neither pyproject.toml nor package.json"),
    ):
        with pytest.raises(UsageError) as caught:
            inspect(path)
        assert complaint in str(caught.value)


def test_publishing_replaces_whole_files_and_leaves_nothing_else(built: Built, tmp_path: Path) -> None:
    directory = tmp_path / "some" / "dist"
    directory.mkdir(parents=True)
    (directory / built.wheel.name).write_text("an old one")

    published = publish((built.sdist, built.wheel), directory)

    assert published == (directory / built.sdist.name, directory / built.wheel.name)
    assert [path.read_bytes() for path in published] == [
        built.sdist.read_bytes(),
        built.wheel.read_bytes(),
    ]
    assert sorted(directory.iterdir()) == sorted(published)
    assert published[0].stat().st_mode & 0o777 == 0o644


def test_a_failed_publication_leaves_no_temporary_file(built: Built, tmp_path: Path) -> None:
    (tmp_path / built.wheel.name).mkdir()

    with pytest.raises(UsageError, match="cannot write to"):
        publish((built.wheel,), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [built.wheel.name]


def test_publishing_into_a_file_is_the_users_mistake(built: Built, tmp_path: Path) -> None:
    (tmp_path / "dist").touch()

    with pytest.raises(UsageError, match="cannot write to"):
        publish((built.wheel,), tmp_path / "dist")
