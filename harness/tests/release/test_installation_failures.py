"""Installing that fails, or installs something else: whose fault it is."""

from __future__ import annotations

import dataclasses
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, TestbedError, UsageError
from harness.release.artifact import Artifact, identify
from harness.tests.release.installing import EVERY_INSTALLER, WHEEL, failure
from harness.tests.release.projects import SCRIPT, pack_odd, pack_wheel

if TYPE_CHECKING:
    from harness.tests.release.installing import Install

MISSING = ("Name: odd", "Version: 1.0", "Requires-Dist: surely-no-such-distribution-4711")


def test_an_interpreter_that_the_artifact_does_not_support(put: Install, tmp_path: Path) -> None:
    headers = ("Name: odd", "Version: 1.0", "Requires-Python: >=3.99")
    error = failure(put, identify(pack_wheel(tmp_path / WHEEL, headers=headers)), tmp_path / "environment")

    assert isinstance(error, ArtifactError)
    assert "requires Python >=3.99, this is 3." in error.message


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_file_with_another_hash_is_refused(
    put: Install, request: pytest.FixtureRequest, tmp_path: Path, installer: str, kind: str
) -> None:
    genuine: Artifact = request.getfixturevalue(kind)
    put(genuine, tmp_path / "before", installer=installer)  # now every cache knows it

    error = failure(put, dataclasses.replace(genuine, sha256="0" * 64), tmp_path / "after", installer=installer)

    assert isinstance(error, ArtifactError)
    assert "hash" in error.message.lower()


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
def test_a_file_that_changed_since_it_was_identified_is_refused(
    put: Install, sdist: Artifact, tmp_path: Path, installer: str
) -> None:
    path = Path(shutil.copy(sdist.path, tmp_path))
    artifact = identify(path)
    path.write_bytes(path.read_bytes() + b"\0")

    error = failure(put, artifact, tmp_path / "environment", installer=installer)

    assert "hash" in error.message.lower()


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
def test_a_dependency_that_does_not_exist_is_the_artifacts_fault(put: Install, tmp_path: Path, installer: str) -> None:
    artifact = identify(pack_wheel(tmp_path / WHEEL, headers=MISSING))

    error = failure(put, artifact, tmp_path / "environment", installer=installer)

    assert isinstance(error, ArtifactError)
    assert error.stage == "installs"
    assert error.message.startswith("the artifact does not install: ")
    assert "surely-no-such-distribution-4711" in error.message
    assert error.detail


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
def test_a_dependency_without_an_index_is_the_machines_fault(
    put: Install, cut_off: dict[str, str], tmp_path: Path, installer: str
) -> None:
    artifact = identify(pack_wheel(tmp_path / WHEEL, headers=MISSING))

    error = failure(put, artifact, tmp_path / "environment", installer=installer, environment=cut_off)

    assert isinstance(error, TestbedError)
    assert re.match("the package index (does not deliver: .*Connection refused|cannot be reached$)", error.message)


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
def test_an_artifact_that_needs_nothing_installs_without_an_index(
    put: Install, cut_off: dict[str, str], tmp_path: Path, installer: str
) -> None:
    artifact = identify(pack_wheel(tmp_path / WHEEL, SCRIPT))

    assert put(artifact, tmp_path / "environment", installer=installer, environment=cut_off).name == "odd"


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
def test_an_sdist_whose_build_fails_is_the_artifacts_fault(put: Install, tmp_path: Path, installer: str) -> None:
    artifact = identify(pack_odd(tmp_path, 'raise RuntimeError("no compiler here")'))

    error = failure(put, artifact, tmp_path / "environment", installer=installer)

    assert isinstance(error, ArtifactError)
    assert error.message == "the artifact does not install: RuntimeError: no compiler here"


def test_an_installation_that_hangs_is_ended_and_the_artifacts_fault(put: Install, tmp_path: Path) -> None:
    artifact = identify(pack_odd(tmp_path, "time.sleep(600)"))

    error = failure(put, artifact, tmp_path / "environment", timeout=0.5)

    assert isinstance(error, ArtifactError)
    assert error.message == "the artifact does not install: it did not finish in 0.5 s"


def test_one_that_hangs_without_an_index_is_the_machines_fault(
    put: Install, cut_off: dict[str, str], tmp_path: Path
) -> None:
    artifact = identify(pack_odd(tmp_path, "time.sleep(600)"))

    error = failure(put, artifact, tmp_path / "environment", timeout=0.5, environment=cut_off)

    assert isinstance(error, TestbedError)


def test_a_full_disk_is_the_machines_fault(put: Install, tmp_path: Path) -> None:
    artifact = identify(pack_odd(tmp_path, "raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))"))

    error = failure(put, artifact, tmp_path / "environment")

    assert isinstance(error, TestbedError)
    assert error.message == "the disk is full"


def test_an_unknown_installer_is_the_users_mistake(put: Install, odd: Artifact, tmp_path: Path) -> None:
    error = failure(put, odd, tmp_path / "environment", installer="conda")

    assert isinstance(error, UsageError)
    assert error.message == "there is no installer 'conda'; there are 'uv', 'pip', 'pipx', 'uv-tool'"


def test_a_place_that_cannot_hold_an_environment_is_the_machines_fault(
    put: Install, odd: Artifact, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "half" / "lib").mkdir(parents=True)
    (tmp_path / "half" / "bin").touch()

    for place in ("file", "half"):
        error = failure(put, odd, tmp_path / place)

        assert isinstance(error, TestbedError)
        assert f"{place}' cannot be made" in error.message


def test_a_setting_that_swaps_the_artifact_for_another_file_is_found_out(
    put: Install, odd: Artifact, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = pack_wheel(tmp_path / "other" / WHEEL)
    (tmp_path / "overrides.txt").write_text(f"odd @ {other.as_uri()}\n")
    settings = {**environment, "UV_OVERRIDE": str(tmp_path / "overrides.txt")}

    error = failure(put, odd, tmp_path / "environment", environment=settings)

    assert isinstance(error, TestbedError)
    assert f"uv installed something else than '{WHEEL}'" in error.message


@pytest.mark.parametrize(
    ("installer", "complaint"),
    [
        ("pipx", "No apps associated with package odd or its dependencies"),
        ("uv-tool", "No executables are provided by package `odd`"),
    ],
)
def test_a_package_without_a_program_is_no_tool(
    put: Install, odd: Artifact, tmp_path: Path, installer: str, complaint: str
) -> None:
    error = failure(put, odd, tmp_path / "environment", installer=installer)

    assert isinstance(error, ArtifactError)
    assert error.message == f"the artifact does not install: {complaint}"


def test_a_pipx_that_is_missing_is_the_users_mistake(
    put: Install, odd: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pipx", None)  # as Python itself marks what cannot be imported

    error = failure(put, odd, tmp_path / "environment", installer="pipx")

    assert isinstance(error, UsageError)
    assert str(error) == "--installer pipx needs the package of that name; hint: pip install --group smoke"
