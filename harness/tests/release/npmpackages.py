"""Small real packages of npm for the self-tests, packed as a registry gives them."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGE: Mapping[str, object] = {"name": "odd", "version": "1.0.0", "bin": {"odd": "odd.js"}}
PROGRAM = '#!/usr/bin/env node\nconsole.log("odd 1.0.0");\n'


def write_package(directory: Path, others: Mapping[str, str] | None = None, **said: object) -> Path:
    """The source of `odd`, which has one program.

    `others` are more files by name, `said` is more of its package.json, or other than usual.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in _contents(others or {}, said).items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory


def pack_package(
    path: Path, others: Mapping[str, str] | None = None, *members: tarfile.TarInfo, top: str = "package", **said: object
) -> Path:
    """The same as a file, with the empty members given besides."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in _contents(others or {}, said).items():
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
        for member in members:
            archive.addfile(member)
    return path


def _contents(others: Mapping[str, str], said: Mapping[str, object]) -> dict[str, str]:
    return {"package.json": json.dumps({**PACKAGE, **said}), "odd.js": PROGRAM, **others}
