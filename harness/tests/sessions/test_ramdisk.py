"""Self-tests of sandboxes in memory: what people are to look at outlives it, and scarce memory is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import ramdisk
from harness.temporaryfiles import VARIABLES
from harness.tests.sessions.checkouts import REPOSITORY
from harness.verdict.archive import Archive

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout

LEAVES_THINGS = """
@pytest.mark.required
def test_is_looked_into(sandbox):
    \"\"\"It leaves nothing odd.\"\"\"
    said = sandbox.run("/bin/sh", "-c", "PATH=/usr/bin:/bin\\n" + {script!r})
    assert not said.stdout, said.stdout
"""
SCRIPT = """
    stat --file-system --format=%T .
    mkfifo pipe && ln -s nowhere link && mkdir closed && echo text >closed/file && chmod 000 closed
"""


def kept(checkout: Checkout) -> Path:
    """The working directory of the one case whose sandbox was kept."""
    [pipe] = checkout.temporary.glob("smoke-*/sandboxes/*/*/**/pipe")
    return pipe.parent


def test_what_a_failure_names_is_on_the_disk_afterwards(checkout: Checkout) -> None:
    checkout.add_cases(LEAVES_THINGS.format(script=SCRIPT))

    run = checkout.smoke("--isolation", "kernel")

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert "tmpfs" in run.output
    place = kept(checkout)
    assert any(str(place).startswith(line.removeprefix("kept: ")) for line in run.lines("kept: "))
    assert place.joinpath("pipe").is_fifo()
    assert place.joinpath("link").readlink() == Path("nowhere")
    assert place.joinpath("closed").stat().st_mode & 0o777 == 0
    assert list(checkout.temporary.glob("smoke-*/kept-sandboxes")) == []


def test_a_disk_without_room_for_them_is_the_machines_fault(checkout: Checkout) -> None:
    checkout.add_cases(LEAVES_THINGS.format(script="echo much; head -c 120M /dev/urandom >large"))

    run = checkout.smoke_on_small_disk("100M", "--isolation", "kernel")

    assert (run.verdict, run.exit_code) == ("testbed-fault", 7), run.output
    assert run.lines("reason:")[0].endswith("kept-sandboxes': No space left on device")


@pytest.mark.parametrize(
    ("options", "named", "is_taken"),
    [
        ("size=8g", {}, "yes"),
        ("size=8g,noexec", {}, ""),
        ("size=1g", {}, ""),
        ("", {}, ""),
        ("size=8g", {"TMPDIR": "elsewhere"}, ""),
    ],
)
def test_a_place_in_memory_is_large_and_takes_programs(
    tmp_path: Path, options: str, named: dict[str, str], is_taken: str
) -> None:
    mount = f'mount -t tmpfs -o {options} none "$1";' if options else ""
    program = "import sys, pathlib, harness.ramdisk as it; print(it.directory(pathlib.Path(sys.argv[1])))"
    words = ("unshare", "--map-root-user", "--mount", "/bin/sh", "-c", f'{mount} exec "$2" -c "$3" "$1"', "sh")
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | named
    done = subprocess.run(
        [*words, str(tmp_path), sys.executable, program],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == f"{tmp_path if is_taken else None}\n"


@pytest.mark.parametrize(("limit", "has_plenty"), [("max", "yes"), (str(9 << 30), "yes"), (str(1 << 30), "")])
def test_memory_that_a_container_may_not_use_is_none(tmp_path: Path, limit: str, has_plenty: str) -> None:
    archive = Archive(evidence=tmp_path / "evidence", scratch=tmp_path / "scratch")
    (tmp_path / "limit").write_text(f"{limit}\n")
    (tmp_path / "used").write_text("4096\n")

    groups = [(tmp_path / "limit", tmp_path / "used"), (tmp_path / "no", tmp_path / "such")]
    assert bool(ramdisk.places(archive, groups)) == bool(has_plenty)
