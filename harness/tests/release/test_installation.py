"""Installing: what a user would get, from exactly that file."""

from __future__ import annotations

import importlib.metadata
import os
import pickle
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError
from harness.release.artifact import Artifact, identify
from harness.release.installation import PythonInstallation, record_mismatches
from harness.tests.release.installing import EVERY_INSTALLER, WHEEL, printed
from harness.tests.release.projects import SCRIPT, pack_wheel

if TYPE_CHECKING:
    from harness.tests.release.installing import Install


def test_the_offered_script_works(installed: PythonInstallation) -> None:
    done = subprocess.run([installed.executable("tiny")], check=True, capture_output=True, text=True)

    assert done.stdout == "tiny at work\n"


def test_a_missing_script_is_named_beside_those_that_are_offered(installed: PythonInstallation) -> None:
    with pytest.raises(ArtifactError, match=r"no 'huge' script; it offers 'tiny'") as caught:
        installed.executable("huge")
    assert caught.value.stage == "installs"


def test_an_artifact_without_scripts_says_so(put: Install, odd: Artifact, tmp_path: Path) -> None:
    installation = put(odd, tmp_path / "environment")

    with pytest.raises(ArtifactError, match="it offers none"):
        installation.executable("odd")


def test_an_installation_says_what_it_holds(installed: PythonInstallation) -> None:
    held = {each.name: each.version for each in installed.distributions}
    ours = {"uv": "uv", "uv-tool": "uv", "pipx": "pipx"}
    seeded = held.pop("pip", "")
    tool = ours.get(installed.installer)

    assert held == {"Tiny.Tool": "1.0"}
    assert installed.name == "Tiny.Tool"
    assert installed.installer_version == (importlib.metadata.version(tool) if tool else seeded) != ""
    assert installed.python_version == printed(installed.python, "import platform; print(platform.python_version())")


def test_every_place_of_an_installation_is_absolute_and_within_it(installed: PythonInstallation) -> None:
    for place in (installed.python, installed.scripts, installed.site_packages):
        assert place.exists()
        assert place.is_relative_to(installed.directory)
    assert installed.directory.is_absolute()


def test_an_installation_can_be_sent_to_another_process(installed: PythonInstallation) -> None:
    assert pickle.loads(pickle.dumps(installed)) == installed  # noqa: S301  (pickled right here)


def test_record_agrees_with_the_disk(installed: PythonInstallation) -> None:
    assert record_mismatches(installed, "tiny-tool") == ()


def test_no_file_is_a_hard_link(installed: PythonInstallation) -> None:
    files = [path for path in installed.directory.rglob("*") if path.is_file() and not path.is_symlink()]

    assert files
    assert [path for path in files if path.stat().st_nlink != 1] == []


def test_bytecode_is_compiled(installed: PythonInstallation) -> None:
    sources = (installed.site_packages / "tiny_tool").glob("*.py")
    caches = [
        Path(printed(installed.python, f"import importlib.util as i; print(i.cache_from_source({str(path)!r}))"))
        for path in sources
    ]

    assert caches
    assert [path for path in caches if not path.is_file()] == []


def test_a_log_tells_what_the_installer_said(installed: PythonInstallation) -> None:
    log = installed.directory.with_name("environment.log")

    assert "tiny" in log.read_text().lower()


def test_another_log_can_be_given(put: Install, odd: Artifact, tmp_path: Path) -> None:
    put(odd, tmp_path / "environment", log=tmp_path / "other")

    assert "odd" in (tmp_path / "other").read_text()


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
def test_odd_directory_names_are_no_obstacle(put: Install, tmp_path: Path, installer: str) -> None:
    place = tmp_path / "a ~ #1 & 50% naïve"
    place.mkdir()
    artifact = identify(pack_wheel(place / WHEEL, SCRIPT))

    installation = put(artifact, place / "environment", installer=installer)

    assert record_mismatches(installation, "odd") == ()


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
def test_nothing_is_written_but_the_installation_and_caches(
    put: Install, environment: dict[str, str], tmp_path: Path, installer: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    private = {"HOME": str(home), "PATH": os.defpath}  # pip asks a compiler on PATH, which would write there
    caches = {"UV_CACHE_DIR": str(tmp_path / "uv"), "PIP_CACHE_DIR": str(tmp_path / "pip")}
    kept = {name: value for name, value in environment.items() if not name.startswith(("XDG_", "PIPX_", "UV_TOOL"))}
    artifact = identify(pack_wheel(tmp_path / WHEEL, SCRIPT))

    put(artifact, tmp_path / "environment", installer=installer, environment=kept | caches | private)

    assert list(home.iterdir()) == []


@pytest.mark.parametrize("installer", ["pipx", "uv-tool"])
def test_a_tool_is_called_by_its_link(put: Install, wheel: Artifact, tmp_path: Path, installer: str) -> None:
    installation = put(wheel, tmp_path / "environment", installer=installer)

    assert installation.executable("tiny") == tmp_path / "environment" / "bin" / "tiny"
    assert installation.python.parent != installation.scripts
