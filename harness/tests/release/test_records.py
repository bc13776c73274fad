"""RECORD: whatever it says that is not so, in a wheel and once installed, is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.release.artifact import Artifact, identify
from harness.release.installation import record_mismatches
from harness.release.records import spoilt, wheel_mismatches
from harness.tests.release.installing import EVERY_INSTALLER, WHEEL
from harness.tests.release.projects import SCRIPT, pack_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.release.installing import Install


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


@pytest.mark.parametrize("installer", EVERY_INSTALLER)
@pytest.mark.parametrize("lie", ["wrong hash", "wrong size", "no hash"])
def test_a_record_that_lies_is_found_out_once_installed(put: Install, tmp_path: Path, installer: str, lie: str) -> None:
    row, complaint = LIES[lie]
    artifact = identify(pack_wheel(tmp_path / WHEEL, SCRIPT, lies={"odd/data.txt": row}))

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


def test_what_differs_from_one_record_alone_is_spoilt(put: Install, odd: Artifact, tmp_path: Path) -> None:
    site_packages = put(odd, tmp_path / "environment").site_packages
    assert spoilt(site_packages) == ()

    (site_packages / "odd" / "__init__.py").unlink()
    (site_packages / "odd" / "new.py").touch()
    assert spoilt(site_packages) == ()

    (site_packages / "odd" / "data.txt").write_text("evil wins\n")
    assert spoilt(site_packages) == ("odd/data.txt: its content is not what RECORD says",)

    other = site_packages / "even-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: even\nVersion: 1.0\n")
    (other / "RECORD").write_text("odd/data.txt,sha256=AAAA,10\n")
    assert spoilt(site_packages) == ()
