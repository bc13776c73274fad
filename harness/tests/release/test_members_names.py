"""Self-tests of names in archives: those that lead out of the tree, and those that only look as if they did."""

from __future__ import annotations

import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from harness.release.members import complaint
from harness.tests.release.projects import member, pack_sdist, pack_wheel

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "odd-1.0-py3-none-any.whl"
SDIST = "odd-1.0.tar.gz"
LEADS_OUT = ("../evil", "/evil", "\\evil", "C:evil", "odd/../../evil", "odd\\..\\..\\evil", "..\\evil", "..")
STAYS = ("..odd/file", "odd/..file", "odd/c:file", "odd/inner/../file", ".hidden", "odd/C:", "a", "o/d/d/deep", "...")


@pytest.mark.parametrize("name", LEADS_OUT)
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    unsafe = f"holds a member that is not safe to unpack: '{name}'"

    assert complaint(pack_sdist(tmp_path / SDIST, member(name))) == unsafe
    assert complaint(pack_wheel(tmp_path / WHEEL, {name: ""})) == unsafe


@pytest.mark.parametrize("name", STAYS)
def test_names_that_stay_inside(tmp_path: Path, name: str) -> None:
    assert complaint(pack_sdist(tmp_path / SDIST, member(name))) == ""
    assert complaint(pack_wheel(tmp_path / WHEEL, {name: ""})) == ""


def test_a_name_that_ends_early_for_others(tmp_path: Path) -> None:
    path = pack_wheel(tmp_path / WHEEL, {"odd/innocent0evil": ""})
    path.write_bytes(path.read_bytes().replace(b"innocent0evil", b"innocent\0evil"))

    assert complaint(path) == "holds a member that is not safe to unpack: 'odd/innocent\0evil'"


@pytest.mark.parametrize(
    ("target", "is_fine"),
    [
        ("file", True),
        ("../top/file", True),
        ("inner/../file", True),
        (".", True),
        ("..", True),
        ("../..", False),
        ("/file", False),
        ("../../top/file", False),
        ("loop/file", False),
    ],
)
def test_where_links_may_lead(tmp_path: Path, target: str, *, is_fine: bool) -> None:
    loop = member("top/loop", tarfile.SYMTYPE, ".")
    path = pack_sdist(tmp_path / SDIST, loop, member("top/link", tarfile.SYMTYPE, target))

    assert (complaint(path) == "") is is_fine


@pytest.mark.parametrize(
    ("target", "is_fine"), [("top/file", True), ("odd/x/../y", True), ("../file", False), ("top/loop/file", False)]
)
def test_where_hard_links_may_lead(tmp_path: Path, target: str, *, is_fine: bool) -> None:
    loop = member("top/loop", tarfile.SYMTYPE, ".")
    path = pack_sdist(tmp_path / SDIST, loop, member("top/hard", tarfile.LNKTYPE, target))

    assert (complaint(path) == "") is is_fine


def test_a_member_deep_below_a_link_is_refused(tmp_path: Path) -> None:
    links = (member("top/a", tarfile.SYMTYPE, "."), member("top/a/b/c/evil"))

    assert complaint(pack_sdist(tmp_path / SDIST, *links)).endswith("'top/a/b/c/evil'")


def test_a_member_below_a_link_at_the_top_is_refused(tmp_path: Path) -> None:
    links = (member("a", tarfile.SYMTYPE, "."), member("a/evil"))

    assert complaint(pack_sdist(tmp_path / SDIST, *links)).endswith("'a/evil'")


def test_a_link_is_no_way_to_itself_or_to_its_neighbours(tmp_path: Path) -> None:
    links = (member("top/a", tarfile.SYMTYPE, "b"), member("top/b"), member("top/ab/file"), member("a/file"))

    assert complaint(pack_sdist(tmp_path / SDIST, *links)) == ""


def test_directories_are_fine(tmp_path: Path) -> None:
    path = pack_wheel(tmp_path / WHEEL)
    with zipfile.ZipFile(path, "a") as wheel:
        wheel.mkdir("odd/inner") if hasattr(wheel, "mkdir") else wheel.writestr("odd/inner/", "")

    assert complaint(path) == ""
    assert complaint(pack_sdist(tmp_path / SDIST, member("odd-1.0/inner", tarfile.DIRTYPE))) == ""


def test_the_same_directory_of_many_files_is_no_collision(tmp_path: Path) -> None:
    names = {"odd/inner/one": "", "odd/inner/two": "", "odd/./inner/three": ""}

    assert complaint(pack_wheel(tmp_path / WHEEL, names)) == ""


@pytest.mark.parametrize("place", ["", "odd/", "odd/inner/", "odd/inner/deep/"])
def test_names_that_collide_at_any_depth(tmp_path: Path, place: str) -> None:
    collision = f"holds '{place}Data' and '{place}data', which are one name to many disks"

    assert complaint(pack_wheel(tmp_path / WHEEL, {f"{place}Data": "", f"{place}data": ""})) == collision
