"""The file that would be published, before anything runs."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from typing import TYPE_CHECKING

import pytest
from packaging.metadata import parse_email

from harness import casereport
from harness.fixtures import demand
from harness.release.artifact import identify, names
from harness.release.installation import record_mismatches
from harness.release.records import wheel_mismatches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.preparation import Preparation
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.installation import PythonInstallation


@pytest.mark.required
def test_builds(request: pytest.FixtureRequest, preparation: Preparation) -> None:
    """The source builds: to an sdist and to a wheel from it, or to a package of npm."""
    if preparation.was_given:
        casereport.not_applicable(request.node, "a file was given: there is nothing to build")
    demand(request, preparation, "builds")


@pytest.mark.required
@pytest.mark.needs("python_module")
def test_metadata_is_complete(release_metadata: dict[str, str], contract: Contract) -> None:
    """The metadata names version, summary, license, Python and a README, and the command is an entry point."""
    missing = [key for key, value in release_metadata.items() if not value.strip()]

    assert missing == []
    assert release_metadata["entry point"].startswith(contract.executable)


@pytest.mark.required
@pytest.mark.needs("python_module")
def test_wheel_is_clean(release_wheel: Path) -> None:
    """`check-wheel-contents` finds nothing to complain about in the wheel."""
    said = run_tool("check_wheel_contents", "--no-config", str(release_wheel))

    assert said.endswith(": OK")


@pytest.mark.required
@pytest.mark.needs("python_module")
def test_description_renders(python_artifact: Artifact) -> None:
    """`twine check --strict` accepts the artifact, so that its page on an index renders."""
    said = run_tool("twine", "--no-color", "check", "--strict", str(python_artifact.path))

    assert said.endswith("PASSED")


@pytest.mark.required
def test_nothing_unwanted_inside(artifact: Artifact, wheel_of: Callable[[Path], Path]) -> None:
    """Neither the artifact nor a wheel built from it holds tests, caches, version control, secrets or leftovers."""
    built = names(identify(wheel_of(artifact.path))) if artifact.kind == "sdist" else ()
    members = names(artifact) + built
    unwanted = re.compile(
        r"(^|/)(tests?|__pycache__|\.git|\.venv|\.(mypy|pytest|ruff)_cache|\.env|\.DS_Store|id_rsa)(/|$)"
        r"|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$|\.(pyc|pyo|swp|orig|rej|bak|pem|key)$|~$"
    )

    assert members
    assert [member for member in members if unwanted.search(member)] == []


@pytest.mark.required
@pytest.mark.needs("python_module", "asset_manifest")
def test_bundled_wheel_matches_its_manifest(python_installation: PythonInstallation, contract: Contract) -> None:
    """The runtime wheel in the package is the one that its manifest describes, to the byte."""
    package = python_installation.site_packages / contract.features["python_module"]
    asset = package / contract.features["asset_manifest"]
    manifest = json.loads(asset.read_text(encoding="utf-8"))
    wheel = asset.parent / manifest["wheel"]["file"]

    content = wheel.read_bytes()

    assert manifest["schemaVersion"] == 1
    assert manifest["wheel"]["bytes"] == len(content)
    assert manifest["wheel"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert wheel.name == f"{manifest['normalizedName']}-{manifest['version']}-py3-none-any.whl"
    assert sorted(path.name for path in asset.parent.glob("*.whl")) == [wheel.name]


@pytest.mark.required
@pytest.mark.needs("python_module")
def test_record_is_true(python_installation: PythonInstallation, artifact: Artifact) -> None:
    """RECORD gives every file of the wheel, and then of the package on disk, with its hash, and no other."""
    # Installers drop rows, or mend them, so that what lies on disk says little about the wheel.
    assert wheel_mismatches(artifact) == ()
    assert record_mismatches(python_installation, artifact.name) == ()


@pytest.fixture
def release_metadata(python_installation: PythonInstallation, artifact: Artifact) -> dict[str, str]:
    """What users of the installed artifact can read of it."""
    [held] = [
        found
        for found in distributions(path=[str(python_installation.site_packages)])
        if found.metadata["Name"] == artifact.name
    ]
    metadata = parse_email(held.read_text("METADATA") or "")[0]
    return {
        "version": metadata.get("version", ""),
        "summary": metadata.get("summary", ""),
        "license": metadata.get("license_expression") or metadata.get("license", ""),
        "license file": " ".join(metadata.get("license_files", [])),
        "python": metadata.get("requires_python", ""),
        "readme": metadata.get("description", ""),
        "entry point": " ".join(point.name for point in held.entry_points if point.group == "console_scripts"),
    }


def run_tool(module: str, *arguments: str) -> str:
    """What a checker of this environment says; it must find nothing."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = (done.stdout + done.stderr).strip()
    assert done.returncode == 0, said
    return said
