"""What the self-tests of downloading share: downloads into a directory, and how they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.errors import HarnessError
from harness.release.downloading import download
from harness.release.registry import Registry, parse
from harness.release.steps import Surroundings
from harness.tests.release.projects import pack_wheel

if TYPE_CHECKING:
    from pathlib import Path

BUILDS_NOTHING = 'raise RuntimeError("no parts left")'
BUILDS_METADATA = """\
return "odd-1.0-py3-none-any.whl"

def prepare_metadata_for_build_wheel(directory, settings=None):
    os.mkdir(os.path.join(directory, "odd-1.0.dist-info"))
    with open(os.path.join(directory, "odd-1.0.dist-info", "METADATA"), "w") as metadata:
        metadata.write("Metadata-Version: 2.1\\nName: odd\\nVersion: 1.0\\n")
    return "odd-1.0.dist-info"
"""


class Downloads:
    """Downloads into a directory of the test's own."""

    def __init__(self, directory: Path, environment: dict[str, str], cache: Path) -> None:
        self.directory = directory
        self.environment = dict(environment)  # which other tests share
        self.timeout = 120.0
        self._cache = cache

    def __call__(self, reference: str, index: str | None, *, kind: str = "wheel", wait: float = 0.0) -> Path:
        """The file of a reference."""
        spec = parse(reference)
        assert spec is not None
        return download(
            spec,
            self.directory / "files",
            registry=Registry(index=index, wait=wait),
            kind=kind,
            python="",
            node="",
            cache=self._cache,
            surroundings=Surroundings(environment=self.environment, timeout=self.timeout, log=self.directory / "log"),
        )

    @property
    def left(self) -> list[str]:
        """What lies in the directory."""
        return sorted(path.name for path in self.directory.iterdir())

    @property
    def log(self) -> str:
        """What the tools said so far."""
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""


def wheel(directory: Path, version: str = "1.0") -> Path:
    headers = ("Name: odd", f"Version: {version}")
    return pack_wheel(directory / f"odd-{version}-py3-none-any.whl", headers=headers)


def failure(downloads: Downloads, reference: str, index: str | None, **wishes: object) -> HarnessError:
    """The error that a download ends in; nothing is left of it but the log."""
    with pytest.raises(HarnessError) as caught:
        downloads(reference, index, **wishes)  # type: ignore[arg-type]
    assert downloads.left == ["files", "log"]
    assert list((downloads.directory / "files").iterdir()) == []
    return caught.value
