"""Self-tests of the tree snapshots, on real trees."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.running.filetree import (
    UNREADABLE,
    Change,
    Entry,
    Kind,
    Snapshot,
    TreeDiff,
    difference,
    printable,
    snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534


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


def remove(directory: Path) -> None:
    # Not shutil's way, which fails on deep trees, and on closed directories unless it is root's.
    subprocess.run(["/bin/chmod", "-R", "u+rwx", directory], check=True)
    subprocess.run(["/bin/rm", "-rf", directory], check=True)


def write(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def change(before: Snapshot, root: Path) -> str:
    return difference(before, snapshot(root, previous=before)).render()


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
    assert len(tree["a/file"].digest) == 40
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


def test_a_tree_deeper_than_the_recursion_limit_is_read_to_the_bottom(tmp_path: Path) -> None:
    root = tmp_path / "deep"
    root.mkdir()
    for depth in range(1, 1501):
        os.mkdir(f"{root}{'/d' * depth}")  # noqa: PTH102 - pathlib is slow on long paths

    tree = snapshot(root)

    remove(root)  # pytest's own clean-up recurses
    assert len(tree) == 1501


def test_nothing_changed_is_no_difference(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b", "content")
    before = snapshot(tmp_path)

    assert snapshot(tmp_path) == before
    assert not difference(before, snapshot(tmp_path, previous=before))
    assert difference(before, before).render() == ""


def test_times_and_sizes_of_directories_do_not_count(tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    write(tmp_path / "passing").unlink()
    os.utime(tmp_path, (1, 1))

    assert not difference(before, snapshot(tmp_path))


def test_a_file_that_stands_as_it_stood_is_not_read_again() -> None:
    here = Path(__file__)
    first = snapshot(here.parent)

    second = snapshot(here.parent, previous=first)

    assert second[here.name] is first[here.name]


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


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        pytest.param(lambda path: path.chmod(0o600), "~ a/b: mode 0644 -> 0600", id="mode"),
        pytest.param(lambda path: path.write_text("longer"), "~ a/b: size 3 -> 6", id="size"),
        pytest.param(lambda path: path.write_text("abd"), "~ a/b: content changed", id="content"),
        pytest.param(lambda path: (path.unlink(), path.symlink_to("x")), "~ a/b: file -> link to x", id="kind"),
        pytest.param(lambda path: path.unlink(), "- a/b", id="removed"),
        pytest.param(lambda path: write(path.with_name("c")), "+ a/c", id="added"),
    ],
)
def test_a_change_is_told_in_one_line(tmp_path: Path, act: Callable[[Path], object], expected: str) -> None:
    path = write(tmp_path / "a" / "b", "abc")
    path.chmod(0o644)
    before = snapshot(tmp_path)

    act(path)

    assert change(before, tmp_path) == expected


def test_another_target_of_a_link_is_a_change(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("a")
    before = snapshot(tmp_path)

    link.unlink()
    link.symlink_to("b")

    assert change(before, tmp_path) == "~ link: link to a -> link to b"


def entry(kind: Kind = "file", *, mode: int = 0o644, size: int = 1, digest: str = "d") -> Entry:
    return Entry(kind=kind, mode=mode, size=size, digest=digest)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (entry(), entry(mode=0o4755, size=2), "f: mode 0644 -> 4755, size 1 -> 2"),
        (entry(), entry(mode=0, digest=UNREADABLE), "f: mode 0644 -> 0000, became unreadable"),
        (entry(digest=UNREADABLE), entry(), "f: became readable"),
        (entry("directory"), entry("other"), "f: directory -> other"),
    ],
)
def test_what_changed_is_named(before: Entry, after: Entry, expected: str) -> None:
    assert str(Change(path="f", before=before, after=after)) == expected


def test_what_an_ordinary_user_cannot_read_is_no_error(private_directory: Path) -> None:
    write(private_directory / "closed" / "file").parent.chmod(0)
    write(private_directory / "listed" / "file").parent.chmod(0o444)
    write(private_directory / "secret").chmod(0)

    tree = snapshot(private_directory)

    assert set(tree) == {".", "closed", "listed", "listed/file", "secret"}
    assert (tree["closed"].kind, tree["closed"].mode, tree["closed"].digest) == ("directory", 0, UNREADABLE)
    assert (tree["listed/file"].kind, tree["listed/file"].digest) == ("other", UNREADABLE)
    assert (tree["secret"].kind, tree["secret"].digest) == ("file", UNREADABLE)


def test_what_vanishes_while_it_is_read_is_left_out() -> None:
    # Among this process's open files is the one that reads their directory: listed, then gone.
    assert snapshot(Path("/dev/fd").resolve())["."].kind == "directory"


@pytest.fixture
def pruned(tmp_path: Path) -> TreeDiff:
    """A difference with removed directories, added ones and a changed file."""
    for number in range(3):
        write(tmp_path / "root" / "0.0.0" / "lib" / f"{number}")
    write(tmp_path / "root" / "0.0.0-notes")
    write(tmp_path / "root" / "1.0.0" / "manifest", "before")
    before = snapshot(tmp_path)
    remove(tmp_path / "root" / "0.0.0")
    (tmp_path / "root" / "0.0.0-notes").unlink()
    write(tmp_path / "root" / "1.0.0" / "manifest", "after.")
    (tmp_path / "elsewhere" / "empty").mkdir(parents=True)
    (tmp_path / "hollow").mkdir()
    return difference(before, snapshot(tmp_path, previous=before))


def test_whole_directories_are_one_line(pruned: TreeDiff) -> None:
    assert pruned.render().splitlines() == [
        "+ elsewhere/ (directory, 1 entry)",
        "+ hollow/ (directory, empty)",
        "- root/0.0.0/ (directory, 4 entries)",
        "- root/0.0.0-notes",
        "~ root/1.0.0/manifest: content changed",
    ]


def test_a_root_that_is_gone_is_one_line(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b")

    assert difference(snapshot(tmp_path), snapshot(tmp_path / "missing")).render() == ("- ./ (directory, 2 entries)")


def test_a_long_difference_is_cut_and_says_so(pruned: TreeDiff) -> None:
    assert pruned.render(limit=1).splitlines() == ["+ elsewhere/ (directory, 1 entry)", "… and 4 more"]
    assert "more" not in pruned.render(limit=5)


def test_a_difference_has_every_path(pruned: TreeDiff) -> None:
    assert pruned
    assert {"elsewhere/empty", "root/0.0.0/lib/1", "root/1.0.0/manifest"} < pruned.paths
    assert len(pruned.paths) == 10


def test_a_difference_can_be_narrowed_to_a_directory(pruned: TreeDiff) -> None:
    inside = pruned.within("root/0.0.0/")

    assert inside.paths == {"root/0.0.0", "root/0.0.0/lib", *(f"root/0.0.0/lib/{n}" for n in range(3))}
    assert inside.render() == "- root/0.0.0/ (directory, 4 entries)"
    assert pruned.within(".") == pruned
    assert not pruned.within("root/1")


def test_a_difference_can_leave_directories_out(pruned: TreeDiff) -> None:
    assert pruned.outside("root", "hollow").paths == {"elsewhere", "elsewhere/empty"}
    assert pruned.outside() == pruned
    assert not pruned.outside(".")


def test_a_snapshot_taken_while_the_tree_changes_is_no_error(tmp_path: Path) -> None:
    churn = "i=0; while :; do mkdir -p d/e; : >d/e/f; rm -rf d; done"
    with subprocess.Popen(["/bin/sh", "-c", churn], cwd=tmp_path) as process:
        try:
            trees = [snapshot(tmp_path) for _ in range(200)]
        finally:
            process.kill()

    assert all(set(tree) <= {".", "d", "d/e", "d/e/f"} for tree in trees)
