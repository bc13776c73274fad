"""The release before the one that is smoked: the one that the user names, or the same source at an older version.

Made once a run, by whichever worker comes first. Upgrading from it is for the cases.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from filelock import FileLock
from packaging.version import Version

from harness.errors import ArtifactError, TestbedError, UsageError
from harness.options import DEFAULT_REFERENCE
from harness.release import building
from harness.release.artifact import Artifact, identify
from harness.release.downloading import download
from harness.release.packing import pack
from harness.release.registry import parse
from harness.release.steps import Surroundings
from harness.running.environment import installer_environment
from harness.toolcaches import cache_directory

if TYPE_CHECKING:
    from pathlib import Path

    from harness.options import Settings
    from harness.release.registry import Spec
    from harness.verdict.archive import Archive

_OLDER = ("0.0.1", "0.0.0.dev0")
_VERSION = re.compile(r'^__version__ = "(?P<version>[^"]+)"$', re.MULTILINE)
_NOT_SOURCE = shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".venv", "dist")


def previous_once(settings: Settings, archive: Archive, candidate: Artifact) -> Artifact:
    """The release to upgrade from.

    Raises:
        TestbedError: it does not build, or is no other version of what is smoked.
    """
    assert settings.previous is not None, "cases ask for it only where there is one"  # noqa: S101 -- our own order
    try:
        path, spec = settings.invoked_in / settings.previous, parse(settings.previous)
        if spec is not None:
            path = _download_once(spec, settings, archive)
        previous = identify(path if path.is_file() else _build_once(path, settings, archive, candidate))
    except (ArtifactError, UsageError) as error:  # the release under test has no part in it
        raise TestbedError(f"the previous release cannot be had: {error}", detail=error.detail) from error
    if previous.name != candidate.name or previous.version == candidate.version:
        found = f"'{previous.name}' {previous.version}"
        wanted = f"another version of '{candidate.name}' than {candidate.version}"
        raise TestbedError(f"--previous must name {wanted}, it names {found}")
    return previous


def age(source: Path, destination: Path, version: str) -> Path:
    """Copy a source tree, and change the one place where it says its version.

    Raises:
        UsageError: there is no such place, or more than one.
    """
    # What does not build is built again for each worker that asks.
    tree = shutil.copytree(source, destination, ignore=_NOT_SOURCE, dirs_exist_ok=True)
    places = [path for path in sorted(tree.rglob("*.py")) if _VERSION.search(path.read_text(encoding="utf-8"))]
    if len(places) != 1:
        raise UsageError(f"'{source}' says '__version__' in {len(places)} files where it must be one")
    text = places[0].read_text(encoding="utf-8")
    places[0].write_text(_VERSION.sub(f'__version__ = "{version}"', text), encoding="utf-8")
    return tree


def _download_once(spec: Spec, settings: Settings, archive: Archive) -> Path:
    """The published file, of the kind that is smoked; it stays beside the verdict as well."""
    directory, place = archive.scratch / "previous", archive.evidence / "downloaded" / "previous"
    log, timeout = archive.evidence / "previous.log", settings.install_timeout
    surroundings = Surroundings(environment=installer_environment(os.environ), timeout=timeout, log=log)
    asked = archive.scratch / "previous.asked"
    with FileLock(archive.scratch / "previous.lock"):
        # What one worker waited for in vain, the others do not wait for again.
        registry = replace(settings.registry, wait=0.0) if asked.exists() else settings.registry
        asked.touch()
        found = sorted(directory.glob("*")) or [
            download(
                spec,
                directory,
                registry=registry,
                kind=settings.build,
                python=settings.python,
                node=settings.node,
                cache=cache_directory(),
                surroundings=surroundings,
            )
        ]
        return building.publish(found, place)[0]


def _build_once(source: Path, settings: Settings, archive: Archive, candidate: Artifact) -> Path:
    """The wheel or npm package of a source tree; the default source, which nothing came before, is aged first."""
    directory, log = archive.scratch / "previous", archive.evidence / "previous.log"
    environment, timeout = installer_environment(os.environ), settings.install_timeout
    tree = building.inspect(source)
    with FileLock(archive.scratch / "previous.lock"):
        built = sorted([*directory.glob("*.whl"), *directory.glob("*.tgz")])
        if built:
            return built[0]
        if tree.is_npm:
            wishes = {"python": settings.python, "node": settings.node}
            return pack(
                tree, directory, **wishes, environment=environment, timeout=timeout, cache=cache_directory(), log=log
            )
        source = tree.directory
        if source == (settings.checkout / DEFAULT_REFERENCE).resolve():
            source = age(source, archive.scratch / "previous-source", _older_than(candidate.version))
        return building.build_wheel_of_tree(source, directory, environment=environment, timeout=timeout, log=log)


def _older_than(version: str) -> str:
    for older in _OLDER:
        if Version(older) < Version(version):
            return older
    raise UsageError(f"there is no version before {version} to age the source to", hint="name one with --previous")
