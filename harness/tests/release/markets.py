"""Registries of the tests' own that have what a release needs, with something in between that spoils it on its way."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import virtualenv

from harness.tests.registries import serve, serve_wheels
from harness.tests.relays import Relay
from harness.tests.release.projects import pack_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OTHER_SOURCES = ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX")
NEEDS_PART = ("Name: odd", "Version: 1.0", "Requires-Dist: part==1.0")
# The wheel of a source that is built with it says what it says.
TAKES_PART = """\
import part
    with open(os.path.join(directory, "odd-1.0-py3-none-any.whl"), "wb") as wheel:
        wheel.write(part.SAYS.encode())
    return "odd-1.0-py3-none-any.whl"
"""
PART = r"part.*\.whl$"  # the file of a dependency
PAGE = r"^/simple/part/"  # what the index says of it


@dataclass(frozen=True, kw_only=True)
class Market:
    """A package index with `part` and pip; `settings` make it the only source, of tools whose caches are new."""

    relay: Relay
    settings: Mapping[str, str]

    @property
    def caches(self) -> Path:
        """The directory of the tools' caches."""
        return Path(self.settings["UV_CACHE_DIR"]).parent

    def cached(self, pattern: str) -> list[Path]:
        """Files in those."""
        return sorted(path for path in self.caches.rglob(pattern) if path.is_file())


@contextmanager
def open_market(directory: Path, environment: Mapping[str, str]) -> Iterator[Market]:
    """Serve it; what it has and the caches are below a directory."""
    packages = directory / "packages"
    packages.mkdir()
    pack_part(packages)
    # Every index has pip: it is what a silent one is told by.
    for wheel in (Path(virtualenv.__file__).parent / "seed" / "wheels" / "embed").glob("pip-*.whl"):
        shutil.copy(wheel, packages)
    with serve_wheels(packages) as address, serve(Relay(upstream=address)) as relay:
        assert isinstance(relay, Relay)
        index = f"{relay.address}simple/"
        yield Market(
            relay=relay,
            settings={
                **{name: value for name, value in environment.items() if name not in _OTHER_SOURCES},
                "UV_DEFAULT_INDEX": index,
                "UV_NO_CONFIG": "1",
                "UV_HTTP_RETRIES": "0",
                "UV_CACHE_DIR": str(directory / "caches" / "uv"),
                "PIP_INDEX_URL": index,
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_RETRIES": "1",
                "PIP_TRUSTED_HOST": "127.0.0.1",  # or pip would cache nothing of it
                "PIP_CACHE_DIR": str(directory / "caches" / "pip"),
                "NO_PROXY": "127.0.0.1",
            },
        )


def spoil(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes of a file such that neither size nor times tell."""
    content, status = path.read_bytes(), path.stat()
    assert old in content
    assert len(old) == len(new)
    path.chmod(0o644)
    path.write_bytes(content.replace(old, new))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
