"""Self-tests of telling a disk without room from one with room, on real disks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.diskspace import is_nearly_full

REPOSITORY = Path(__file__).resolve().parents[2]
LOOKS = """
import pathlib, sys
from harness.diskspace import is_nearly_full
print(is_nearly_full(pathlib.Path(sys.argv[1])))
"""


@pytest.mark.parametrize(
    ("options", "said"),
    [("size=10m", "True"), ("size=200m", "False"), ("size=200m,nr_inodes=1000", "True")],
    ids=["no room", "room", "no room for files"],
)
def test_a_disk_is_full_when_little_fits_on_it(tmp_path: Path, options: str, said: str) -> None:
    script = f'mount -t tmpfs -o {options} none "$1" && exec "$2" -c "$3" "$1"'
    words = ["unshare", "--map-root-user", "--mount", "/bin/sh", "-c", script, "sh", str(tmp_path)]
    words += [sys.executable, LOOKS]
    done = subprocess.run(words, cwd=REPOSITORY, check=True, capture_output=True, text=True)

    assert done.stdout.strip() == said


@pytest.mark.parametrize(("files", "is_refused"), [(10, True), (40, False)], ids=["none", "some"])
def test_a_disk_must_have_room_for_a_few_files(tmp_path: Path, files: int, *, is_refused: bool) -> None:
    script = f'mount -t tmpfs -o nr_inodes={files} none "$1" && exec "$2" -c "$3" "$1"'
    words = ["unshare", "--map-root-user", "--mount", "/bin/sh", "-c", script, "sh", str(tmp_path)]
    demands = "import pathlib, sys\nfrom harness.diskspace import demand_files\ndemand_files(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [*words, sys.executable, demands], cwd=REPOSITORY, check=False, capture_output=True, text=True
    )

    assert (done.returncode != 0) == is_refused, done.stderr
    assert (f"the disk has no room for files: '{tmp_path}'" in done.stderr) == is_refused


def test_of_a_disk_that_is_not_there_nobody_can_tell(tmp_path: Path) -> None:
    assert not is_nearly_full(tmp_path / "nowhere")
