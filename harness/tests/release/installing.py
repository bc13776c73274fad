"""What the self-tests of installing share besides fixtures."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.errors import HarnessError
from harness.release.installers import INSTALLERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.release.artifact import Artifact
    from harness.release.installation import PythonInstallation

    Install = Callable[..., PythonInstallation]

EVERY_INSTALLER = tuple(INSTALLERS)
WHEEL = "odd-1.0-py3-none-any.whl"


def failure(put: Install, artifact: Artifact, directory: Path, **changes: object) -> HarnessError:
    """The error of an installation that must not succeed."""
    with pytest.raises(HarnessError) as caught:
        put(artifact, directory, **changes)
    assert "\n" not in caught.value.message
    return caught.value


def printed(python: Path, code: str) -> str:
    """What an interpreter prints."""
    command = [str(python), "-I", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
