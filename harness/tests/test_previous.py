"""Self-tests of the release before: found, or built once a run; whatever is wrong with it, the testbed is to blame."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError, UsageError
from harness.options import DEFAULT_REFERENCE, Settings
from harness.previous import age, previous_once
from harness.release.artifact import Artifact, identify
from harness.release.registry import Registry
from harness.tests.release.projects import pack_wheel, write_odd
from harness.verdict.archive import Archive

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.registries import Site

COUNTED = """
    import pathlib, shutil
    pathlib.Path({count!r}).open("a").write("built\\n")
    return shutil.copy({wheel!r}, directory) and {name!r}
"""
# Says what the aged source says: an ordinary backend would take the test to an index.
SAYS_ITS_VERSION = """
    import re, zipfile
    version = re.search('__version__ = "(.+)"', open("odd.py").read())[1]
    metadata = f"Metadata-Version: 2.1\\nName: odd\\nVersion: {version}\\n"
    name = f"odd-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.writestr(f"odd-{version}.dist-info/METADATA", metadata)
    return name
"""
FAILS = 'raise RuntimeError("no parts left")'


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Where a run puts things."""
    archive = Archive(evidence=tmp_path / "evidence", scratch=tmp_path / "scratch")
    archive.evidence.mkdir()
    archive.scratch.mkdir()
    return archive


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """What a user asked for who stands in the checkout; the previous release is for each test."""
    return Settings(
        reference="odd-1.0-py3-none-any.whl",
        beside=(),
        checkout=tmp_path,
        invoked_in=tmp_path,
        build="wheel",
        dist=tmp_path / "dist",
        installer="uv",
        invocation="console",
        python="",
        node="",
        reuse_installation=False,
        install_timeout=60.0,
        command_timeout=10.0,
        evidence=None,
        contract=None,
        expect_version=None,
        previous="previous",
        registry=Registry(),
        local_embeddings=False,
        strict=False,
        sign_key=None,
        isolation="auto",
        isolated_in=None,
    )


@pytest.fixture
def candidate(tmp_path: Path) -> Artifact:
    """What is smoked: `odd` 1.0."""
    return identify(pack_release(tmp_path, "1.0"))


def pack_release(directory: Path, version: str, name: str = "odd") -> Path:
    """The wheel of a release that nobody will install."""
    headers = (f"Name: {name}", f"Version: {version}")
    return pack_wheel(directory / f"{name}-{version}-py3-none-any.whl", headers=headers)


def write_aging(directory: Path, build_wheel: str = SAYS_ITS_VERSION) -> Path:
    """A source that says its version in one place."""
    write_odd(directory, build_wheel)
    (directory / "odd.py").write_text('"""Odd."""\n\n__version__ = "1.0"\n')
    return directory


def test_a_source_is_aged_in_the_one_place_that_says_its_version(tmp_path: Path) -> None:
    source = write_aging(tmp_path / "source")
    (source / ".git").mkdir()
    (source / "other.py").write_text('version = "1.0"\n')

    tree = age(source, tmp_path / "aged", "0.0.1")

    assert (tree / "odd.py").read_text() == '"""Odd."""\n\n__version__ = "0.0.1"\n'
    assert (source / "odd.py").read_text() == '"""Odd."""\n\n__version__ = "1.0"\n'
    names = sorted(path.name for path in source.iterdir() if path.name != ".git")
    assert sorted(path.name for path in tree.iterdir()) == names
    assert (tree / "other.py").read_text() == 'version = "1.0"\n'


@pytest.mark.parametrize("places", [(), ("one.py", "deep/two.py")], ids=["none", "two"])
def test_a_source_without_one_such_place_cannot_be_aged(tmp_path: Path, places: tuple[str, ...]) -> None:
    (tmp_path / "source" / "deep").mkdir(parents=True)
    texts = [(tmp_path / "source" / place).write_text('__version__ = "1.0"\n') for place in places]

    with pytest.raises(UsageError, match=rf"source' says '__version__' in {len(texts)} files where it must be one"):
        age(tmp_path / "source", tmp_path / "aged", "0.0.1")


def test_a_file_is_taken_as_it_is(tmp_path: Path, settings: Settings, archive: Archive, candidate: Artifact) -> None:
    wheel = pack_release(tmp_path, "0.9")

    previous = previous_once(dataclasses.replace(settings, previous=wheel.name), archive, candidate)

    assert previous == identify(wheel)
    assert list(archive.evidence.iterdir()) == []


@pytest.mark.parametrize("found", [("odd", "1.0"), ("even", "0.9")], ids=["the same version", "another distribution"])
def test_what_nobody_could_upgrade_from_says_nothing_about_the_release(
    tmp_path: Path, settings: Settings, archive: Archive, candidate: Artifact, found: tuple[str, str]
) -> None:
    name, version = found
    wheel = pack_release(tmp_path, version, name)

    with pytest.raises(TestbedError) as caught:
        previous_once(dataclasses.replace(settings, previous=wheel.name), archive, candidate)

    complaint = "--previous must name another version of 'odd' than 1.0, it names"
    assert caught.value.message == f"{complaint} '{name}' {version}"


