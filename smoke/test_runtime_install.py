"""The installation of the runtime: what it makes, what it keeps, and how it fails."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.release.installation import PythonInstallation
    from harness.running.result import CommandResult
    from smoke.product import Ktx

TOLD_BY_INSTALL = {"version", "features", "python", "daemon", "manifest", "install log"}
TOLD_BY_STATUS = {"status", "detail", "runtime root", "version dir", "features", "python", "daemon"}
# Runs the package in a directory instead of the installed one.
RUN_COPY = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), alter_sys=True)"


@pytest.mark.required
@pytest.mark.needs("install", "status")
@pytest.mark.needs_network("it installs a runtime")
def test_install_makes_a_ready_runtime(ktx: Ktx) -> None:
    """`install` makes a runtime of this version that `status` calls ready and whose programs are there."""
    result = ktx.run("install", "--yes")

    assert ktx.message("installed").search(result.stdout)
    assert labels_of(result) >= TOLD_BY_INSTALL
    assert result.stderr == ""
    assert result.changes.paths
    status = ktx.run("status")
    assert ktx.message("status_ready").search(status.stdout)
    assert labels_of(status) >= TOLD_BY_STATUS
    layout = ktx.status()["layout"]
    assert Path(layout["pythonPath"]).exists()
    assert Path(layout["daemonPath"]).exists()
    told = ktx.sandbox.run(layout["daemonPath"], "--help")
    assert told.exit_code == 0


@pytest.mark.required
@pytest.mark.needs("install", "status")
def test_manifest_is_complete(ready_ktx: Ktx) -> None:
    """The runtime's manifest says what was installed, from which wheel, when, and where its programs are."""
    manifest = json.loads(ready_ktx.manifest.read_text(encoding="utf-8"))

    layout = ready_ktx.status()["layout"]
    asset = json.loads(Path(layout["assetManifestPath"]).read_text(encoding="utf-8"))
    assert manifest["schemaVersion"] == 1
    assert manifest["cliVersion"] == ready_ktx.version
    assert manifest["features"] == ["core"]
    assert manifest["asset"] == asset
    assert manifest["python"] == {
        "executable": layout["pythonPath"],
        "daemonExecutable": layout["daemonPath"],
    }
    assert manifest["installLog"] == layout["installLogPath"]
    installed_at = datetime.fromisoformat(manifest["installedAt"].replace("Z", "+00:00"))
    # Not the manifest's own time: other cases damage that file and put it back.
    logged_at = datetime.fromtimestamp(Path(layout["installLogPath"]).stat().st_mtime, timezone.utc)
    assert abs(logged_at - installed_at) < timedelta(seconds=60)


@pytest.mark.required
@pytest.mark.needs("install")
def test_install_log_tells_the_steps(ready_ktx: Ktx) -> None:
    """`install.log` tells which steps were taken: the environment and the wheel."""
    log = (ready_ktx.runtime / "install.log").read_text(encoding="utf-8")

    assert "venv" in log
    assert ".whl" in log


@pytest.mark.required
@pytest.mark.needs("install", "status")
def test_install_again_reuses(ready_ktx: Ktx) -> None:
    """A second `install` uses the existing runtime and changes nothing of it."""
    result = ready_ktx.run("install", "--yes")

    assert ready_ktx.message("reused").search(result.stdout)
    assert not result.changes.within(f"root/{ready_ktx.version}/.venv")
    assert not result.changes.within(f"root/{ready_ktx.version}/manifest.json")


@pytest.mark.required
@pytest.mark.needs("install", "status")
@pytest.mark.needs_network("it installs a runtime")
def test_force_reinstalls(ktx: Ktx) -> None:
    """`install --force` makes the runtime anew, although it is ready."""
    ktx.run("install", "--yes")
    intruder = ktx.runtime / ".venv" / "intruder.txt"
    intruder.write_text("not of a fresh environment\n", encoding="utf-8")

    result = ktx.run("install", "--yes", "--force")

    assert ktx.message("installed").search(result.stdout)
    assert not intruder.exists()
    assert ktx.status()["kind"] == "ready"


