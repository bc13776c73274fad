"""What a file that would be released is: kind, name, version, hash, contents.

Reads archives and never unpacks them; what a `package.json` says is for `npmpackage`, building and installing
for `building`, `packing` and `installation`, judging the contents for the cases.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

from packaging.metadata import RawMetadata, parse_email
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from harness.errors import ArtifactError, UsageError
from harness.release import members, npmpackage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Kind = Literal["wheel", "sdist", "npm"]
SUFFIXES: Mapping[str, Kind] = {".whl": "wheel", ".tar.gz": "sdist", ".tgz": "npm"}

_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError)
_CALLED: Mapping[Kind, str] = {"wheel": "a wheel", "sdist": "an sdist", "npm": "an npm package"}
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file that would be released; `name` and `version` are spelt as its metadata spells them.

    `requires_python` is of wheels and sdists, `requires_node` of npm packages; "" accepts any.
    """

    path: Path
    kind: Kind
    name: str
    version: str
    sha256: str
    size: int
    requires_python: str
    requires_node: str = ""


def identify(path: Path) -> Artifact:
    """Describe the file of a release, having read all of it; `path` in the result is absolute.

    Raises:
        UsageError: there is no such file, or its suffix is not one of a release.
        ArtifactError: the file is damaged, unsafe to unpack, or contradicts itself.
    """
    kind = _kind(path)
    try:
        complaint = members.complaint(path)
        if complaint:
            raise _unfit(path, complaint)
        said = _said_by_package(path) if kind == "npm" else _said_by_distribution(path, kind)
    except _DAMAGED as error:
        raise _unfit(path, f"is not {_CALLED[kind]} or is damaged: {error or type(error).__name__}") from error
    except OSError as error:
        raise UsageError(f"'{path}' cannot be read: {error.strerror or error}") from error
    return Artifact(path=path.resolve(), kind=kind, sha256=sha256_of(path), size=path.stat().st_size, **said)


def metadata(artifact: Artifact) -> RawMetadata:
    """The core metadata of a wheel (METADATA) or sdist (PKG-INFO) as written, unchecked."""
    return _parse(artifact.path, artifact.kind)


def names(artifact: Artifact) -> tuple[str, ...]:
    """The files of the archive, directories left out."""
    return _names(artifact.path, artifact.kind)


def read(artifact: Artifact, member: str) -> bytes:
    """The content of one file of the archive; KeyError when it holds no such file."""
    return _read(artifact.path, artifact.kind, member)


def _kind(path: Path) -> Kind:
    if not path.is_file():
        raise UsageError(f"'{path}' is not a file" if path.exists() else f"there is no file '{path}'")
    for suffix, kind in SUFFIXES.items():
        if path.name.endswith(suffix):
            return kind
    raise UsageError(f"'{path.name}' is neither a wheel (.whl) nor an sdist (.tar.gz) nor an npm package (.tgz)")


def _unfit(path: Path, complaint: str) -> ArtifactError:
    return ArtifactError("installs", f"'{path.name}' {complaint}")


class _Said(TypedDict):
    """What a release says of itself."""

    name: str
    version: str
    requires_python: str
    requires_node: str


def _said_by_distribution(path: Path, kind: Kind) -> _Said:
    raw = _parse(path, kind)
    name, version, requires_python = raw.get("name", ""), raw.get("version", ""), raw.get("requires_python", "")
    _check_identity(path, kind, name, version)
    _check_specifier(path, requires_python)
    return _Said(name=name, version=version, requires_python=requires_python, requires_node="")


def _said_by_package(path: Path) -> _Said:
    if npmpackage.MEMBER not in _names(path, "npm"):
        raise _unfit(path, f"holds no {npmpackage.MEMBER}, so it is not an npm package")
    try:
        said = npmpackage.parse(_read(path, "npm", npmpackage.MEMBER))
    except ValueError as error:
        raise _unfit(path, str(error)) from error
    return _Said(name=said.name, version=said.version, requires_python="", requires_node=said.node)


def _names(path: Path, kind: Kind) -> tuple[str, ...]:
    if kind == "wheel":
        with zipfile.ZipFile(path) as wheel:
            return tuple(entry.filename for entry in wheel.infolist() if not entry.is_dir())
    with tarfile.open(path, "r:gz") as archive:
        return tuple(entry.name for entry in archive.getmembers() if not entry.isdir())


def _read(path: Path, kind: Kind, member: str) -> bytes:
    if kind == "wheel":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(member)
    with tarfile.open(path, "r:gz") as archive:
        stream = archive.extractfile(member)
        if stream is None:
            raise KeyError(member)
        return stream.read()


def _parse(path: Path, kind: Kind) -> RawMetadata:
    wanted = "METADATA" if kind == "wheel" else "PKG-INFO"
    found = [
        name
        for name in _names(path, kind)
        if name.count("/") == 1
        and name.endswith(f"/{wanted}")
        and (kind == "sdist" or name.endswith(f".dist-info/{wanted}"))
    ]
    if len(found) != 1:
        raise _unfit(path, f"holds {len(found) or 'no'} {wanted} where there must be one")
    raw, _ = parse_email(_read(path, kind, found[0]))
    return raw


def _check_identity(path: Path, kind: Kind, name: str, version: str) -> None:
    if not name or not version:
        raise _unfit(path, f"has no {'version' if name else 'name'} in its metadata")
    try:
        if kind == "wheel":
            file_name, file_version, _, _ = parse_wheel_filename(path.name)
        else:
            file_name, file_version = parse_sdist_filename(path.name)
        agrees = (file_name, file_version) == (canonicalize_name(name), Version(version))
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
        raise _unfit(path, f"is not named as a {kind} is: {error}") from error
    if not agrees:
        raise _unfit(path, f"says that it is '{name}' '{version}' inside, which its file name contradicts")


def _check_specifier(path: Path, requires_python: str) -> None:
    try:
        SpecifierSet(requires_python)
    except InvalidSpecifier as error:
        raise _unfit(path, f"has a Requires-Python that nobody can read: '{requires_python}'") from error


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
