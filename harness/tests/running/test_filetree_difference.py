"""Self-tests of the difference of two tree snapshots, and of how it is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from harness.running.filetree import UNREADABLE, Change, Entry, Kind, TreeDiff, difference, snapshot
from harness.tests.running.trees import change, remove, write
from harness.tests.values import assert_plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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

    assert difference(before, snapshot(tmp_path))
    assert change(before, tmp_path) == expected


@pytest.mark.parametrize(("old", "new"), [("a", "b"), ("b", "a")])
def test_another_target_of_a_link_is_a_change(tmp_path: Path, old: str, new: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(old)
    before = snapshot(tmp_path)

    link.unlink()
    link.symlink_to(new)

    assert change(before, tmp_path) == f"~ link: link to {old} -> link to {new}"


def test_other_content_of_the_same_size_is_no_change_of_size(tmp_path: Path) -> None:
    file = write(tmp_path / "file", "a" * 1000)
    before = snapshot(tmp_path)

    file.write_text("b" * 1000)

    assert change(before, tmp_path) == "~ file: content changed"


def entry(kind: Kind = "file", *, mode: int = 0o644, size: int = 1, digest: str = "d") -> Entry:
    return Entry(kind=kind, mode=mode, size=size, digest=digest)


def link_to(target: bytes, *, mode: int) -> Entry:
    return Entry(kind="link", mode=mode, target=os.fsdecode(target))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (entry(), entry(mode=0o4755, size=2), "f: mode 0644 -> 4755, size 1 -> 2"),
        (entry(), entry(mode=0, digest=UNREADABLE), "f: mode 0644 -> 0000, became unreadable"),
        (entry(digest=UNREADABLE), entry(), "f: became readable"),
        (entry(size=2), entry(size=1), "f: size 2 -> 1"),
        (entry("directory"), entry("other"), "f: directory -> other"),
        (entry("file"), entry("directory"), "f: file -> directory"),
        (link_to(b"there", mode=0o777), link_to(b"there", mode=0o755), "f: mode 0777 -> 0755"),
    ],
)
def test_what_changed_is_named(before: Entry, after: Entry, expected: str) -> None:
    assert str(Change(path="f", before=before, after=after)) == expected


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


def test_names_that_sort_before_the_dot_are_names_like_any_other(tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    write(tmp_path / "+new" / "-old")

    assert difference(before, snapshot(tmp_path)).paths == {"+new", "+new/-old"}
    assert change(before, tmp_path) == "+ +new/ (directory, 1 entry)"


def test_a_long_difference_is_cut_and_says_so(pruned: TreeDiff) -> None:
    assert pruned.render(limit=1).splitlines() == ["+ elsewhere/ (directory, 1 entry)", "… and 4 more"]
    assert "more" not in pruned.render(limit=5)


def test_twenty_lines_are_not_too_long() -> None:
    names = tuple(f"{number:02}" for number in range(21))

    assert TreeDiff(added=names[:20]).render().splitlines() == [f"+ {name}" for name in names[:20]]
    assert TreeDiff(added=names).render().splitlines() == [*(f"+ {name}" for name in names[:20]), "… and 1 more"]


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


def test_a_difference_cannot_be_changed(pruned: TreeDiff) -> None:
    assert_plain(pruned)
    assert_plain(pruned.changed[0])
