"""Self-tests of the tree snapshots, on real trees."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.running.filetree import UNREADABLE, Entry, difference, printable, snapshot
from harness.tests.running.trees import change, remove, write
from harness.tests.values import assert_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
HASHED_BYTES = 1 << 32
TRUSTED_AFTER = 50_000_000  # nanoseconds


@pytest.fixture
def private_directory() -> Iterator[Path]:
    """A directory of an ordinary user, who this process is meanwhile, even if it is root's."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        directory = Path(tempfile.mkdtemp())
        yield directory
    finally:
        if is_root:
            os.seteuid(0)
        remove(directory)


def test_a_missing_root_is_an_empty_tree(tmp_path: Path) -> None:
    assert len(snapshot(tmp_path / "missing")) == 0
    assert not snapshot(write(tmp_path / "file") / "below")


def test_every_kind_of_entry_is_described(tmp_path: Path) -> None:
    write(tmp_path / "a" / "file", "abc").chmod(0o640)
    (tmp_path / "a").chmod(0o750)
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe", 0o600)

    tree = snapshot(tmp_path)

    assert set(tree) == {".", "a", "a/file", "link", "pipe"}
    assert (tree["a"].kind, tree["a"].mode, tree["a"].size, tree["a"].digest) == ("directory", 0o750, 0, "")
    assert (tree["a/file"].kind, tree["a/file"].mode, tree["a/file"].size) == ("file", 0o640, 3)
    assert len(tree["a/file"].digest) == 64
    assert (tree["link"].kind, tree["link"].target) == ("link", "nowhere")
    assert (tree["pipe"].kind, tree["pipe"].mode) == ("other", 0o600)


def test_the_root_itself_may_be_a_file(tmp_path: Path) -> None:
    assert [entry.kind for entry in snapshot(write(tmp_path / "file")).values()] == ["file"]


def test_links_are_not_followed_not_even_the_root(tmp_path: Path) -> None:
    write(tmp_path / "real" / "file")
    (tmp_path / "root").symlink_to("real")
    (tmp_path / "real" / "loop").symlink_to("..")

    assert {path: entry.kind for path, entry in snapshot(tmp_path / "root").items()} == {".": "link"}
    assert set(snapshot(tmp_path / "real")) == {".", "file", "loop"}


