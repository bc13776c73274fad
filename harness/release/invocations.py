"""The ways in which an installed release is called: which there are, and what one is.

What each takes of an installation is for `installation`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT = "console"  # the installed program, by its path
OF_PYTHON = (DEFAULT, "module")  # `python -m`
OF_NPM = (DEFAULT, "npx", "global")  # the last is the bare name, found on PATH
EVERY = (*OF_PYTHON, *OF_NPM[1:])

# What a contract must have.
NEEDS: Mapping[str, tuple[str, ...]] = {"module": ("python_module",)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """A way to call a release: the words before its arguments, and what these need around them.

    `title` is the same in short, for people. `path` is a directory that must come first on `PATH`.
    """

    name: str
    title: str
    words: tuple[str, ...]
    path: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
