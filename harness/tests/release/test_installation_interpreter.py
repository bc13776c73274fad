"""Installing for an interpreter: the base of the one that was asked for, or a mistake of the user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.tests.release.installing import failure, printed

if TYPE_CHECKING:
    from harness.release.artifact import Artifact
    from harness.release.installation import PythonInstallation
    from harness.tests.release.installing import Install


def test_the_environment_comes_from_the_base_of_this_interpreter(installed: PythonInstallation) -> None:
    base = printed(installed.python, "import sys; print(sys.base_prefix)")

    assert Path(base).resolve() == Path(sys.base_prefix).resolve()
    assert not (installed.base_python.parent.parent / "pyvenv.cfg").exists()
    assert not installed.base_python.is_symlink()


def test_the_interpreter_of_an_environment_leads_to_its_base(
    put: Install, installed: PythonInstallation, odd: Artifact, tmp_path: Path
) -> None:
    second = put(odd, tmp_path / "environment", python=str(installed.python))

    assert second.base_python == installed.base_python
    assert printed(second.python, "import sys; print(sys.base_prefix)") == printed(
        installed.python, "import sys; print(sys.base_prefix)"
    )
    assert [each.name for each in second.distributions] == ["odd"]


def test_a_link_to_the_base_interpreter_makes_environments(put: Install, odd: Artifact, tmp_path: Path) -> None:
    base = put(odd, tmp_path / "environment").base_python
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "python3"
    link.symlink_to(base)

    subprocess.run([link, "-I", "-m", "venv", "--without-pip", tmp_path / "second"], check=True)

    assert printed(tmp_path / "second" / "bin" / "python", "import json; print('fine')") == "fine"


def test_a_version_names_an_interpreter(put: Install, odd: Artifact, tmp_path: Path) -> None:
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert put(odd, tmp_path / "environment", python=wanted).python_version.startswith(f"{wanted}.")


@pytest.mark.parametrize("python", ["3.999", "gone/python"])
def test_an_unknown_interpreter_is_the_users_mistake(put: Install, odd: Artifact, tmp_path: Path, python: str) -> None:
    error = failure(put, odd, tmp_path / "environment", python=python)

    assert isinstance(error, UsageError)
    assert f"there is no Python '{python}'" in error.message
    assert not (tmp_path / "environment").exists()


def test_a_file_that_is_no_interpreter_is_the_users_mistake(put: Install, odd: Artifact, tmp_path: Path) -> None:
    error = failure(put, odd, tmp_path / "environment", python=str(odd.path))

    assert isinstance(error, UsageError)
