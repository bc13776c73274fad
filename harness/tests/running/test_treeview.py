"""Self-tests of the tree before and after, on real trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.running.filetree import snapshot
from harness.running.treeview import Row, view

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root with two versions, a home with a file, and a link."""
    for name in ("home/notes", "root/0.0.0/bin/python", "root/0.0.0/manifest", "root/1.0.0/manifest"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "current").symlink_to("root/1.0.0")
    return tmp_path


def seen(tree: Path, act: Callable[[], object], *, closed: tuple[str, ...] = ()) -> list[str]:
    """What an act did, each row in one line."""
    before = snapshot(tree)
    act()
    return [_line(row) for row in view(before, snapshot(tree), closed=closed)]


def _line(row: Row) -> str:
    sign = {"same": " ", "added": "+", "removed": "-", "changed": "~"}[row.mark]
    slash = "/" if row.kind == "directory" else ""
    return f"{sign} {row.path}{slash}{f' ({row.inside})' if row.inside else ''}{f' {row.note}' if row.note else ''}"


def test_what_is_removed_stands_between_what_stays(tree: Path) -> None:
    def act() -> None:
        (tree / "root/0.0.0/bin/python").unlink()
        (tree / "root/0.0.0/bin").rmdir()
        (tree / "root/0.0.0/manifest").unlink()
        (tree / "root/0.0.0").rmdir()

    assert seen(tree, act, closed=("home",)) == [
        "  current",
        "  home/ (1)",
        "  root/",
        "- root/0.0.0/",
        "- root/0.0.0/bin/",
        "- root/0.0.0/bin/python",
        "- root/0.0.0/manifest",
        "  root/1.0.0/",
        "  root/1.0.0/manifest",
    ]


def test_a_change_says_what_it_is(tree: Path) -> None:
    def act() -> None:
        (tree / "home/notes").write_text("more of it")
        (tree / "home/more").symlink_to("notes")
        (tree / "root/1.0.0").chmod(0o700)

    lines = seen(tree, act)
    assert "+ home/more to notes" in lines
    assert "  home/notes" not in lines
    assert "~ root/1.0.0/ mode 0755 -> 0700" in lines


def test_a_closed_directory_opens_where_something_changed(tree: Path) -> None:
    lines = seen(tree, (tree / "home/other").touch, closed=("home",))

    assert lines[1:4] == ["  home/", "  home/notes", "+ home/other"]


def test_a_runtime_is_a_line_with_a_count(tree: Path) -> None:
    def act() -> None:
        for number in range(40):
            path = tree / f"root/2.0.0/lib/package{number}/module.py"
            path.parent.mkdir(parents=True)
            path.touch()

    lines = seen(tree, act)
    assert "+ root/2.0.0/" in lines
    assert "+ root/2.0.0/lib/ (80)" in lines
    assert len(lines) < 20


def test_however_much_changes_there_is_an_end(tree: Path) -> None:
    def act() -> None:
        for number in range(300):
            (tree / f"root/file-{number}").touch()

    lines = seen(tree, act)
    assert len(lines) < 20
    assert "~ root/ (306) 300 of them changed" in lines


def test_a_tree_that_stays_is_shown_as_well(tree: Path) -> None:
    lines = seen(tree, lambda: None)

    assert "  root/0.0.0/" in lines
    assert all(line.startswith(" ") for line in lines)


def test_no_tree_has_no_rows(tree: Path) -> None:
    nothing = snapshot(tree / "missing")

    assert view(nothing, nothing) == ()
