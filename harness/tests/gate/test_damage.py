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


DAMAGE = st.tuples(st.booleans(), st.integers(min_value=0, max_value=1 << 16), st.integers(min_value=1, max_value=255))
BATCH = 50  # drawn together, because drawing takes longer than judging


@settings(max_examples=10_000 // BATCH, deadline=None, database=None)
@given(damages=st.lists(DAMAGE, min_size=BATCH, max_size=BATCH))
def test_no_damage_passes(original: Release, gate: Gate, damages: list[tuple[bool, int, int]]) -> None:
    assert [damage for damage in damages if isinstance(judge(original, gate, *damage), Passed)] == []


def judge(original: Release, gate: Gate, in_artifact: bool, place: int, mask: int) -> object:  # noqa: FBT001 -- drawn
    """What the gate says when one byte is another, of the artifact or of its statements."""
    whole = (original.wheel if in_artifact else original.statements).read_bytes()
    damaged = bytearray(whole)
    damaged[place % len(damaged)] ^= mask
    wheel, lines = original.wheel, bytes(damaged)
    if in_artifact:
        wheel, lines = original.wheel.parent / "damaged" / original.wheel.name, original.statements.read_bytes()
        wheel.parent.mkdir(exist_ok=True)
        wheel.write_bytes(damaged)
    return gate.judge(wheel, lines.splitlines(keepends=True), wheel)
