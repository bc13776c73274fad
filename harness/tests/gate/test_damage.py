"""Self-test of the gate against chance: no file and no statement with another byte in it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gate.inspection import Passed

if TYPE_CHECKING:
    from harness.gate.inspection import Gate
    from harness.tests.gate.releases import Release


@pytest.fixture(scope="module")
def gate(original: Release) -> Gate:
    """The gate that lets the undamaged file pass."""
    gate = original.gate()
    assert isinstance(gate.inspect(original.wheel), Passed)
    return gate


@settings(max_examples=10_000, deadline=None, database=None)
@given(
    in_artifact=st.booleans(),
    place=st.integers(min_value=0, max_value=1 << 16),
    mask=st.integers(min_value=1, max_value=255),
)
def test_no_damage_passes(original: Release, gate: Gate, in_artifact: bool, place: int, mask: int) -> None:  # noqa: FBT001 -- drawn by name
    whole = (original.wheel if in_artifact else original.statements).read_bytes()
    damaged = bytearray(whole)
    damaged[place % len(damaged)] ^= mask
    wheel, lines = original.wheel, bytes(damaged)
    if in_artifact:
        wheel, lines = original.wheel.parent / "damaged" / original.wheel.name, original.statements.read_bytes()
        wheel.parent.mkdir(exist_ok=True)
        wheel.write_bytes(damaged)

    assert not isinstance(gate.judge(wheel, lines.splitlines(keepends=True), wheel), Passed)
