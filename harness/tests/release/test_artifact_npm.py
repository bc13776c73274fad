"""What a file of npm is: read from real tarballs, and refused in one line when it is none."""

from __future__ import annotations

import hashlib
import tarfile
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError
from harness.release.artifact import Artifact, identify, names, read
from harness.release.npmpackage import is_source, parse
from harness.tests.release.npmpackages import pack_package, write_package
from harness.tests.release.projects import member

if TYPE_CHECKING:
    from pathlib import Path

FILE = "odd-1.0.0.tgz"


def refusal(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(ArtifactError) as caught:
        identify(path)
    assert caught.value.stage == "installs"
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_package_is_described_from_its_package_json_and_bytes(tmp_path: Path) -> None:
    path = pack_package(tmp_path / FILE, name="@odd/tool", version="1.0.0-next.3", engines={"node": ">=22"})
    content = path.read_bytes()

    assert identify(path) == Artifact(
        path=path,
        kind="npm",
        name="@odd/tool",
        version="1.0.0-next.3",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        requires_python="",
        requires_node=">=22",
    )


def test_the_contents_can_be_listed_and_read(tmp_path: Path) -> None:
    package = identify(pack_package(tmp_path / FILE, {"words.txt": "odd words"}))

    assert names(package) == ("package/package.json", "package/odd.js", "package/words.txt")
    assert read(package, "package/words.txt") == b"odd words"


def test_random_bytes_are_no_package(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(bytes(range(256)) * 4)

    assert refusal(tmp_path / FILE).startswith(f"'{FILE}' is not an npm package or is damaged: ")


def test_a_truncated_package_is_refused(tmp_path: Path) -> None:
    path = pack_package(tmp_path / FILE)
    path.write_bytes(path.read_bytes()[:-20])

    assert "is not an npm package or is damaged" in refusal(path)


def test_a_tarball_of_something_else_is_refused(tmp_path: Path) -> None:
    path = pack_package(tmp_path / FILE, top="odd-1.0.0")

    assert refusal(path) == f"'{FILE}' holds no package/package.json, so it is not an npm package"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"name": ""}, "has no name in its package.json"),
        ({"name": 5}, "has no name in its package.json"),
        ({"version": None}, "has no version that npm understands in its package.json: 'None'"),
        ({"version": "1.0"}, "has no version that npm understands in its package.json: '1.0'"),
        ({"engines": {"node": "lts/*"}}, "needs a Node that nobody can read: 'lts/*'"),
        ({"engines": {"node": 22}}, "needs a Node that nobody can read: '22'"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_package_that_says_nothing_of_use_is_refused(tmp_path: Path, said: dict[str, object], complaint: str) -> None:
    assert refusal(pack_package(tmp_path / FILE, None, **said)) == f"'{FILE}' {complaint}"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{", "has a package.json that nobody can read: "), ("[]", "has a package.json that is no object")],
)
def test_a_package_json_that_is_none_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in refusal(pack_package(tmp_path / FILE, {"package.json": text}))


@pytest.mark.parametrize(
    "unsafe",
    [
        member("package/../../outside"),
        member("/etc/outside"),
        member("package/link", tarfile.SYMTYPE, "../../outside"),
        member("package/hard", tarfile.LNKTYPE, "../outside"),
        member("package/device", tarfile.CHRTYPE),
    ],
    ids=lambda entry: entry.name,
)
def test_a_package_that_leaves_its_directory_is_refused(tmp_path: Path, unsafe: tarfile.TarInfo) -> None:
    path = pack_package(tmp_path / FILE, None, unsafe)

    assert refusal(path) == f"'{FILE}' holds a member that is not safe to unpack: '{unsafe.name}'"


@pytest.mark.parametrize(
    ("said", "commands"),
    [
        ('{"name": "@odd/tool", "version": "1.0.0", "bin": "tool.js"}', ("tool",)),
        ('{"name": "odd", "version": "1.0.0", "bin": {"a": "a.js", "b": "b.js"}}', ("a", "b")),
        ('{"name": "odd", "version": "1.0.0"}', ()),
    ],
)
def test_the_programs_of_a_package(said: str, commands: tuple[str, ...]) -> None:
    assert parse(said.encode()).commands == commands


def test_a_python_project_that_has_a_package_json_is_no_source_of_npm(tmp_path: Path) -> None:
    source = write_package(tmp_path / "source")
    assert is_source(source)

    (source / "pyproject.toml").touch()

    assert not is_source(source)
