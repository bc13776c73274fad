"""What the self-tests of whole sessions share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from harness.running.environment import installer_environment
from harness.tests.sessions.checkouts import Checkout

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def environment() -> dict[str, str]:
    """The complete environment of a step of ours."""
    return installer_environment(os.environ)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout of the test's own."""
    return Checkout(tmp_path)
