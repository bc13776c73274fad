"""The manifest of a build: the files that make up one release, each with its hash and the source it came from.

It lies beside the files that it lists, so that whoever gets the directory can tell whether they are
still those that were built together. Building them is for `building`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from harness.release.artifact import identify
from harness.release.steps import writing_failed
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.release.artifact import Artifact
    from harness.release.building import Source

FILE_NAME = "release-manifest.json"
SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file of a release; `source_revision` and `source_dirty` are None where no repository tracks the source."""

    file: str
    kind: str
    name: str
    version: str
    sha256: str
    bytes: int
    source_revision: str | None
    source_dirty: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The files of one release in a directory; `complaint` is why a manifest that is there says nothing."""

    directory: Path
    entries: tuple[Entry, ...] = ()
    complaint: str = ""

    def entry_of(self, artifact: Artifact) -> Entry | None:
        """What it says of these very bytes, under any name."""
        return next((entry for entry in self.entries if entry.sha256 == artifact.sha256), None)

    def is_about(self, artifact: Artifact) -> bool:
        """Whether a file of that name is one of the release: a directory may hold others. A broken one is about all."""
        return bool(self.complaint) or any(entry.file == artifact.path.name for entry in self.entries)

    def others(self, artifact: Artifact) -> tuple[Path, ...]:
        """The other files of the artifact's release."""
        if self.entry_of(artifact) is None:
            return ()
        return tuple(self.directory / entry.file for entry in self.entries if entry.sha256 != artifact.sha256)

    def mismatches(self) -> tuple[str, ...]:
        """Where the files are not what the manifest says, one line each; ArtifactError for a damaged file."""
        if self.complaint:
            return (self.complaint,)
        return tuple(line for entry in self.entries for line in self._mismatches(entry))

    def _mismatches(self, entry: Entry) -> Iterator[str]:
        path = self.directory / entry.file
        if not path.is_file():
            yield f"{entry.file}: is missing"
            return
        actual = asdict(_describe(identify(path), None))
        for name, said in asdict(entry).items():
            if not name.startswith("source_") and said != actual[name]:
                yield f"{entry.file}: the manifest says {name} '{said}', the file says '{actual[name]}'"


def write(directory: Path, artifacts: Sequence[Artifact], source: Source) -> Manifest:
    """Describe files of a directory, which were built together; errors as of `building.publish`."""
    manifest = Manifest(directory=directory, entries=tuple(_describe(artifact, source) for artifact in artifacts))
    data = {"schema": SCHEMA, "artifacts": [asdict(entry) for entry in manifest.entries]}
    try:
        write_whole(directory / FILE_NAME, (json.dumps(data, indent=2) + "\n").encode())
    except OSError as error:
        raise writing_failed(error, directory) from error
    return manifest


def read(directory: Path) -> Manifest | None:
    """The manifest of a directory, if it has one, whether it can be understood or not."""
    path = directory / FILE_NAME
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_bytes())
        if data["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {data['schema']}, not {SCHEMA}")  # noqa: TRY301 -- one place for all complaints
        return Manifest(directory=directory, entries=tuple(map(_entry, data["artifacts"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Manifest(directory=directory, complaint=f"{FILE_NAME} cannot be read: {error}")


def _describe(artifact: Artifact, source: Source | None) -> Entry:
    return Entry(
        file=artifact.path.name,
        kind=artifact.kind,
        name=artifact.name,
        version=artifact.version,
        sha256=artifact.sha256,
        bytes=artifact.size,
        source_revision=source.revision if source else None,
        source_dirty=source.dirty if source else None,
    )


def _entry(row: object) -> Entry:
    if not isinstance(row, dict) or set(row) != {field.name for field in fields(Entry)}:
        raise ValueError("an artifact lacks a key, or has one too many")
    entry = Entry(**row)
    texts = (entry.file, entry.kind, entry.name, entry.version, entry.sha256)
    if not all(isinstance(text, str) for text in texts) or not isinstance(entry.bytes, int):
        raise ValueError(f"a value of '{entry.file}' is of the wrong type")
    if not isinstance(entry.source_revision, (str, type(None))) or entry.source_dirty not in {True, False, None}:
        raise ValueError(f"the source of '{entry.file}' is of the wrong type")
    if entry.file in {".", ".."} or set(entry.file) & {"/", "\\"}:
        raise ValueError(f"'{entry.file}' is not in its directory")
    return entry
