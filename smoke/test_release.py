"""The release as a set: all the files that would be published under one version."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness import casereport
from harness.release.artifact import identify, metadata, names, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.preparation import Preparation
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.manifest import Manifest


@pytest.mark.required
def test_files_are_those_of_the_manifest(manifest: Manifest, artifact: Artifact) -> None:
    """The files of the release are, to the byte, those that the manifest of their build lists, of one version."""
    assert manifest.mismatches() == ()
    assert {(entry.name, entry.version) for entry in manifest.entries} == {(artifact.name, artifact.version)}


@pytest.mark.required
def test_wheel_and_sdist_install_the_same_files(pair: tuple[Path, Path]) -> None:
    """What the sdist builds to installs the files of the wheel, and no others, with the same contents."""
    wheel, from_sdist = map(installed_files, pair)

    assert sorted(set(wheel) - set(from_sdist)) == [], "only the wheel has these"
    assert sorted(set(from_sdist) - set(wheel)) == [], "only the sdist has these"
    assert [name for name in wheel if wheel[name] != from_sdist[name]] == [], "these differ"


@pytest.mark.required
@pytest.mark.needs("python_module", "asset_manifest")
def test_one_public_package(release_wheel: Path, contract: Contract) -> None:
    """The release is one public package, and the wheel of its runtime lies inside: no index needs to have that."""
    wheel = identify(release_wheel)
    module = contract.features["python_module"]
    members = [name for name in names(wheel) if ".dist-info/" not in name]
    runtime = json.loads(read(wheel, f"{module}/{contract.features['asset_manifest']}"))["distributionName"]
    needed = {canonicalize_name(Requirement(text).name) for text in metadata(wheel).get("requires_dist", [])}

    assert {name.partition("/")[0] for name in members} == {module}
    assert len([name for name in members if name.endswith(".whl")]) == 1
    assert canonicalize_name(runtime) not in needed


@pytest.fixture
def manifest(request: pytest.FixtureRequest, preparation: Preparation, artifact: Artifact) -> Manifest:
    """What the build that made the artifact wrote down beside it."""
    found = preparation.manifest
    if found is None or not found.is_about(artifact):
        casereport.not_applicable(request.node, "no manifest of its build lies beside the file")
    return found


@pytest.fixture
def pair(
    request: pytest.FixtureRequest, preparation: Preparation, artifact: Artifact, wheel_of: Callable[[Path], Path]
) -> tuple[Path, Path]:
    """The wheel of the release, and one that its sdist builds to."""
    files = (artifact.path, *preparation.siblings)
    wheel = next((path for path in files if path.name.endswith(".whl")), None)
    sdist = next((path for path in files if path.name.endswith(".tar.gz")), None)
    if wheel is None or sdist is None:
        casereport.not_applicable(request.node, "the file is smoked without the others of its release")
    return wheel, wheel_of(sdist)


def installed_files(wheel: Path) -> dict[str, bytes]:
    """What a wheel installs, but for what only says how it was packed."""
    artifact = identify(wheel)
    packing = {"RECORD", "WHEEL"}
    return {name: read(artifact, name) for name in names(artifact) if posixpath.basename(name) not in packing}