def test_a_damaged_file_says_nothing_about_the_release(
    tmp_path: Path, settings: Settings, archive: Archive, candidate: Artifact
) -> None:
    (tmp_path / "odd-0.9-py3-none-any.whl").write_text("no archive\n")

    with pytest.raises(TestbedError, match=r"cannot be had: 'odd-0\.9-py3-none-any\.whl' is not a wheel or is damaged"):
        previous_once(dataclasses.replace(settings, previous="odd-0.9-py3-none-any.whl"), archive, candidate)


def test_a_source_is_built_once_whoever_comes_first(
    tmp_path: Path, settings: Settings, archive: Archive, candidate: Artifact
) -> None:
    wheel = pack_release(tmp_path, "0.9")
    body = COUNTED.format(count=str(tmp_path / "count"), wheel=str(wheel), name=wheel.name)
    write_odd(tmp_path / "previous", body)

    with ThreadPoolExecutor(2) as workers:
        asked = [workers.submit(previous_once, settings, archive, candidate) for _ in range(2)]
    first, second = (each.result() for each in asked)

    assert (first.version, first) == ("0.9", second)
    assert first.path.is_relative_to(archive.scratch)
    assert (tmp_path / "count").read_text() == "built\n"
    assert (archive.evidence / "previous.log").is_file()


def test_a_published_one_is_downloaded_once(
    settings: Settings, archive: Archive, candidate: Artifact, site: Site, tmp_path: Path
) -> None:
    file = pack_wheel(tmp_path / "odd-0.9-py3-none-any.whl", headers=("Name: odd", "Version: 0.9"))
    site.offer_to_pip(file)
    index = f"{site.address}simple/"
    settings = dataclasses.replace(settings, previous="pypi:odd==0.9", registry=Registry(index=index))
    found = [previous_once(settings, archive, candidate) for _ in range(2)]

    assert found[0] == found[1]
    assert found[0].path == archive.evidence / "downloaded" / "previous" / file.name
    assert site.asked == ["/simple/odd/", f"/files/{file.name}"]


def test_a_published_one_that_is_not_there_is_waited_for_once(
    settings: Settings, archive: Archive, candidate: Artifact, site: Site
) -> None:
    registry = Registry(index=f"{site.address}simple/", wait=1)
    settings = dataclasses.replace(settings, previous="pypi:odd==0.9", registry=registry)
    with pytest.raises(TestbedError, match=r"there is no 'pypi:odd==0.9' on .*, 1 s were waited"):
        previous_once(settings, archive, candidate)
    asked = len(site.asked)
    with pytest.raises(TestbedError, match=r"there is no 'pypi:odd==0.9' on '[^']*'$"):
        previous_once(settings, archive, candidate)

    assert (asked >= 2, len(site.asked)) == (True, asked + 1)


@pytest.mark.parametrize("versions", [("1.0", "0.0.1"), ("0.0.1", "0.0.0.dev0")], ids=["usual", "very early"])
def test_the_default_source_is_built_at_an_older_version(
    tmp_path: Path, settings: Settings, archive: Archive, candidate: Artifact, versions: tuple[str, str]
) -> None:
    smoked, older = versions
    source = write_aging(tmp_path / DEFAULT_REFERENCE)
    settings = dataclasses.replace(settings, previous=str(source))

    previous = previous_once(settings, archive, dataclasses.replace(candidate, version=smoked))

    assert previous.version == older
    assert '"1.0"' in (source / "odd.py").read_text()


def test_the_first_version_there_can_be_has_none_before_it(
    tmp_path: Path, settings: Settings, archive: Archive, candidate: Artifact
) -> None:
    write_aging(tmp_path / DEFAULT_REFERENCE)
    settings = dataclasses.replace(settings, previous=DEFAULT_REFERENCE)

    with pytest.raises(TestbedError, match=r"no version before 0\.0\.0\.dev0 .*hint: name one with --previous"):
        previous_once(settings, archive, dataclasses.replace(candidate, version="0.0.0.dev0"))


def test_a_source_that_does_not_build_says_nothing_about_the_release(
    tmp_path: Path, settings: Settings, archive: Archive, candidate: Artifact
) -> None:
    write_aging(tmp_path / DEFAULT_REFERENCE, FAILS)
    settings = dataclasses.replace(settings, previous=DEFAULT_REFERENCE)

    with pytest.raises(TestbedError, match=r"the previous release cannot be had: .*no parts left") as first:
        previous_once(settings, archive, candidate)
    with pytest.raises(TestbedError) as second:  # another worker, later
        previous_once(settings, archive, candidate)

    assert "build_wheel" in first.value.detail
    assert second.value.message == first.value.message


def test_what_is_no_source_says_nothing_about_the_release(
    tmp_path: Path, settings: Settings, archive: Archive, candidate: Artifact
) -> None:
    (tmp_path / "previous").mkdir()

    with pytest.raises(TestbedError, match=r"cannot be had: .*previous' has neither pyproject\.toml"):
        previous_once(settings, archive, candidate)