def test_names_that_are_not_utf_8_survive_and_can_be_printed(tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    (tmp_path / os.fsdecode(b"caf\xe9\n")).touch()

    after = snapshot(tmp_path)

    assert os.fsencode(next(path for path in after if path != ".")) == b"caf\xe9\n"
    assert difference(before, after).render() == r"+ caf\xe9\n"


def test_text_that_can_be_printed_stays_as_it_is() -> None:
    assert printable("größer als 1") == "größer als 1"


def test_nothing_changed_is_no_difference(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b", "content")
    before = snapshot(tmp_path)

    assert snapshot(tmp_path) == before
    assert not difference(before, snapshot(tmp_path, previous=before))
    assert difference(before, before).render() == ""


def test_times_and_sizes_of_directories_do_not_count(tmp_path: Path) -> None:
    file = write(tmp_path / "file")
    before = snapshot(tmp_path)
    write(tmp_path / "passing").unlink()
    os.utime(tmp_path, (1, 1))
    os.utime(file, (1, 1))

    assert not difference(before, snapshot(tmp_path))


def test_a_file_that_stands_as_it_stood_is_not_read_again() -> None:
    here = Path(__file__)
    first = snapshot(here.parent)

    second = snapshot(here.parent, previous=first)

    assert second[here.name] is first[here.name]


@pytest.mark.parametrize(
    ("after", "trusted"), [(TRUSTED_AFTER + 1, True), (TRUSTED_AFTER, False), (0, False)], ids=["longer", "just", "now"]
)
def test_only_what_had_stood_for_50_ms_when_it_was_read_is_not_read_again(
    tmp_path: Path, after: int, *, trusted: bool
) -> None:
    stamp = write(tmp_path / "file").stat().st_ctime_ns
    before = replace(snapshot(tmp_path), moment=stamp + after)

    assert (snapshot(tmp_path, previous=before)["file"] is before["file"]) == trusted


@pytest.mark.parametrize("content", ["longer", "a"])
def test_what_stands_otherwise_is_read_again_however_long_ago_it_was_read(tmp_path: Path, content: str) -> None:
    file = write(tmp_path / "file", "abc")
    taken = snapshot(tmp_path)
    before = replace(taken, moment=taken.moment * 2)

    file.write_text(content)

    assert change(before, tmp_path) == f"~ file: size 3 -> {len(content)}"


def test_windows_whose_stamps_say_less_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "file")
    taken = snapshot(tmp_path)
    before = replace(taken, moment=taken.moment * 2)
    assert snapshot(tmp_path, previous=before)["file"] is before["file"]

    monkeypatch.setattr(sys, "platform", "win32")

    assert snapshot(tmp_path, previous=before)["file"] is not before["file"]


def test_a_rewrite_of_the_same_size_with_restored_times_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "file"
    seen = []
    for _ in range(30):
        file.write_text("before")
        status = file.stat()
        before = snapshot(tmp_path)
        file.write_text("after!")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        seen.append(change(before, tmp_path))

    assert set(seen) == {"~ file: content changed"}


def test_what_an_ordinary_user_cannot_read_is_no_error(private_directory: Path) -> None:
    write(private_directory / "closed" / "file").parent.chmod(0)
    write(private_directory / "listed" / "file").parent.chmod(0o444)
    write(private_directory / "secret").chmod(0)

    tree = snapshot(private_directory)

    assert set(tree) == {".", "closed", "listed", "listed/file", "secret"}
    assert (tree["closed"].kind, tree["closed"].mode, tree["closed"].digest) == ("directory", 0, UNREADABLE)
    assert tree["listed/file"] == Entry(kind="other", mode=0, digest=UNREADABLE)
    assert (tree["secret"].kind, tree["secret"].digest) == ("file", UNREADABLE)


def test_a_file_that_would_take_too_long_is_known_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "hole").open("wb") as stream:
        stream.truncate(HASHED_BYTES + 1)

    assert snapshot(tmp_path)["hole"].digest == UNREADABLE
    assert snapshot(tmp_path)["hole"].size == HASHED_BYTES + 1


def test_what_vanishes_while_it_is_read_is_left_out() -> None:
    # Among this process's open files is the one that reads their directory: listed, then gone.
    assert snapshot(Path("/dev/fd").resolve())["."].kind == "directory"


def test_a_snapshot_taken_while_the_tree_changes_is_no_error(tmp_path: Path) -> None:
    churn = "i=0; while :; do mkdir -p d/e; : >d/e/f; rm -rf d; done"
    with subprocess.Popen(["/bin/sh", "-c", churn], cwd=tmp_path) as process:
        try:
            trees = [snapshot(tmp_path) for _ in range(200)]
        finally:
            process.kill()

    assert all(set(tree) <= {".", "d", "d/e", "d/e/f"} for tree in trees)


def test_what_was_read_cannot_be_changed(tmp_path: Path) -> None:
    tree = snapshot(tmp_path)

    assert_plain(tree)
    assert_plain(tree["."])
    assert "identity" not in repr(tree["."])  # nothing that a reader of a failure could use


def test_a_tree_deeper_than_the_recursion_limit_is_read_to_the_bottom(tmp_path: Path) -> None:
    root = tmp_path / "deep"
    root.mkdir()
    try:
        for depth in range(1, 1101):
            os.mkdir(f"{root}{'/d' * depth}")  # noqa: PTH102 - pathlib is slow on long paths
        tree = snapshot(root)
    finally:
        remove(root)  # pytest's own clean-up recurses

    assert len(tree) == 1101
