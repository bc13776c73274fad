"""Self-tests of finding interpreters."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.release.interpreters import KNOWN, admitted, find

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_version_that_runs_is_found() -> None:
    found = find(RUNNING)

    assert found is not None
    said = subprocess.run(
        [found, "-c", "import sys; print(*sys.version_info[:2], sep='.')"], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == RUNNING


@pytest.mark.parametrize("wanted", ["3.999", "", "python3", "/usr/bin/env", "3.11 or so", "3.1.1.1"])
def test_what_is_no_version_here_is_not_found(wanted: str) -> None:
    assert find(wanted) is None


@pytest.mark.parametrize(
    ("requires", "versions"),
    [
        ("", KNOWN),
        (">=3.10", ("3.10", "3.11", "3.12", "3.13", "3.14")),
        (">=3.10,<3.12", ("3.10", "3.11")),
        ("==3.11.4", ("3.11",)),
        (">3.11", ("3.11", "3.12", "3.13", "3.14")),
        ("<3", ()),
    ],
)
def test_a_release_says_which_versions_it_admits(requires: str, versions: tuple[str, ...]) -> None:
    assert admitted(requires) == versions
