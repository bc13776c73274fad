"""What the self-tests of the gate share: one real smoke, signed, and a copy for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.tests.gate.releases import Release, smoke_and_sign

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release as its smoke left it; nobody changes it."""
    return smoke_and_sign(tmp_path_factory.mktemp("original"))


@pytest.fixture
def release(original: Release, tmp_path: Path) -> Release:
    """A copy of the test's own."""
    return original.copy(tmp_path)
