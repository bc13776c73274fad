"""Downloading published versions where something is wrong: whose fault it is, and how soon that is said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, TestbedError
from harness.tests.registries import Answer, serve
from harness.tests.relays import Relay
from harness.tests.release.downloads import BUILDS_METADATA, BUILDS_NOTHING, Downloads, failure, wheel
from harness.tests.release.npmpackages import pack_package, write_package
from harness.tests.release.projects import pack_odd, pack_sdist, pack_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.tests.registries import NpmRegistry, Site


@pytest.mark.parametrize(("status", "reason"), [(401, "401|missing password"), (503, "503")])
@pytest.mark.parametrize("reference", ["pypi:odd==1.0", "npm:odd@1.0.0"])
def test_a_registry_that_is_out_of_order_is_not_waited_for(
    downloads: Downloads, site: Site, reference: str, status: int, reason: str
) -> None:
    site.always = Answer(status=status)
    error = failure(downloads, reference, f"{site.address}simple/", wait=600)

    assert isinstance(error, TestbedError)
    assert re.match(rf"'{reference}' cannot be had from the (package index|npm registry): .*({reason})", str(error))
    assert len(site.asked) <= 2


@pytest.mark.parametrize("reference", ["pypi:odd==1.0", "npm:odd@1.0.0"])
def test_a_registry_that_is_not_there_is_not_waited_for(downloads: Downloads, closed: str, reference: str) -> None:
    error = failure(downloads, reference, closed, wait=600)

    assert isinstance(error, TestbedError)
    assert re.search(r"cannot be had from the .*: .*(Connection refused|ECONNREFUSED)", str(error))


# Node must be installed in the same time; npm itself would give up after a minute.
@pytest.mark.parametrize(("reference", "seconds"), [("pypi:odd==1.0", 3), ("npm:odd@1.0.0", 40)])
def test_a_registry_that_hangs_has_its_deadline(
    downloads: Downloads, site: Site, reference: str, seconds: float
) -> None:
    site.always = Answer(hangs=True)
    downloads.timeout = seconds
    error = failure(downloads, reference, site.address, wait=600)

    assert isinstance(error, TestbedError)
    assert str(error).endswith(f": it did not finish in {seconds} s")


def test_a_page_that_is_no_index_is_not_taken_for_an_empty_one(downloads: Downloads, site: Site) -> None:
    site.always = Answer(body=b"{}", kind="application/json")
    error = failure(downloads, "pypi:odd==1.0", f"{site.address}simple/", wait=600)

    assert isinstance(error, TestbedError)
    assert "Skipping page" in str(error)


def test_an_index_that_pip_does_not_trust_is_not_taken_for_an_empty_one(downloads: Downloads) -> None:
    error = failure(downloads, "pypi:odd==1.0", "http://index.invalid/simple/", wait=600)

    assert isinstance(error, TestbedError)
    assert "is not a trusted or secure host" in str(error)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(body=b"x" * 4000, sent=100), "not enough bytes|incomplete|IncompleteRead"),
        (Answer(body=b"something else"), "DO NOT MATCH THE HASHES"),
        (Answer(status=500), "500"),
    ],
    ids=["cut short", "other bytes", "status 500"],
)
@pytest.mark.parametrize("make", [wheel, lambda place: pack_odd(place, BUILDS_METADATA)], ids=["wheel", "sdist"])
def test_a_file_that_does_not_come_whole_is_no_fault_of_the_release(
    downloads: Downloads, site: Site, make: Callable[[Path], Path], answer: Answer, reason: str
) -> None:
    file = make(downloads.directory.parent)
    site.offer_to_pip(file, answer=answer)
    kind = "wheel" if file.suffix == ".whl" else "sdist"
    error = failure(downloads, "pypi:odd==1.0", f"{site.address}simple/", kind=kind, wait=600)

    assert isinstance(error, TestbedError)
    assert re.search(reason, str(error)), str(error)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(body=b"x" * 4000, sent=100), "aborted|Premature close|ECONNRESET|terminated|EINTEGRITY|sha512"),
        (Answer(body=b"something else"), "sha512"),
        (Answer(status=500), "500"),
    ],
    ids=["cut short", "other bytes", "status 500"],
)
def test_a_package_that_does_not_come_whole_is_no_fault_of_the_release(
    downloads: Downloads, site: Site, tmp_path: Path, answer: Answer, reason: str
) -> None:
    site.offer_to_npm(pack_package(tmp_path / "odd-1.0.0.tgz"), answer=answer)
    error = failure(downloads, "npm:odd@1.0.0", site.address, wait=600)

    assert isinstance(error, TestbedError)
    assert re.search(reason, str(error)), str(error)


def test_a_wheel_that_says_another_version_inside_cannot_be_used(
    downloads: Downloads, site: Site, tmp_path: Path
) -> None:
    site.offer_to_pip(pack_wheel(tmp_path / "odd-1.0-py3-none-any.whl", headers=("Name: odd", "Version: 2.0")))
    error = failure(downloads, "pypi:odd==1.0", f"{site.address}simple/", wait=600)

    assert isinstance(error, ArtifactError)
    assert error.stage == "installs"
    assert "has inconsistent version: expected '1.0', but metadata has '2.0'" in str(error)


def damaged_wheel(directory: Path) -> Path:
    """A wheel that lacks its end."""
    path = wheel(directory)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def damaged_sdist(directory: Path) -> Path:
    """An sdist that is none."""
    path = directory / "odd-1.0.tar.gz"
    path.write_bytes(b"junk" * 99)
    return path


@pytest.mark.parametrize("hashed", [True, False], ids=["with a hash", "without one"])
@pytest.mark.parametrize("make", [damaged_wheel, damaged_sdist])
def test_a_damaged_file_is_the_release_s_own_where_its_hash_says_that_it_came_whole(
    downloads: Downloads, site: Site, make: Callable[[Path], Path], *, hashed: bool
) -> None:
    file = make(downloads.directory.parent)
    site.offer_to_pip(file, hashed=hashed)
    kind = "wheel" if file.suffix == ".whl" else "sdist"
    error = failure(downloads, "pypi:odd==1.0", f"{site.address}simple/", kind=kind, wait=600)

    assert isinstance(error, ArtifactError if hashed else TestbedError)
    assert re.search("Wheel 'odd'.* is invalid$|ReadError: not a gzip file$" if hashed else "odd|gzip", str(error))


def test_an_sdist_that_does_not_build_cannot_be_used(downloads: Downloads, packages: Path, index: str) -> None:
    pack_odd(packages, BUILDS_NOTHING)
    error = failure(downloads, "pypi:odd==1.0", index, kind="sdist", wait=600)

    assert isinstance(error, ArtifactError)
    assert str(error) == "the artifact does not install: RuntimeError: no parts left"


def test_a_site_that_gives_another_release_is_not_believed(downloads: Downloads, site: Site, tmp_path: Path) -> None:
    site.offer_to_npm(pack_package(tmp_path / "odd-1.0.0.tgz", version="2.0.0"))
    with pytest.raises(TestbedError, match=r"gave 'odd' 2\.0\.0 where 'npm:odd@1\.0\.0' was asked for"):
        downloads("npm:odd@1.0.0", site.address)


def test_an_sdist_that_is_no_project_cannot_be_used(downloads: Downloads, site: Site, tmp_path: Path) -> None:
    site.offer_to_pip(pack_sdist(tmp_path / "odd-1.0.tar.gz"))
    error = failure(downloads, "pypi:odd==1.0", f"{site.address}simple/", kind="sdist")

    assert isinstance(error, ArtifactError)
    assert "does not appear to be a Python project" in str(error)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("a byte a second", "it did not finish in 4 s"),
        ("half of it", "not enough bytes"),
        ("one byte changed", "DO NOT MATCH THE HASHES"),
        ("status 503", "503"),
    ],
)
def test_an_index_that_spoils_a_file_on_its_way(
    downloads: Downloads, packages: Path, index: str, fault: str, reason: str
) -> None:
    file = wheel(packages)
    with serve(Relay(upstream=index.removesuffix("simple/"), fault=fault, spoils=r"\.whl$")) as relay:
        downloads.timeout = 4.0 if "4 s" in reason else 120.0
        error = failure(downloads, "pypi:odd==1.0", f"{relay.address}simple/", wait=600)

        assert isinstance(error, TestbedError)
        assert re.match(f"'pypi:odd==1.0' cannot be had from the package index: .*{reason}", str(error)), str(error)

        assert isinstance(relay, Relay)
        relay.fault, downloads.timeout = "", 120.0
        assert downloads("pypi:odd==1.0", f"{relay.address}simple/").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("a byte a second", "it did not finish in 8 s"),
        ("one byte changed", "zlib|sha512|EINTEGRITY"),
        ("status 503", "503"),
    ],
)
def test_a_registry_of_npm_that_spoils_a_file_on_its_way(
    downloads: Downloads, npm_registry: NpmRegistry, tmp_path: Path, fault: str, reason: str
) -> None:
    name = f"odd-{fault.replace(' ', '-')}"
    npm_registry.publish(write_package(tmp_path / "source", {"more.js": "// more\n" * 600}, name=name))
    with serve(Relay(upstream=npm_registry.address, fault=fault, spoils=r"\.tgz$")) as relay:
        downloads.timeout = 8.0 if "8 s" in reason else 120.0
        error = failure(downloads, f"npm:{name}@1.0.0", relay.address, wait=600)

        assert isinstance(error, TestbedError)
        assert re.match(f"'npm:{name}@1.0.0' cannot be had from the npm registry: .*({reason})", str(error)), str(error)

        assert isinstance(relay, Relay)
        relay.fault, downloads.timeout = "", 120.0
        assert downloads(f"npm:{name}@1.0.0", relay.address).name == f"{name}-1.0.0.tgz"
