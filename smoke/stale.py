"""What stale runtimes can look like: each shape makes some below a product's root, and names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smoke.product import Ktx


def stale_version(ktx: Ktx) -> str:
    """A version that is surely not the one under test."""
    return "0.0.0" if ktx.version != "0.0.0" else "0.0.1"


def make_empty(ktx: Ktx, name: str | None = None) -> Path:
    """One stale runtime with nothing in it."""
    runtime = ktx.root / (name or stale_version(ktx))
    runtime.mkdir(parents=True)
    return runtime


def make_plain(ktx: Ktx, name: str | None = None) -> Path:
    """One that looks like an installed one: a manifest, a log, a directory with files."""
    runtime = make_empty(ktx, name)
    (runtime / "manifest.json").write_text('{"schemaVersion": 1}\n', encoding="utf-8")
    (runtime / "install.log").write_text("installed\n", encoding="utf-8")
    (runtime / ".venv" / "bin").mkdir(parents=True)
    (runtime / ".venv" / "bin" / "python").write_text("#!/bin/sh\n", encoding="utf-8")
    return runtime


def make_real(ktx: Ktx, name: str | None = None) -> Path:
    """One that the product installed itself, put where an older version would have put it."""
    ktx.run("install", "--yes")
    runtime = ktx.root / (name or stale_version(ktx))
    ktx.runtime.rename(runtime)
    return runtime


def _empty(ktx: Ktx) -> tuple[Path, ...]:
    return (make_empty(ktx),)


def _real(ktx: Ktx) -> tuple[Path, ...]:
    return (make_real(ktx),)


def _read_only(ktx: Ktx) -> tuple[Path, ...]:
    runtime = make_plain(ktx)
    for path in [*sorted(runtime.rglob("*"), reverse=True), runtime]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    ktx.sandbox.drop_privileges()
    return (runtime,)


def _links_outside(ktx: Ktx) -> tuple[Path, ...]:
    runtime = make_plain(ktx)
    outside = ktx.sandbox.home / "precious"
    outside.mkdir()
    (outside / "data.txt").write_text("keep me\n", encoding="utf-8")
    (runtime / "directory").symlink_to(outside, target_is_directory=True)
    (runtime / "file").symlink_to(outside / "data.txt")
    (runtime / "upwards").symlink_to("..", target_is_directory=True)
    return (runtime,)


def _deep(ktx: Ktx) -> tuple[Path, ...]:
    runtime = make_empty(ktx)
    (runtime / "/".join("abcdefgh" * 8)).mkdir(parents=True)
    return (runtime,)


def _odd_names(ktx: Ktx) -> tuple[Path, ...]:
    runtime = make_plain(ktx)
    for name in ("with space", "línea ñ 漢字", "-rf", "'quote'", "*", "line\nbreak", "~"):
        (runtime / name).mkdir()
        (runtime / name / name).write_text("x", encoding="utf-8")
    return (runtime,)


def _fifty(ktx: Ktx) -> tuple[Path, ...]:
    return tuple(make_plain(ktx, f"0.0.{number}") for number in range(50) if f"0.0.{number}" != ktx.version)


def _prerelease_names(ktx: Ktx) -> tuple[Path, ...]:
    names = (
        "0.0.1-rc.0",
        "0.0.1rc1",
        "0.0.1.dev3",
        "0.0.1+local.7",
        "0.0.2-alpha.1+b.2",
        "0.0",
        "10.20.30.40",
    )
    return tuple(make_plain(ktx, name) for name in names if name != ktx.version)


def _names_like_the_current(ktx: Ktx) -> tuple[Path, ...]:
    return tuple(make_plain(ktx, ktx.version + ending) for ending in ("0", ".1", "-rc.0", ".post1", "+local"))


SHAPES: dict[str, Callable[[Ktx], tuple[Path, ...]]] = {
    "empty": _empty,
    "real": _real,
    "read-only": _read_only,
    "links-outside": _links_outside,
    "deep": _deep,
    "odd-names": _odd_names,
    "fifty": _fifty,
    "prerelease-names": _prerelease_names,
    "names-like-the-current": _names_like_the_current,
}
MARKS = {  # what a shape needs besides
    "real": (pytest.mark.needs("install"), pytest.mark.needs_network("it installs a runtime")),
}
