"""Self-tests of finding the caches that sandboxes share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import TestbedError
from harness.running.environment import installer_environment
from harness.toolcaches import cache_directory, tool_caches


def test_the_users_settings_say_where_caches_are(tmp_path: Path) -> None:
    places = {"UV_CACHE_DIR": str(tmp_path / "uv"), "PIP_CACHE_DIR": str(tmp_path / "pip")}
    program, caches = tool_caches(installer_environment(os.environ) | places)

    assert program.is_file()
    assert caches == {name: Path(place) for name, place in places.items()}


def test_a_uv_that_does_not_work_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    with pytest.raises(TestbedError, match="'uv cache dir' fails: "):
        tool_caches({"UV_CONFIG_FILE": str(tmp_path / "missing.toml")})


def test_the_harness_has_a_cache_of_its_own() -> None:
    assert cache_directory().is_absolute()
