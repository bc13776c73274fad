"""Downloading published versions: from real registries, and from some that go wrong."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, HarnessError, TestbedError, UsageError
from harness.release import pypi
from harness.release.artifact import identify
from harness.release.downloading import download
from harness.release.registry import Registry, Spec, parse
from harness.release.steps import Surroundings
from harness.tests.registries import Answer, serve_wheels
from harness.tests.release.npmpackages import pack_package, write_package
from harness.tests.release.projects import pack_odd, pack_sdist, pack_wheel, write_odd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.tests.registries import NpmRegistry, Site

BUILDS_NOTHING = 'raise RuntimeError("no parts left")'
BUILDS_METADATA = """\
return "odd-1.0-py3-none-any.whl"

def prepare_metadata_for_build_wheel(directory, settings=None):
    os.mkdir(os.path.join(directory, "odd-1.0.dist-info"))
    with open(os.path.join(directory, "odd-1.0.dist-info", "METADATA"), "w") as metadata:
        metadata.write("Metadata-Version: 2.1\\nName: odd\\nVersion: 1.0\\n")
    return "odd-1.0.dist-info"
"""


class Downloads:
    """Downloads into a directory of the test's own."""

    def __init__(self, directory: Path, environment: dict[str, str], cache: Path) -> None:
        self.directory = directory
        self.environment = environment
        self.timeout = 120.0
        self._cache = cache

    def __call__(self, reference: str, index: str | None, *, kind: str = "wheel", wait: float = 0.0) -> Path:
        """The file of a reference."""
        spec = parse(reference)
        assert spec is not None
        return download(
            spec,
            self.directory / "files",
            registry=Registry(index=index, wait=wait),
            kind=kind,
            python="",
            node="",
            cache=self._cache,
            surroundings=Surroundings(environment=self.environment, timeout=self.timeout, log=self.directory / "log"),
        )

    @property
    def left(self) -> list[str]:
        """What lies in the directory."""
        return sorted(path.name for path in self.directory.iterdir())

    @property
    def log(self) -> str:
        """What the tools said so far."""
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def downloads(tmp_path: Path, environment: dict[str, str], cache: Path) -> Downloads:
    """Downloads with the settings of this machine."""
    (tmp_path / "downloads").mkdir()
    return Downloads(tmp_path / "downloads", environment, cache)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """What an index offers."""
    (tmp_path / "packages").mkdir()
    return tmp_path / "packages"


@pytest.fixture
def index(packages: Path) -> Iterator[str]:
    """The address of that index."""
    with serve_wheels(packages) as address:
        yield f"{address}simple/"


@pytest.fixture
def closed() -> str:
    """An address at which nobody listens."""
    with socket.socket() as socket_:
        socket_.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{socket_.getsockname()[1]}/simple/"


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


def wheel(directory: Path, version: str = "1.0") -> Path:
    headers = ("Name: odd", f"Version: {version}")
    return pack_wheel(directory / f"odd-{version}-py3-none-any.whl", headers=headers)


def failure(downloads: Downloads, reference: str, index: str | None, **wishes: object) -> HarnessError:
    """The error that a download ends in; nothing is left of it but the log."""
    with pytest.raises(HarnessError) as caught:
        downloads(reference, index, **wishes)  # type: ignore[arg-type]
    assert downloads.left == ["files", "log"]
    assert list((downloads.directory / "files").iterdir()) == []
    return caught.value


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


def test_an_sdist_that_is_no_project_cannot_be_used(downloads: Downloads, site: Site, tmp_path: Path) -> None:
    site.offer_to_pip(pack_sdist(tmp_path / "odd-1.0.tar.gz"))
    error = failure(downloads, "pypi:odd==1.0", f"{site.address}simple/", kind="sdist")

    assert isinstance(error, ArtifactError)
    assert "does not appear to be a Python project" in str(error)


def test_files_that_nobody_can_name_are_no_files_of_the_version() -> None:
    links = ["odd-1.0.exe", "odd.whl", "odd-1.0.tar.gz"]
    said = "\n".join(f"  Skipping link: not now: http://host/{link}#sha256=0 (from http://host/)" for link in links)

    assert pypi.other_files(Spec(scheme="pypi", name="odd", version="1.0"), said) == ("odd-1.0.tar.gz",)
