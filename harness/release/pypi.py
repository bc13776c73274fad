"""How pip is asked for a published version, and what it says when it does not give it.

Its settings come with the environment. pip ends in the same words whether a version does not exist or the index
is down; only what it says on its way, when it is told to be verbose, tells them apart.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

if TYPE_CHECKING:
    from pathlib import Path

    from harness.release.registry import Spec

INDEX = "package index"  # what its failures are about

# A registry that is down ends a run soon: a minute at most for each page, not pip's five tries of as long as it takes.
_PATIENCE = ("--retries", "1", "--timeout", "30")
_ABSENT = re.compile(r"^ERROR: (?:No matching distribution found|.*\b404 Client Error|HTTP error 404 )", re.MULTILINE)
_FETCH = re.compile(r"Could not fetch URL (?P<url>\S+): (?P<reason>.*?)(?: - skipping)?$", re.MULTILINE)
_PASSED_OVER = re.compile(
    r"(?P<reason>Skipping page .*|The repository located at .* is being ignored.*)$", re.MULTILINE
)
_LINK = re.compile(r"Skipping link: .*: \S*/(?P<file>[^/\s#]+)(?:#\S*)? \(from ")
_UNPACKED = re.compile(r"^\s*Added .+ from (?P<url>\S+) to build tracker", re.MULTILINE)
# Of a file without a hash nobody knows whether it came whole.
_HASHED = re.compile(r"Found link \S+#sha(?:256|384|512)=")
_DAMAGED = re.compile(
    r"^(?:ERROR: )?(?P<reason>Wheel '.*' located at .* is invalid|(?:tarfile\.ReadError|zipfile\.BadZipFile): .+)",
    re.MULTILINE,
)
_PLACE = re.compile(r" located at \S+")  # of temporary files
_DISCARDED = re.compile(r"^\s*(?:WARNING: )?Discarding (?P<reason>.+)$", re.MULTILINE)


def download(spec: Spec, python: Path, destination: Path, *, is_sdist: bool) -> tuple[str, ...]:
    """The command that puts the wheel for an interpreter into a directory, or the sdist."""
    # For the one name only: what an sdist is built with may come as it is.
    kind = ("--no-binary", spec.name) if is_sdist else ("--only-binary", spec.name)
    return (*_download(python, destination), *kind, spec.requirement)


def download_address(spec: Spec, python: Path, destination: Path, address: str) -> tuple[str, ...]:
    """The command that puts the file of an address, which has its hash, into a directory."""
    return (*_download(python, destination), f"{spec.name} @ {address}")


def without_traceback(output: str) -> str:
    """What it said, without where in its own code it gave up, which it tells last when it is verbose."""
    return output.partition("\nException information:\n")[0]


def is_absent(output: str) -> bool:
    """Whether it failed because there is no such version, and every place that was asked could be."""
    return bool(_ABSENT.search(output)) and not broken_place(output) and not _DISCARDED.search(output)


def broken_place(output: str) -> str:
    """Why a place that it asked is out of order, or did not let it in; "" where none was."""
    broken = [f"{each['url']}: {each['reason']}" for each in _FETCH.finditer(output) if not _is_404(each["reason"])]
    return "".join((broken + [each["reason"].strip() for each in _PASSED_OVER.finditer(output)])[:1])


def unpacked_from(output: str) -> str:
    """The address of an sdist that came whole and whose metadata could not be had; "" for other failures."""
    matched = _UNPACKED.search(output)
    return matched["url"] if matched else ""


def unfit(output: str) -> str:
    """What is wrong with a file that came whole: it contradicts its name, or cannot be read; "" for other failures."""
    matched = _DISCARDED.search(output) or (_DAMAGED.search(output) if _HASHED.search(output) else None)
    return _PLACE.sub("", matched["reason"]) if matched else ""


def other_files(spec: Spec, output: str) -> tuple[str, ...]:
    """The files of that version that it passed over: of the other kind, or for other machines."""
    files = dict.fromkeys(match["file"] for match in _LINK.finditer(output))
    return tuple(file for file in files if _version_of(file) == Version(spec.version))


def _download(python: Path, destination: Path) -> tuple[str, ...]:
    # Isolated, or a file of the working directory could stand in for a module of pip's. Which Pythons the
    # release admits is for its installation to say, and what is cached may be older than what was published.
    pip = (str(python), "-I", "-m", "pip", "download", "-vv", "--no-input", "--no-color", "--disable-pip-version-check")
    options = ("--no-deps", "--no-cache-dir", "--ignore-requires-python", "--progress-bar", "off", *_PATIENCE)
    return (*pip, *options, "--dest", str(destination))


def _is_404(reason: str) -> bool:
    return reason.startswith(("404 ", "HTTP error 404"))


def _version_of(file: str) -> Version | None:
    with suppress(InvalidSdistFilename):
        return parse_sdist_filename(file)[1]
    with suppress(InvalidWheelFilename):
        return parse_wheel_filename(file)[1]
    return None
