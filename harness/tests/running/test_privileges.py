"""Self-tests of having permission bits bind a command, whoever runs it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError
from harness.running.privileges import is_superuser, prefix_of_ordinary_user

if TYPE_CHECKING:
    from pathlib import Path


def test_permission_bits_bind_behind_the_prefix(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("known")
    read = ("/bin/cat", str(secret))
    before = subprocess.run([*prefix_of_ordinary_user(), *read], check=False, capture_output=True, text=True)
    secret.chmod(0)
    after = subprocess.run([*prefix_of_ordinary_user(), *read], check=False, capture_output=True, text=True)

    assert (before.returncode, before.stdout) == (0, "known")
    assert (after.returncode, after.stdout) == (1, "")
    assert "Permission denied" in after.stderr


def test_who_is_root() -> None:
    assert is_superuser() == (os.geteuid() == 0)
    assert bool(prefix_of_ordinary_user()) == is_superuser()


def test_an_ordinary_user_needs_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert prefix_of_ordinary_user() == ()


def test_a_root_without_the_tool_is_a_fault_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TestbedError, match=r"'setpriv' is missing.*hint: install util-linux"):
        prefix_of_ordinary_user()
