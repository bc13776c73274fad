"""What a file is: read from real archives, and refused in one line when it is none."""

from __future__ import annotations

import hashlib
import pickle
import re
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, UsageError
from harness.release.artifact import Artifact, identify, metadata, names, read
from harness.tests.release.projects import member, pack_sdist, pack_wheel
from harness.tests.values import assert_plain

if TYPE_CHECKING:
    from pathlib import Path

    from harness.release.building import Built

WHEEL = "odd-1.0-py3-none-any.whl"
SDIST = "odd-1.0.tar.gz"


def refusal(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(ArtifactError) as caught:
        identify(path)
    assert caught.value.stage == "installs"
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("name", [WHEEL, SDIST])
def test_random_bytes_are_no_artifact(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(range(256)) * 4)

    assert re.match(f"'{name}' is not an? ", refusal(path))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    for name in (WHEEL, SDIST):
        (tmp_path / name).touch()

        assert name in refusal(tmp_path / name)


def test_a_flipped_byte_in_a_wheel_is_found(tmp_path: Path) -> None:
    path = pack_wheel(tmp_path / WHEEL)
    path.write_bytes(path.read_bytes().replace(b"something", b"somethinG"))

    assert "wrong checksum of 'odd/data.txt'" in refusal(path)


@pytest.mark.parametrize("count", [0, 2])
def test_a_wheel_has_exactly_one_metadata_file(tmp_path: Path, count: int) -> None:
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
        archive.writestr("odd/METADATA", "of no importance")
        for number in range(count):
            archive.writestr(f"odd{number}.dist-info/METADATA", "Name: odd\nVersion: 1.0\n")

    assert "METADATA where there must be one" in refusal(tmp_path / WHEEL)


def test_an_sdist_without_metadata_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / SDIST, "w:gz") as archive:
        archive.addfile(member("odd-1.0/pyproject.toml"))

    assert "holds no PKG-INFO" in refusal(tmp_path / SDIST)


def test_metadata_deeper_in_an_sdist_is_none_of_its_own(tmp_path: Path) -> None:
    sdist = identify(pack_sdist(tmp_path / SDIST, member("odd-1.0/src/odd.egg-info/PKG-INFO")))

    assert (sdist.name, sdist.version) == ("odd", "1.0")


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        (("Version: 1.0",), "has no name"),
        (("Name: odd",), "has no version"),
        (("Name: odd", "Version: soon"), "is not named as a wheel is"),
        (("Name: even", "Version: 1.0"), "'even' '1.0' inside, which its file name contradicts"),
        (("Name: odd", "Version: 1.1"), "'odd' '1.1' inside, which its file name contradicts"),
        (
            ("Name: odd", "Version: 1.0", "Requires-Python: three"),
            "Requires-Python that nobody can read: 'three'",
        ),
    ],
    ids=["no name", "no version", "no valid version", "other name", "other version", "unreadable python"],
)
def test_metadata_that_contradicts_the_file_name_is_refused(
    tmp_path: Path, headers: tuple[str, ...], complaint: str
) -> None:
    assert complaint in refusal(pack_wheel(tmp_path / WHEEL, headers=headers))


def test_an_sdist_that_contradicts_its_file_name_is_refused(tmp_path: Path) -> None:
    assert "contradicts" in refusal(pack_sdist(tmp_path / "odd-2.0.tar.gz"))
    assert "is not named as a sdist is" in refusal(pack_sdist(tmp_path / "odd.tar.gz"))


def test_spelling_and_trailing_zeros_do_not_contradict(tmp_path: Path) -> None:
    path = pack_wheel(tmp_path / "o_dd-1.0-py3-none-any.whl", headers=("Name: O.dd", "Version: 1.0.0"))

    assert (identify(path).name, identify(path).version) == ("O.dd", "1.0.0")
    assert_plain(identify(path))


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "odd/../../evil.py", "..\\evil.py", "C:/evil.py"])
def test_a_member_outside_the_tree_is_refused(tmp_path: Path, name: str) -> None:
    wheel = pack_wheel(tmp_path / WHEEL, {name: "pass\n"})
    sdist = pack_sdist(tmp_path / SDIST, member(name))

    assert f"not safe to unpack: '{name}'" in refusal(wheel)
    assert f"not safe to unpack: '{name}'" in refusal(sdist)


@pytest.mark.parametrize("name", ["a/b.py", "3d/data", "-odd/data", "+odd", "..odd/data"])
def test_a_member_within_the_tree_may_have_an_unusual_name(tmp_path: Path, name: str) -> None:
    wheel = identify(pack_wheel(tmp_path / WHEEL, {name: "pass\n"}))
    sdist = identify(pack_sdist(tmp_path / SDIST, member(name)))

    assert name in names(wheel)
    assert name in names(sdist)


