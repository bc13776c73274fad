"""Downloading published versions from real registries: what comes, what is not there, what is waited for."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError, UsageError
from harness.release import pypi
from harness.release.artifact import identify
from harness.release.registry import Spec
from harness.tests.registries import Answer, serve_wheels
from harness.tests.release.downloads import BUILDS_METADATA, BUILDS_NOTHING, Downloads, failure, wheel
from harness.tests.release.npmpackages import pack_package, write_package
from harness.tests.release.projects import pack_odd, pack_wheel, write_odd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.tests.registries import NpmRegistry, Site


@contextmanager
def once(is_so: Callable[[], object], act: Callable[[], object]) -> Iterator[None]:
    """Do something as soon as it is time, beside what the block does."""

    def wait() -> None:
        while not over.is_set() and not is_so():
            time.sleep(0.05)
        act()

    over = threading.Event()
    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        yield
    finally:
        over.set()
        waiting.join()


def test_the_wheel_of_a_version_comes_as_it_was_published(downloads: Downloads, packages: Path, index: str) -> None:
    published = wheel(packages)
    wheel(packages, "2.0")
    pack_odd(packages, BUILDS_NOTHING)
    file = downloads("pypi:Odd==1.0", index)

    assert file.name == published.name
    assert file.read_bytes() == published.read_bytes()
    assert downloads.left == ["files", "log"]


def test_the_sdist_of_a_version_comes_as_it_was_published(downloads: Downloads, packages: Path, index: str) -> None:
    wheel(packages)
    published = pack_odd(packages, BUILDS_METADATA)
    file = downloads("pypi:odd==1.0", index, kind="sdist")

    assert file.name == published.name
    assert file.read_bytes() == published.read_bytes()


def test_what_an_sdist_is_built_with_need_not_be_on_its_index(
    downloads: Downloads, packages: Path, index: str, tmp_path: Path
) -> None:
    source = write_odd(tmp_path / "odd-1.0", BUILDS_METADATA, requires='"flit_core"')
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    made = shutil.make_archive(str(packages / "odd-1.0"), "gztar", tmp_path, "odd-1.0")
    file = downloads("pypi:odd==1.0", index, kind="sdist")

    assert str(packages / file.name) == made
    assert file.read_bytes() == (packages / file.name).read_bytes()


def test_the_usual_settings_say_where_to_look(downloads: Downloads, packages: Path, index: str) -> None:
    published = wheel(packages)
    downloads.environment |= {"PIP_INDEX_URL": index}

    assert downloads("pypi:odd==1.0", None).read_bytes() == published.read_bytes()


def test_another_index_is_the_only_one(downloads: Downloads, tmp_path: Path, packages: Path, index: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    wheel(tmp_path / "elsewhere")
    wheel(packages, "2.0")
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nextra-index-url = {index}\nfind-links = {tmp_path / 'elsewhere'}\n")
    downloads.environment |= {"PIP_CONFIG_FILE": str(configuration), "PIP_FIND_LINKS": str(tmp_path / "elsewhere")}
    (tmp_path / "empty").mkdir()
    with serve_wheels(tmp_path / "empty") as other:
        errors = [failure(downloads, f"pypi:odd=={version}", f"{other}simple/") for version in ("1.0", "2.0")]

    assert [str(error) for error in errors] == [
        f"there is no 'pypi:odd=={version}' on '{other}simple/'" for version in ("1.0", "2.0")
    ]


@pytest.mark.parametrize("reference", ["pypi:odd==1.0", "pypi:even==1.0"], ids=["version", "name"])
def test_what_is_not_on_an_index(downloads: Downloads, packages: Path, index: str, reference: str) -> None:
    wheel(packages, "2.0")
    error = failure(downloads, reference, index)

    assert isinstance(error, UsageError)
    assert str(error) == f"there is no '{reference}' on '{index}'"


def test_a_version_that_has_only_an_sdist(downloads: Downloads, packages: Path, index: str) -> None:
    pack_odd(packages, BUILDS_METADATA)
    wheel(packages, "2.0")
    pack_wheel(packages / "odd-1.0-py3-none-win32.whl")
    error = failure(downloads, "pypi:odd==1.0", index)

    assert isinstance(error, UsageError)
    assert error.message.startswith(f"there is no 'pypi:odd==1.0' on '{index}' as wheel for this Python; there is '")
    assert {"odd-1.0.tar.gz", "odd-1.0-py3-none-win32.whl"} <= set(re.findall(r"'([^']+)'", error.message))
    assert error.hint == "--build sdist"


def test_a_version_that_has_only_a_wheel(downloads: Downloads, packages: Path, index: str) -> None:
    wheel(packages)
    error = failure(downloads, "pypi:odd==1.0", index, kind="sdist")

    assert isinstance(error, UsageError)
    assert "there is 'odd-1.0-py3-none-any.whl'" in error.message
    assert error.hint == "--build wheel"


def test_a_wheel_for_other_machines_only(downloads: Downloads, packages: Path, index: str) -> None:
    pack_wheel(packages / "odd-1.0-py3-none-win32.whl")
    error = failure(downloads, "pypi:odd==1.0", index)

    assert isinstance(error, UsageError)
    assert "there is 'odd-1.0-py3-none-win32.whl'" in error.message
    assert error.hint == ""


def test_a_version_is_waited_for(downloads: Downloads, packages: Path, index: str, tmp_path: Path) -> None:
    published = wheel(tmp_path)
    with once(lambda: "No matching distribution" in downloads.log, lambda: shutil.copy(published, packages)):
        file = downloads("pypi:odd==1.0", index, wait=120)

    assert file.read_bytes() == published.read_bytes()


def test_a_wait_that_is_in_vain_says_how_long_it_was(downloads: Downloads, index: str) -> None:
    error = failure(downloads, "pypi:odd==1.0", index, wait=2)

    assert isinstance(error, UsageError)
    assert str(error) == f"there is no 'pypi:odd==1.0' on '{index}', 2 s were waited for it"
    assert downloads.log.count("ERROR: No matching distribution found for odd==1.0") >= 2


def test_a_file_that_its_page_has_and_the_site_has_not_yet_is_waited_for(
    downloads: Downloads, site: Site, tmp_path: Path
) -> None:
    published = wheel(tmp_path)
    site.offer_to_pip(published, answer=Answer(status=404))
    error = failure(downloads, "pypi:odd==1.0", f"{site.address}simple/")
    asked = len(site.asked)
    with once(lambda: len(site.asked) >= asked + 2, lambda: site.offer_to_pip(published)):
        file = downloads("pypi:odd==1.0", f"{site.address}simple/", wait=120)

    assert isinstance(error, UsageError)
    assert file.read_bytes() == published.read_bytes()


@pytest.mark.parametrize("reference", ["pypi:odd==1.0", "npm:odd@1.0.0"])
def test_credentials_of_an_address_open_the_registry_and_are_nowhere_written(
    downloads: Downloads, site: Site, tmp_path: Path, reference: str
) -> None:
    site.credentials = "somebody:canary/1"
    published = wheel(tmp_path) if reference.startswith("pypi") else pack_package(tmp_path / "odd-1.0.0.tgz")
    (site.offer_to_pip if reference.startswith("pypi") else site.offer_to_npm)(published)
    address = site.address.replace("//", "//somebody:canary%2F1@")
    index = f"{address}simple/" if reference.startswith("pypi") else address
    file = downloads(reference, index)

    assert file.read_bytes() == published.read_bytes()
    shutil.rmtree(file.parent)
    error = failure(downloads, reference.replace("1.0", "3.0"), index)
    said = downloads.log + str(error) + error.detail
    assert isinstance(error, UsageError)
    assert "[masked]@" in str(error)
    assert [word for word in ("canary", "c29tZWJvZHk6Y2FuYXJ5LzE", "Y2FuYXJ5LzE") if word in said] == []


def test_a_package_comes_as_it_was_published(downloads: Downloads, npm_registry: NpmRegistry, tmp_path: Path) -> None:
    source = write_package(tmp_path / "source", name="@odd/tool", version="1.2.3")
    npm_registry.publish(source)
    write_package(source, name="@odd/tool", version="2.0.0-rc.1")
    npm_registry.publish(source, tag="next")
    files = [
        downloads(f"npm:@odd/tool{version}", npm_registry.address).rename(tmp_path / f"{number}.tgz")
        for number, version in enumerate(("", "@1.2.3", "@next"))
    ]

    contents = [identify(file).version for file in files]
    assert contents == ["1.2.3", "1.2.3", "2.0.0-rc.1"]
    assert hashlib.sha512(files[2].read_bytes()).digest() == npm_registry.integrity("@odd/tool", "2.0.0-rc.1")
    assert downloads.left == ["files", "log"]


@pytest.mark.parametrize("reference", ["npm:odd-that-is-not@1.0.0", "npm:@odd/there@9.9.9", "npm:@odd/there@gone"])
def test_what_is_not_in_a_registry(
    downloads: Downloads, npm_registry: NpmRegistry, tmp_path: Path, reference: str
) -> None:
    if "there" in reference:
        version = f"1.0.{len(reference)}"
        npm_registry.publish(write_package(tmp_path / "source", name="@odd/there", version=version))
    error = failure(downloads, reference, npm_registry.address, wait=1)

    assert isinstance(error, UsageError)
    assert str(error) == f"there is no '{reference}' on '{npm_registry.address}', 1 s were waited for it"


def test_a_scope_that_usually_has_another_registry(
    downloads: Downloads, npm_registry: NpmRegistry, tmp_path: Path, closed: str
) -> None:
    npm_registry.publish(write_package(tmp_path / "source", name="@scoped/tool", version="1.0.0"))
    (tmp_path / ".npmrc").write_text(f"@scoped:registry={closed}\nregistry={closed}\nfetch-retries=0\n")
    downloads.environment |= {"npm_config_userconfig": str(tmp_path / ".npmrc")}
    error = failure(downloads, "npm:@scoped/tool@1.0.0", None)
    file = downloads("npm:@scoped/tool@1.0.0", npm_registry.address)

    assert isinstance(error, TestbedError)
    assert file.name == "scoped-tool-1.0.0.tgz"


def test_files_that_nobody_can_name_are_no_files_of_the_version() -> None:
    links = ["odd-1.0.exe", "odd.whl", "odd-1.0.tar.gz"]
    said = "\n".join(f"  Skipping link: not now: http://host/{link}#sha256=0 (from http://host/)" for link in links)

    assert pypi.other_files(Spec(scheme="pypi", name="odd", version="1.0"), said) == ("odd-1.0.tar.gz",)
