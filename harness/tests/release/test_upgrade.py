"""Upgrading and removing: what an environment holds afterwards, by each installer; and whose fault it is when not."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, TestbedError
from harness.release.artifact import Artifact, identify
from harness.release.building import build_wheel_of_tree
from harness.release.installation import (
    PythonInstallation,
    install,
    record_mismatches,
    record_paths,
    uninstall,
    upgrade,
)
from harness.tests.release.installing import EVERY_INSTALLER
from harness.tests.release.projects import write_tool

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 120.0


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Artifact:
    """The next release of the tool, which has another word and one more module."""
    directory = tmp_path_factory.mktemp("newer")
    source = write_tool(directory / "source")
    project = source / "pyproject.toml"
    project.write_text(project.read_text().replace('version = "1.0"', 'version = "2.0"'))
    package = source / "src" / "tiny_tool"
    (package / "__init__.py").write_text("from tiny_tool.words import main as main\n")
    (package / "words.py").write_text('def main() -> None:\n    print("tiny at more work")\n')
    log = directory / "build.log"
    return identify(build_wheel_of_tree(source, directory / "dist", environment=environment, timeout=SECONDS, log=log))


@pytest.fixture(params=EVERY_INSTALLER)
def installed(
    request: pytest.FixtureRequest, wheel: Artifact, environment: dict[str, str], cache: Path, tmp_path: Path
) -> PythonInstallation:
    """The first release, installed by each installer for one test to change."""
    installation = install(
        wheel,
        tmp_path / "environment",
        installer=request.param,
        python="",
        environment=environment,
        timeout=SECONDS,
        cache=cache,
    )
    assert isinstance(installation, PythonInstallation)
    return installation


def said(installation: PythonInstallation) -> str:
    """What the tool prints."""
    return subprocess.run([installation.executable("tiny")], check=True, capture_output=True, text=True).stdout


def seen(installation: PythonInstallation) -> set[Path]:
    """What lies in the directories for packages and programs, those that are there."""
    places = (installation.site_packages, installation.scripts)
    return {path for place in places if place.is_dir() for path in place.iterdir()}


def test_an_upgrade_leaves_the_newer_release_alone(
    installed: PythonInstallation, newer: Artifact, environment: dict[str, str], tmp_path: Path
) -> None:
    assert said(installed) == "tiny at work\n"

    upgrade(installed, newer, environment=environment, timeout=SECONDS, log=tmp_path / "log")

    assert said(installed) == "tiny at more work\n"
    assert record_mismatches(installed, "tiny-tool") == ()
    assert list(installed.site_packages.glob("*1.0*")) == []
    assert "tiny" in (tmp_path / "log").read_text().lower()


def test_an_uninstall_leaves_nothing_of_what_was_the_artifacts(
    installed: PythonInstallation, environment: dict[str, str], tmp_path: Path
) -> None:
    places = record_paths(installed)
    beside = seen(installed) - set(places)
    assert {path.name for path in places} == {"tiny", "tiny_tool", "tiny_tool-1.0.dist-info"}
    assert all(path.exists() for path in places)

    uninstall(installed, environment=environment, timeout=SECONDS, log=tmp_path / "log")

    assert [path for path in places if os.path.lexists(path)] == []
    assert seen(installed) <= beside
    assert record_paths(installed) == ()
    assert "tiny" in (tmp_path / "log").read_text().lower()


@pytest.mark.parametrize("installed", ["uv"], indirect=True)
def test_what_cannot_be_uninstalled_is_the_artifacts_fault(
    installed: PythonInstallation, environment: dict[str, str], tmp_path: Path
) -> None:
    (installed.site_packages / "tiny_tool-1.0.dist-info" / "RECORD").unlink()

    with pytest.raises(ArtifactError, match=r"^the artifact does not uninstall: .*RECORD") as caught:
        uninstall(installed, environment=environment, timeout=SECONDS, log=tmp_path / "log")

    assert caught.value.stage == "installs"
    assert caught.value.detail


@pytest.mark.parametrize("installed", ["uv"], indirect=True)
def test_an_upgrade_that_a_setting_turns_elsewhere_is_found_out(
    installed: PythonInstallation, wheel: Artifact, newer: Artifact, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "overrides.txt").write_text(f"tiny-tool @ {wheel.path.as_uri()}\n")
    settings = {**environment, "UV_OVERRIDE": str(tmp_path / "overrides.txt")}

    with pytest.raises(TestbedError, match=f"uv installed something else than '{newer.path.name}'"):
        upgrade(installed, newer, environment=settings, timeout=SECONDS, log=tmp_path / "log")
