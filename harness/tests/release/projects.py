"""Small real projects and archives for the self-tests of `harness.release`."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PYPROJECT = """\
[build-system]
requires = ["flit_core>=3.9"]
build-backend = "flit_core.buildapi"

[project]
name = "Tiny.Tool"
version = "1.0"
description = "As small as a release can be"
requires-python = ">=3.8"

[project.scripts]
tiny = "tiny_tool:main"

[tool.flit.module]
name = "tiny_tool"
"""

# Tools that make an environment for a program take nothing without one.
SCRIPT = {"odd-1.0.dist-info/entry_points.txt": "[console_scripts]\nodd = odd:main\n"}

# A backend inside its own project needs no index; what goes wrong in a test is one function of it.
BACKEND = """\
import errno, io, os, subprocess, sys, tarfile, time

def build_sdist(directory, settings=None):
    with tarfile.open(os.path.join(directory, "odd-1.0.tar.gz"), "w:gz") as archive:
        text = b"Metadata-Version: 2.1\\nName: odd\\nVersion: 1.0\\n"
        entry = tarfile.TarInfo("odd-1.0/PKG-INFO")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
        for name in ("pyproject.toml", "backend.py"):
            archive.add(name, "odd-1.0/" + name)
    return "odd-1.0.tar.gz"

def build_wheel(directory, settings=None, metadata=None):
    {build_wheel}
"""


def git(directory: Path, *arguments: str) -> None:
    """Run git on a repository of the test's."""
    who = ("-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    program = shutil.which("git")
    assert program is not None
    subprocess.run([program, *who, *arguments], cwd=directory, check=True, capture_output=True)


def write_tool(directory: Path) -> Path:
    """A project that builds with flit and offers the script `tiny`."""
    package = directory / "src" / "tiny_tool"
    package.mkdir(parents=True)
    (directory / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text('def main() -> None:\n    print("tiny at work")\n')
    return directory


def write_odd(directory: Path, build_wheel: str, requires: str = "") -> Path:
    """A project whose sdist builds, and whose wheel does what `build_wheel` says."""
    directory.mkdir(parents=True)
    (directory / "backend.py").write_text(BACKEND.format(build_wheel=build_wheel))
    lines = (f"requires = [{requires}]", 'build-backend = "backend"', 'backend-path = ["."]')
    (directory / "pyproject.toml").write_text("\n".join(("[build-system]", *lines, "")))
    return directory


def pack_odd(directory: Path, build_wheel: str) -> Path:
    """The sdist of such a project."""
    source = write_odd(directory / "odd-1.0", build_wheel)
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    with tarfile.open(directory / "odd-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, source.name)
    return directory / "odd-1.0.tar.gz"


def pack_wheel(
    path: Path,
    files: Mapping[str, str] | None = None,
    *,
    headers: tuple[str, ...] = ("Name: odd", "Version: 1.0"),
    lies: Mapping[str, str] | None = None,
) -> Path:
    """A wheel `odd` 1.0 with a true RECORD, but for the rows that `lies` replaces or drops ("")."""
    contents = {
        "odd/__init__.py": "",
        "odd/data.txt": "something\n",
        "odd-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "odd-1.0.dist-info/METADATA": "\n".join(("Metadata-Version: 2.1", *headers, "")),
        **(files or {}),
    }
    return _write_wheel(path, contents, "odd-1.0.dist-info/RECORD", lies or {})


def pack_part(directory: Path) -> Path:
    """The wheel of `part` 1.0, which a release can depend on, or be built with."""
    files = {
        "part/__init__.py": f"SAYS = 'good'\n# {'padding ' * 500}\n",
        "part-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "part-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: part\nVersion: 1.0\n",
    }
    return _write_wheel(directory / "part-1.0-py3-none-any.whl", files, "part-1.0.dist-info/RECORD", {})


def pack_sdist(path: Path, *members: tarfile.TarInfo, headers: str = "Name: odd\nVersion: 1.0\n") -> Path:
    """An sdist `odd` 1.0 that holds its metadata and the empty members given."""
    return pack_tarball(path, "odd-1.0/PKG-INFO", f"Metadata-Version: 2.1\n{headers}", *members)


def pack_tarball(path: Path, name: str, text: str, *members: tarfile.TarInfo) -> Path:
    """A tarball with one file, and after it the empty members given."""
    content = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(entry, io.BytesIO(content))
        for each in members:
            archive.addfile(each)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """A member for `pack_sdist`."""
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.linkname = target
    return entry


def _write_wheel(path: Path, contents: Mapping[str, str], record: str, lies: Mapping[str, str]) -> Path:
    rows = {name: _row(name, text) for name, text in contents.items()} | {"": f"{record},,"} | dict(lies)
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in contents.items():
            wheel.writestr(name, text)
        wheel.writestr(record, "\n".join(row for row in rows.values() if row) + "\n")
    return path


def _row(name: str, text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    return f"{name},sha256={digest},{len(text.encode())}"
