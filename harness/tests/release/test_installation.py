"""Installing: what a user would get, from exactly that file; and whose fault it is when it fails."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, HarnessError, TestbedError, UsageError
from harness.release.artifact import Artifact, identify
from harness.release.installation import PythonInstallation, install, record_mismatches
from harness.release.records import wheel_mismatches
from harness.tests.release.projects import pack_odd, pack_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    Install = Callable[..., PythonInstallation]

INSTALLERS = ("uv", "pip")
WHEEL = "odd-1.0-py3-none-any.whl"
MISSING = ("Name: odd", "Version: 1.0", "Requires-Dist: surely-no-such-distribution-4711")


@pytest.fixture(scope="session")
def put(environment: dict[str, str], cache: Path) -> Install:
    """`install` with what most tests take for granted."""

    def put(artifact: Artifact, directory: Path, **changes: object) -> PythonInstallation:
        usual = {
            "installer": "uv",
            "python": "",
            "environment": environment,
            "timeout": 120.0,
            "cache": cache,
        }
        installation = install(artifact, directory, **{**usual, **changes})  # type: ignore[arg-type]
        assert isinstance(installation, PythonInstallation)
        return installation

    return put


@pytest.fixture(
    scope="session", params=[(tool, kind) for tool in INSTALLERS for kind in ("wheel", "sdist")], ids="-".join
)
def installed(
    request: pytest.FixtureRequest, put: Install, tmp_path_factory: pytest.TempPathFactory
) -> PythonInstallation:
    """The real release, installed by each installer from each kind of file."""
    tool, kind = request.param
    directory = tmp_path_factory.mktemp("installed") / "environment"
    return put(request.getfixturevalue(kind), directory, installer=tool)


@pytest.fixture
def odd(tmp_path: Path) -> Artifact:
    """A wheel without a script."""
    return identify(pack_wheel(tmp_path / WHEEL))


def failure(put: Install, artifact: Artifact, directory: Path, **changes: object) -> HarnessError:
    """The error of an installation that must not succeed."""
    with pytest.raises(HarnessError) as caught:
        put(artifact, directory, **changes)
    assert "\n" not in caught.value.message
    return caught.value


def printed(python: Path, code: str) -> str:
    """What an interpreter prints."""
    command = [str(python), "-I", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_offered_script_works(installed: PythonInstallation) -> None:
    done = subprocess.run([installed.executable("tiny")], check=True, capture_output=True, text=True)

    assert done.stdout == "tiny at work\n"


def test_a_missing_script_is_named_beside_those_that_are_offered(installed: PythonInstallation) -> None:
    with pytest.raises(ArtifactError, match=r"no 'huge' script; it offers 'tiny'") as caught:
        installed.executable("huge")
    assert caught.value.stage == "installs"


def test_an_artifact_without_scripts_says_so(put: Install, odd: Artifact, tmp_path: Path) -> None:
    installation = put(odd, tmp_path / "environment")

    with pytest.raises(ArtifactError, match="it offers none"):
        installation.executable("odd")


def test_an_installation_says_what_it_holds(installed: PythonInstallation) -> None:
    held = {each.name: each.version for each in installed.distributions}
    tools = {"uv": importlib.metadata.version("uv"), "pip": held.pop("pip", "")}

    assert held == {"Tiny.Tool": "1.0"}
    assert installed.name == "Tiny.Tool"
    assert installed.installer_version == tools[installed.installer] != ""
    assert installed.python_version == printed(installed.python, "import platform; print(platform.python_version())")


def test_every_place_of_an_installation_is_absolute_and_within_it(installed: PythonInstallation) -> None:
    for place in (installed.python, installed.scripts, installed.site_packages):
        assert place.exists()
        assert place.is_relative_to(installed.directory)
    assert installed.directory.is_absolute()


def test_an_installation_can_be_sent_to_another_process(installed: PythonInstallation) -> None:
    assert pickle.loads(pickle.dumps(installed)) == installed  # noqa: S301  (pickled right here)


def test_record_agrees_with_the_disk(installed: PythonInstallation) -> None:
    assert record_mismatches(installed, "tiny-tool") == ()


def test_no_file_is_a_hard_link(installed: PythonInstallation) -> None:
    files = [path for path in installed.directory.rglob("*") if path.is_file() and not path.is_symlink()]

    assert files
    assert [path for path in files if path.stat().st_nlink != 1] == []


def test_bytecode_is_compiled(installed: PythonInstallation) -> None:
    sources = (installed.site_packages / "tiny_tool").glob("*.py")
    caches = [
        Path(printed(installed.python, f"import importlib.util as i; print(i.cache_from_source({str(path)!r}))"))
        for path in sources
    ]

    assert caches
    assert [path for path in caches if not path.is_file()] == []


def test_a_log_tells_what_the_installer_said(installed: PythonInstallation) -> None:
    log = installed.directory.with_name("environment.log")

    assert "tiny" in log.read_text().lower()


def test_another_log_can_be_given(put: Install, odd: Artifact, tmp_path: Path) -> None:
    put(odd, tmp_path / "environment", log=tmp_path / "other")

    assert "odd" in (tmp_path / "other").read_text()


def test_the_environment_comes_from_the_base_of_this_interpreter(installed: PythonInstallation) -> None:
    base = printed(installed.python, "import sys; print(sys.base_prefix)")

    assert Path(base).resolve() == Path(sys.base_prefix).resolve()
    assert not (installed.base_python.parent.parent / "pyvenv.cfg").exists()
    assert not installed.base_python.is_symlink()


def test_the_interpreter_of_an_environment_leads_to_its_base(
    put: Install, installed: PythonInstallation, odd: Artifact, tmp_path: Path
) -> None:
    second = put(odd, tmp_path / "environment", python=str(installed.python))

    assert second.base_python == installed.base_python
    assert printed(second.python, "import sys; print(sys.base_prefix)") == printed(
        installed.python, "import sys; print(sys.base_prefix)"
    )
    assert [each.name for each in second.distributions] == ["odd"]


def test_a_link_to_the_base_interpreter_makes_environments(put: Install, odd: Artifact, tmp_path: Path) -> None:
    base = put(odd, tmp_path / "environment").base_python
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "python3"
    link.symlink_to(base)

    subprocess.run([link, "-I", "-m", "venv", "--without-pip", tmp_path / "second"], check=True)

    assert printed(tmp_path / "second" / "bin" / "python", "import json; print('fine')") == "fine"


def test_a_version_names_an_interpreter(put: Install, odd: Artifact, tmp_path: Path) -> None:
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert put(odd, tmp_path / "environment", python=wanted).python_version.startswith(f"{wanted}.")


@pytest.mark.parametrize("python", ["3.999", "gone/python"])
def test_an_unknown_interpreter_is_the_users_mistake(put: Install, odd: Artifact, tmp_path: Path, python: str) -> None:
    error = failure(put, odd, tmp_path / "environment", python=python)

    assert isinstance(error, UsageError)
    assert f"there is no Python '{python}'" in error.message
    assert not (tmp_path / "environment").exists()


def test_a_file_that_is_no_interpreter_is_the_users_mistake(put: Install, odd: Artifact, tmp_path: Path) -> None:
    error = failure(put, odd, tmp_path / "environment", python=str(odd.path))

    assert isinstance(error, UsageError)


def test_an_unknown_installer_is_the_users_mistake(put: Install, odd: Artifact, tmp_path: Path) -> None:
    error = failure(put, odd, tmp_path / "environment", installer="conda")

    assert isinstance(error, UsageError)
    assert error.message == "there is no installer 'conda'; there are 'uv', 'pip'"


def test_a_place_that_cannot_hold_an_environment_is_the_machines_fault(
    put: Install, odd: Artifact, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "half" / "lib").mkdir(parents=True)
    (tmp_path / "half" / "bin").touch()

    for place in ("file", "half"):
        error = failure(put, odd, tmp_path / place)

        assert isinstance(error, TestbedError)
        assert f"{place}' cannot be made" in error.message


def test_a_setting_that_swaps_the_artifact_for_another_file_is_found_out(
    put: Install, odd: Artifact, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = pack_wheel(tmp_path / "other" / WHEEL)
    (tmp_path / "overrides.txt").write_text(f"odd @ {other.as_uri()}\n")
    settings = {**environment, "UV_OVERRIDE": str(tmp_path / "overrides.txt")}

    error = failure(put, odd, tmp_path / "environment", environment=settings)

    assert isinstance(error, TestbedError)
    assert f"uv installed something else than '{WHEEL}'" in error.message


@pytest.mark.parametrize("installer", INSTALLERS)
def test_odd_directory_names_are_no_obstacle(put: Install, tmp_path: Path, installer: str) -> None:
    place = tmp_path / "a ~ #1 & 50% naïve"
    place.mkdir()
    artifact = identify(pack_wheel(place / WHEEL))

    installation = put(artifact, place / "environment", installer=installer)

    assert record_mismatches(installation, "odd") == ()


def test_an_interpreter_that_the_artifact_does_not_support(put: Install, tmp_path: Path) -> None:
    headers = ("Name: odd", "Version: 1.0", "Requires-Python: >=3.99")
    error = failure(put, identify(pack_wheel(tmp_path / WHEEL, headers=headers)), tmp_path / "environment")

    assert isinstance(error, ArtifactError)
    assert "requires Python >=3.99, this is 3." in error.message


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_file_with_another_hash_is_refused(
    put: Install, request: pytest.FixtureRequest, tmp_path: Path, installer: str, kind: str
) -> None:
    genuine: Artifact = request.getfixturevalue(kind)
    put(genuine, tmp_path / "before", installer=installer)  # now every cache knows it

    error = failure(put, dataclasses.replace(genuine, sha256="0" * 64), tmp_path / "after", installer=installer)

    assert isinstance(error, ArtifactError)
    assert "hash" in error.message.lower()


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_file_that_changed_since_it_was_identified_is_refused(
    put: Install, sdist: Artifact, tmp_path: Path, installer: str
) -> None:
    path = Path(shutil.copy(sdist.path, tmp_path))
    artifact = identify(path)
    path.write_bytes(path.read_bytes() + b"\0")

    error = failure(put, artifact, tmp_path / "environment", installer=installer)

    assert "hash" in error.message.lower()


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_dependency_that_does_not_exist_is_the_artifacts_fault(put: Install, tmp_path: Path, installer: str) -> None:
    artifact = identify(pack_wheel(tmp_path / WHEEL, headers=MISSING))

    error = failure(put, artifact, tmp_path / "environment", installer=installer)

    assert isinstance(error, ArtifactError)
    assert error.stage == "installs"
    assert error.message.startswith("the artifact does not install: ")
    assert "surely-no-such-distribution-4711" in error.message
    assert error.detail


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_dependency_without_an_index_is_the_machines_fault(
    put: Install, cut_off: dict[str, str], tmp_path: Path, installer: str
) -> None:
    artifact = identify(pack_wheel(tmp_path / WHEEL, headers=MISSING))

    error = failure(put, artifact, tmp_path / "environment", installer=installer, environment=cut_off)

    assert isinstance(error, TestbedError)
    assert error.message == "the package index cannot be reached"


@pytest.mark.parametrize("installer", INSTALLERS)
def test_an_artifact_that_needs_nothing_installs_without_an_index(
    put: Install, odd: Artifact, cut_off: dict[str, str], tmp_path: Path, installer: str
) -> None:
    assert put(odd, tmp_path / "environment", installer=installer, environment=cut_off).name == "odd"


@pytest.mark.parametrize("installer", INSTALLERS)
def test_an_sdist_whose_build_fails_is_the_artifacts_fault(put: Install, tmp_path: Path, installer: str) -> None:
    artifact = identify(pack_odd(tmp_path, 'raise RuntimeError("no compiler here")'))

    error = failure(put, artifact, tmp_path / "environment", installer=installer)

    assert isinstance(error, ArtifactError)
    assert error.message == "the artifact does not install: RuntimeError: no compiler here"


def test_an_installation_that_hangs_is_ended_and_the_artifacts_fault(put: Install, tmp_path: Path) -> None:
    artifact = identify(pack_odd(tmp_path, "time.sleep(600)"))

    error = failure(put, artifact, tmp_path / "environment", timeout=0.5)

    assert isinstance(error, ArtifactError)
    assert error.message == "the artifact does not install: it did not finish in 0.5 s"


def test_one_that_hangs_without_an_index_is_the_machines_fault(
    put: Install, cut_off: dict[str, str], tmp_path: Path
) -> None:
    artifact = identify(pack_odd(tmp_path, "time.sleep(600)"))

    error = failure(put, artifact, tmp_path / "environment", timeout=0.5, environment=cut_off)

    assert isinstance(error, TestbedError)


def test_a_full_disk_is_the_machines_fault(put: Install, tmp_path: Path) -> None:
    artifact = identify(pack_odd(tmp_path, "raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))"))

    error = failure(put, artifact, tmp_path / "environment")

    assert isinstance(error, TestbedError)
    assert error.message == "the disk is full"


LIES = {
    "wrong hash": ("odd/data.txt,sha256=AAAA,10", "odd/data.txt: its content is not what RECORD says"),
    "wrong size": ("odd/data.txt,sha256=AAAA,9", "odd/data.txt: has 10 bytes where RECORD says 9"),
    "no hash": ("odd/data.txt,,10", "odd/data.txt: has no hash in RECORD that could be checked: ''"),
    "not listed": ("", "odd/data.txt: is not in RECORD"),
    "not there": ("odd/data.txt,,\nodd/gone.txt,sha256=AAAA,10", "odd/gone.txt: is missing"),
}


@pytest.mark.parametrize(("row", "complaint"), LIES.values(), ids=LIES)
def test_a_wheel_whose_record_lies_is_found_out(tmp_path: Path, row: str, complaint: str) -> None:
    artifact = identify(pack_wheel(tmp_path / WHEEL, lies={"odd/data.txt": row}))

    assert complaint in wheel_mismatches(artifact)


def test_a_record_that_says_the_truth_is_not_complained_about(wheel: Artifact, sdist: Artifact) -> None:
    assert wheel_mismatches(wheel) == ()
    assert wheel_mismatches(sdist) == ()


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize("lie", ["wrong hash", "wrong size", "no hash"])
def test_a_record_that_lies_is_found_out_once_installed(put: Install, tmp_path: Path, installer: str, lie: str) -> None:
    row, complaint = LIES[lie]
    artifact = identify(pack_wheel(tmp_path / WHEEL, lies={"odd/data.txt": row}))

    installation = put(artifact, tmp_path / "environment", installer=installer)

    assert record_mismatches(installation, "odd") == (complaint,)


def test_every_change_after_installing_is_found(put: Install, odd: Artifact, tmp_path: Path) -> None:
    installation = put(odd, tmp_path / "environment")
    package = installation.site_packages / "odd"
    (package / "data.txt").write_text("something else\n")
    (package / "__init__.py").unlink()
    (package / "sub").mkdir()
    (package / "sub" / "new.py").touch()
    (package / "__pycache__" / "gone.pyc").touch()

    assert record_mismatches(installation, "odd") == (
        "odd/__init__.py: is missing",
        "odd/__pycache__/gone.pyc: is not in RECORD",
        "odd/data.txt: has 15 bytes where RECORD says 10",
        "odd/sub/new.py: is not in RECORD",
    )


def test_a_distribution_without_a_record_is_found_out(put: Install, odd: Artifact, tmp_path: Path) -> None:
    installation = put(odd, tmp_path / "environment")
    (installation.site_packages / "odd-1.0.dist-info" / "RECORD").unlink()

    assert record_mismatches(installation, "odd") == ("'odd' has no RECORD",)
    assert record_mismatches(installation, "even") == ("'even' is not installed",)
