"""What the self-tests of every value have in common."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest


def assert_plain(value: object) -> None:
    """A value is what it was made as: no field of it is replaced, none is added, and none is mixed up with another."""
    cls, names = type(value), [field.name for field in fields(value)]  # type: ignore[arg-type]  # a dataclass
    with pytest.raises(FrozenInstanceError):
        setattr(value, names[0], None)
    with pytest.raises(TypeError, match="positional"):
        cls(*(getattr(value, name) for name in names))
    assert not hasattr(value, "__dict__")
