"""Where the tools that a run uses keep their caches, and uv itself.

Isolated homes would download everything anew each time; these directories are shared on purpose.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import uv

from harness.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import Mapping


def cache_directory() -> Path:
    """This project's own cache: what virtualenv unpacks once."""
    return platformdirs.user_cache_path("ktx-smoke")


def tool_caches(environment: Mapping[str, str]) -> tuple[Path, dict[str, Path]]:
    """The program `uv`, and the variables that hand the caches of uv and pip to a sandbox."""
    program = Path(uv.find_uv_bin()).resolve()
    answer = subprocess.run(
        [program, "cache", "dir"], env=dict(environment), capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise TestbedError("'uv cache dir' fails: " + " ".join(answer.stderr.split()))
    pip = environment.get("PIP_CACHE_DIR") or platformdirs.user_cache_path("pip")
    return program, {"UV_CACHE_DIR": Path(answer.stdout.strip()), "PIP_CACHE_DIR": Path(pip)}


def usable_tool_caches(environment: Mapping[str, str]) -> tuple[Path, dict[str, Path]]:
    """The same; TestbedError if uv is to use its cache and cannot write it, or make it."""
    program, caches = tool_caches(environment)
    if not environment.get("UV_NO_CACHE"):
        _demand_writable(caches["UV_CACHE_DIR"])
    return program, caches


def _demand_writable(cache: Path) -> None:
    there = next(place for place in (cache, *cache.parents) if os.path.lexists(place))
    if not os.access(there, os.W_OK | os.X_OK):
        raise TestbedError(f"the cache '{cache}' cannot be written: '{there}' is read-only")
