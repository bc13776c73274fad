"""Self-tests of keeping installations: real ones, of a small wheel."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError
from harness.keeping import Key, install_or_reuse
from harness.release.artifact import identify
from harness.release.installation import Installation, install
from harness.running.environment import installer_environment
from harness.tests.sessions.checkouts import pack_odd_wheel
from harness.toolcaches import cache_directory

if TYPE_CHECKING:
    from pathlib import Path

    from harness.keeping import Kept

DAYS = 3 * 24 * 3600.0


class Shelf:
    """A place for installations of `odd`, and how often one was made."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "shelf"
        self.artifact = identify(pack_odd_wheel(directory / "odd-1.0-py3-none-any.whl"))
        self.made: list[Path] = []

    def take(self, **wishes: str) -> Kept:
        """Take what is there for a key, or have one made."""
        wanted = {"sha256": self.artifact.sha256, "installer": "uv", "python": "", "node": ""} | wishes
        return install_or_reuse(Key(**wanted), self.directory, self._make)

    def places(self) -> list[Path]:
        """The directories of keys."""
        return [path for path in self.directory.iterdir() if path.is_dir()]

    def _make(self, directory: Path) -> Installation:
        self.made.append(directory)
        return install(
            self.artifact,
            directory,
            installer="uv",
            python="",
            environment=installer_environment(os.environ),
            timeout=60,
            cache=cache_directory(),
        )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty one."""
    return Shelf(tmp_path)


def age(path: Path) -> None:
    """Have a path look as if nobody had touched it for days."""
    long_ago = time.time() - DAYS
    os.utime(path, (long_ago, long_ago))


def test_the_second_who_asks_gets_what_the_first_had_made(shelf: Shelf) -> None:
    first, second = shelf.take(), shelf.take()

    assert (first.since, first.remark, second.remark) == ("", "", "")
    assert second.since.startswith("20")
    assert second.installation == first.installation
    assert len(shelf.made) == 1
    assert second.installation.executable("odd").is_file()


@pytest.mark.parametrize(
    "wish", [{"sha256": "1" * 64}, {"installer": "pip"}, {"python": "/elsewhere"}, {"node": "20"}], ids=str
)
def test_another_key_is_another_installation(shelf: Shelf, wish: dict[str, str]) -> None:
    shelf.take()

    assert shelf.take(**wish).since == ""
    assert len(shelf.made) == 2


def test_an_interpreter_that_was_replaced_is_another_one(tmp_path: Path) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_bytes(b"one")
    key = Key(sha256="0" * 64, installer="uv", python=str(interpreter), node="")
    before = str(key)
    interpreter.write_bytes(b"another")

    assert str(key) != before


def test_a_changed_byte_is_noticed_whatever_times_say(shelf: Shelf) -> None:
    module = next(shelf.take().installation.directory.rglob("odd/__init__.py"))
    status, content = module.stat(), module.read_bytes()
    module.write_bytes(content[:-1] + b"#")
    os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))

    again = shelf.take()

    assert again.since == ""
    relative = module.relative_to(shelf.made[0])
    assert again.remark == f"anew, since the kept installation was changed: '{relative}'"
    assert len(shelf.made) == 2
    assert module.exists(), "another run may still be using it"
    assert shelf.take().since, "the new one is kept"


def test_what_is_added_and_other_permissions_are_noticed(shelf: Shelf) -> None:
    (shelf.take().installation.directory / "new").touch()
    assert shelf.take().remark.endswith("'new'")

    (shelf.take().installation.directory / "pyvenv.cfg").chmod(0o777)
    assert shelf.take().remark.endswith("'pyvenv.cfg'")

    assert len(shelf.made) == 3


def test_what_does_not_install_leaves_nothing(shelf: Shelf) -> None:
    def fail(directory: Path) -> Installation:
        directory.mkdir()
        raise ArtifactError("installs", "it does not")

    key = Key(sha256="0" * 64, installer="uv", python="", node="")
    with pytest.raises(ArtifactError):
        install_or_reuse(key, shelf.directory, fail)

    [place] = shelf.places()
    assert list(place.iterdir()) == []


def test_what_a_killed_run_did_not_finish_goes_at_once(shelf: Shelf) -> None:
    shelf.take()
    [place] = shelf.places()
    (place / "without-a-file").mkdir()
    (place / "half" / "environment").mkdir(parents=True)
    (place / "half" / "unfinished").touch()
    (place / "whole" / "environment").mkdir(parents=True)

    assert shelf.take().since
    assert {path.name for path in place.iterdir() if path.is_dir()} == {"whole", shelf.made[0].parent.name}


def test_a_record_that_cannot_be_read_is_none(shelf: Shelf) -> None:
    shelf.take()
    [place] = shelf.places()
    (place / "record.pickle").write_bytes(b"\x80nonsense")

    assert shelf.take().since == ""


def test_old_ones_go_but_for_the_latest_five(shelf: Shelf) -> None:
    for number in range(7):
        shelf.take(node=str(number))
    for place in shelf.places():
        age(place / "record.pickle")

    latest = shelf.take(node="latest")

    assert len(shelf.places()) == 5
    assert latest.installation.directory.is_dir()
    assert len(list(shelf.directory.glob("*.lock"))) == 5


def test_what_was_used_today_stays(shelf: Shelf) -> None:
    for number in range(7):
        shelf.take(node=str(number))

    assert len(shelf.places()) == 7


def test_a_changed_one_goes_when_nobody_can_be_using_it_any_more(shelf: Shelf) -> None:
    old = shelf.take().installation.directory
    (old / "new").touch()
    shelf.take()
    age(old.parent)

    shelf.take()

    assert not old.exists()
