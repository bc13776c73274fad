"""What `status` and `doctor` tell of the runtime: missing, ready, broken, of another version."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smoke.ready import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smoke.product import Ktx

LAYOUT = {
    "cliVersion",
    "runtimeRoot",
    "versionDir",
    "venvDir",
    "manifestPath",
    "installLogPath",
    "assetDir",
    "assetManifestPath",
    "pythonPath",
    "daemonPath",
    "daemonStatePath",
    "daemonStdoutPath",
    "daemonStderrPath",
}


@pytest.mark.required
@pytest.mark.needs("status")
def test_status_of_a_missing_runtime(ktx: Ktx) -> None:
    """`status` says that the runtime is missing and where it would be, and creates nothing."""
    result = ktx.run("status")

    assert ktx.message("status_missing").search(result.stdout)
    assert f"runtime root: {ktx.root}" in result.lines
    assert f"version dir: {ktx.runtime}" in result.lines
    assert result.stderr == ""
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("status")
def test_status_json_has_the_whole_layout(ktx: Ktx) -> None:
    """`status --json` gives the kind, a detail, and every path of the layout below the runtime root."""
    status = ktx.status()

    layout = status["layout"]
    assert status["kind"] == "missing"
    assert status["detail"]
    assert set(layout) == LAYOUT
    assert layout["cliVersion"] == ktx.version
    assert layout["runtimeRoot"] == str(ktx.root)
    assert layout["versionDir"] == str(ktx.runtime)
    assert layout["manifestPath"] == str(ktx.runtime / "manifest.json")
    assert layout["installLogPath"] == str(ktx.runtime / "install.log")
    assert layout["venvDir"] == str(ktx.runtime / ".venv")
    assert layout["daemonStatePath"] == str(ktx.runtime / "daemon.json")


@pytest.mark.required
@pytest.mark.needs("status")
def test_default_root_is_below_the_data_home(ktx: Ktx) -> None:
    """Without its variable the runtime root is the platform's place for a user's data."""
    del ktx.sandbox.environment[ktx.contract.runtime_root_variable]

    layout = ktx.status()["layout"]

    expected = {
        "linux": ktx.sandbox.home / ".local/share/kaelio/ktx/runtime",
        "darwin": ktx.sandbox.home / "Library/Application Support/kaelio/ktx/runtime",
        "win32": ktx.sandbox.home / "AppData/Local/Kaelio/KTX/runtime",
    }
    assert layout["runtimeRoot"] == str(expected[sys.platform])


@pytest.mark.required
@pytest.mark.needs("install", "doctor")
def test_doctor_passes_a_ready_runtime(ready_ktx: Ktx) -> None:
    """`doctor` passes uv, the bundled wheel and the runtime once it is installed."""
    result = ready_ktx.run("doctor")
    checks = ready_ktx.checks()

    assert [line.split(" ", 1)[0] for line in result.lines[1:]] == ["PASS"] * 3
    assert {check["id"]: check["status"] for check in checks} == {
        "uv": "pass",
        "asset": "pass",
        "runtime": "pass",
    }
    assert result.stderr == ""
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("doctor")
def test_doctor_fails_a_missing_runtime(ktx: Ktx) -> None:
    """`doctor` exits 1 where the runtime is missing, says so under FAIL, and tells how to mend it."""
    result = ktx.attempt("doctor")
    checks = ktx.checks()

    assert result.exit_code == 1
    assert {check["id"]: check["status"] for check in checks} == {
        "uv": "pass",
        "asset": "pass",
        "runtime": "fail",
    }
    assert any(line.startswith("FAIL ") for line in result.lines)
    assert any(line.startswith(" ") and "Fix:" in line for line in result.lines)
    assert result.stderr == ""
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("install", "doctor")
def test_doctor_fails_without_uv(ready_ktx: Ktx) -> None:
    """`doctor` exits 1 where `uv` is not on `PATH`, even if the runtime is ready."""
    with without_uv(ready_ktx):
        result = ready_ktx.attempt("doctor")

    assert result.exit_code == 1
    assert any(line.startswith("FAIL uv") for line in result.lines)


@pytest.mark.required
@pytest.mark.needs("install", "status")
@pytest.mark.parametrize("content", ["", "{", "[]", '{"schemaVersion": 1}'], ids=["empty", "cut", "list", "bare"])
def test_corrupted_manifest_reads_as_broken(ready_ktx: Ktx, content: str) -> None:
    """A runtime whose manifest is corrupted is broken: neither ready nor missing."""
    with replaced(ready_ktx.manifest, content):
        result = ready_ktx.run("status")

    assert ready_ktx.message("status_broken").search(result.stdout)


@pytest.mark.required
@pytest.mark.needs("install", "status")
def test_runtime_without_its_python_is_broken(ready_ktx: Ktx) -> None:
    """A runtime whose interpreter is gone is not called ready."""
    python = Path(ready_ktx.status()["layout"]["pythonPath"])
    aside = python.rename(python.with_name("aside"))

    result = ready_ktx.attempt("status")
    aside.rename(python)

    assert ready_ktx.message("status_broken").search(result.stdout)


@pytest.mark.required
@pytest.mark.needs("install", "status")
def test_runtime_of_another_version_is_mismatched(ready_ktx: Ktx) -> None:
    """A runtime whose manifest is of another version is mismatched."""
    manifest = json.loads(ready_ktx.manifest.read_text(encoding="utf-8"))

    with replaced(ready_ktx.manifest, json.dumps(manifest | {"cliVersion": "9.9.9"})):
        kind = ready_ktx.status()["kind"]

    assert kind == "mismatched"


@contextmanager
def without_uv(ktx: Ktx) -> Iterator[None]:
    """Take `uv` off `PATH` for a while, and nothing else: the command may need a program there to start."""
    uv = ktx.sandbox.programs / "uv"
    aside = uv.rename(ktx.sandbox.directory / "uv")
    try:
        yield
    finally:
        aside.rename(uv)