def test_the_first_of_several_unsafe_members_is_named(tmp_path: Path) -> None:
    sdist = pack_sdist(tmp_path / SDIST, member("../first.py"), member("../second.py"))

    assert "not safe to unpack: '../first.py'" in refusal(sdist)


@pytest.mark.parametrize(
    "entry",
    [
        member("odd-1.0/link", tarfile.SYMTYPE, "../../elsewhere"),
        member("odd-1.0/link", tarfile.SYMTYPE, "/elsewhere"),
        member("odd-1.0/link", tarfile.LNKTYPE, "../elsewhere"),
        member("odd-1.0/pipe", tarfile.FIFOTYPE),
    ],
    ids=["link up", "absolute link", "hard link", "pipe"],
)
def test_an_sdist_with_a_link_out_or_no_file_is_refused(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    assert f"'{entry.name}'" in refusal(pack_sdist(tmp_path / SDIST, entry))


def test_an_sdist_may_hold_links_within_itself(tmp_path: Path) -> None:
    inner = (
        member("odd-1.0/a/link", tarfile.SYMTYPE, "../PKG-INFO"),
        member("odd-1.0/hard", tarfile.LNKTYPE, "odd-1.0/PKG-INFO"),
    )

    assert identify(pack_sdist(tmp_path / SDIST, *inner)).name == "odd"


def test_a_wheel_with_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("odd/link")
    link.external_attr = 0o120777 << 16
    path = pack_wheel(tmp_path / WHEEL)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "../../elsewhere")

    assert "'odd/link'" in refusal(path)


def test_a_file_that_cannot_be_read_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / SDIST).symlink_to("/proc/self/mem")  # a file that even root cannot read from its start

    with pytest.raises(UsageError, match="cannot be read: Input/output error"):
        identify(tmp_path / SDIST)


def test_what_cannot_be_an_artifact_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "odd.zip").touch()
    (tmp_path / "folder.whl").mkdir()

    for name, complaint in (
        ("odd.zip", "'odd.zip' is neither a wheel (.whl) nor an sdist (.tar.gz) nor an npm package (.tgz)"),
        ("folder.whl", "is not a file"),
        ("gone.whl", "there is no file"),
    ):
        with pytest.raises(UsageError) as caught:
            identify(tmp_path / name)
        assert complaint in str(caught.value)


# Last, because they need a real build: a mutant had better fall to one of the quick ones.
def test_a_wheel_is_described_from_its_metadata_and_bytes(wheel: Artifact, built: Built) -> None:
    content = built.wheel.read_bytes()

    assert wheel == Artifact(
        path=built.wheel,
        kind="wheel",
        name="Tiny.Tool",
        version="1.0",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        requires_python=">=3.8",
    )


def test_an_sdist_is_described_like_its_wheel(sdist: Artifact, wheel: Artifact) -> None:
    assert (sdist.kind, sdist.name, sdist.version) == ("sdist", wheel.name, wheel.version)
    assert sdist.requires_python == wheel.requires_python


def test_a_relative_path_becomes_absolute(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built.wheel.parent)

    assert identify(built.wheel.relative_to(built.wheel.parent)).path == built.wheel


def test_an_artifact_can_be_sent_to_another_process(wheel: Artifact) -> None:
    assert pickle.loads(pickle.dumps(wheel)) == wheel  # noqa: S301  (pickled right here)


def test_the_contents_of_both_kinds_can_be_listed_and_read(wheel: Artifact, sdist: Artifact) -> None:
    assert "tiny_tool/__init__.py" in names(wheel)
    assert "tiny_tool-1.0/src/tiny_tool/__init__.py" in names(sdist)
    assert read(wheel, "tiny_tool/__init__.py") == read(sdist, "tiny_tool-1.0/src/tiny_tool/__init__.py")


def test_a_file_that_the_archive_lacks_is_a_key_error(wheel: Artifact, tmp_path: Path) -> None:
    folder = identify(pack_sdist(tmp_path / SDIST, member("odd-1.0/docs", tarfile.DIRTYPE)))

    with pytest.raises(KeyError):
        read(wheel, "nowhere")
    with pytest.raises(KeyError):
        read(folder, "odd-1.0/docs")
    assert names(folder) == ("odd-1.0/PKG-INFO",)


def test_metadata_is_what_the_project_says(wheel: Artifact, sdist: Artifact) -> None:
    assert metadata(wheel)["summary"] == "As small as a release can be"
    assert metadata(sdist)["summary"] == metadata(wheel)["summary"]


@pytest.mark.parametrize("share", [0.2, 0.7, 0.99])
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_truncated_artifact_is_refused(built: Built, tmp_path: Path, kind: str, share: float) -> None:
    whole: Path = getattr(built, kind)
    path = tmp_path / whole.name
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])

    assert "or is damaged" in refusal(path)