@pytest.mark.required
@pytest.mark.needs("install")
def test_install_without_uv_explains_itself(ktx: Ktx) -> None:
    """Without `uv` on `PATH`, `install` exits 1 with the focused message, and installs nothing."""
    ktx.sandbox.hide("uv")

    result = ktx.fail("install", "--yes", says="needs_uv")

    assert result.exit_code == 1
    assert ktx.attempt("status").exit_code == 0
    assert ktx.status()["kind"] == "missing"


@pytest.mark.required
@pytest.mark.needs("install", "status")
def test_failed_install_names_its_log(ktx: Ktx) -> None:
    """When a step of `install` fails, it exits 1 and names a log that is there and has the reason."""
    cut_off(ktx)

    result = ktx.attempt("install", "--yes")

    assert result.exit_code == 1
    said = ktx.message("install_failed").search(result.stderr)
    assert said is not None, f"stderr does not name the log: '{result.stderr.strip()}'"
    assert "network was disabled" in Path(said["log"]).read_text(encoding="utf-8")
    assert ktx.status()["kind"] in {"missing", "broken"}


@pytest.mark.required
@pytest.mark.needs("install", "status")
@pytest.mark.needs_network("it installs a runtime")
def test_failed_reinstall_keeps_the_runtime(ktx: Ktx) -> None:
    """When `install --force` fails, the runtime that was there still works."""
    ktx.run("install", "--yes")
    cut_off(ktx)

    result = ktx.attempt("install", "--yes", "--force")

    assert result.exit_code == 1
    assert ktx.status()["kind"] == "ready"
    layout = ktx.status()["layout"]
    assert ktx.sandbox.run(layout["daemonPath"], "--help").exit_code == 0


@pytest.mark.required
@pytest.mark.needs("install", "status", "doctor")
@pytest.mark.needs_network("it installs a runtime")
def test_broken_runtime_is_repaired(ktx: Ktx) -> None:
    """`install` repairs a runtime whose manifest is corrupted."""
    ktx.run("install", "--yes")
    ktx.manifest.write_text("{", encoding="utf-8")

    result = ktx.run("install", "--yes")

    assert ktx.message("installed").search(result.stdout)
    assert ktx.status()["kind"] == "ready"
    ktx.run("doctor")


@pytest.mark.required
@pytest.mark.needs("install", "status", "doctor", "python_module", "asset_manifest")
def test_damaged_bundled_wheel_is_refused(damaged_ktx: Ktx) -> None:
    """`install` refuses a bundled wheel that its manifest does not describe; `doctor` fails it."""
    result = damaged_ktx.attempt("install", "--yes")
    asset = next(check for check in damaged_ktx.checks() if check["id"] == "asset")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr
    assert damaged_ktx.status()["kind"] == "missing"
    assert asset["status"] == "fail"


@pytest.fixture
def damaged_ktx(ktx: Ktx, python_installation: PythonInstallation) -> Ktx:
    """The command of a copy of the package, in whose bundled wheel one byte is another."""
    module = ktx.contract.features["python_module"]
    copy = ktx.sandbox.directory / "damaged"
    shutil.copytree(python_installation.site_packages / module, copy / module)
    assets = (copy / module / ktx.contract.features["asset_manifest"]).parent
    [wheel] = assets.glob("*.whl")
    content = wheel.read_bytes()
    wheel.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    executable = (python_installation.python, "-I", "-c", RUN_COPY, copy, module)
    return replace(ktx, executable=executable)


def labels_of(result: CommandResult) -> set[str]:
    """What a command tells, one label a line."""
    return {line.partition(": ")[0] for line in result.lines if ": " in line}


def cut_off(ktx: Ktx) -> None:
    """Let the product's installer reach neither an index nor what it has fetched before."""
    cache = ktx.sandbox.directory / "no-cache"
    ktx.sandbox.writable.append(cache)
    ktx.sandbox.environment |= {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(cache)}
