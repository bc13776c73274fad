"""What the self-tests of `harness.release` share: one build, the surroundings of its steps, what they install."""

from __future__ import annotations

import functools
import os
import socket
from typing import TYPE_CHECKING

import pytest

from harness.release.artifact import Artifact, identify
from harness.release.building import Built, build
from harness.release.installation import PythonInstallation, install
from harness.tests.registries import serve_wheels
from harness.tests.release.downloads import Downloads
from harness.tests.release.installing import EVERY_INSTALLER, WHEEL
from harness.tests.release.markets import NEEDS_PART, Market, open_market
from harness.tests.release.projects import SCRIPT, pack_wheel, write_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.tests.release.installing import Install

_OTHERS = ("COVERAGE", "COV_", "PYTEST", "PYTHON", "GIT_", "VIRTUAL_ENV")
_INDEXES = ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_EXTRA_INDEX_URL")


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The complete environment of a step: this one, without what the test run put there."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}


@pytest.fixture(scope="session")
def cut_off(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same on a machine whose package index is a port that nobody listens on."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
    kept = {name: value for name, value in environment.items() if name not in _INDEXES}
    indexes = {"UV_DEFAULT_INDEX": index, "PIP_INDEX_URL": index}
    settings = {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "NO_PROXY": "127.0.0.1"}
    impatience = {"PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"}
    caches = {"UV_CACHE_DIR": str(tmp_path_factory.mktemp("uv")), "PIP_NO_CACHE_DIR": "1"}
    return kept | indexes | settings | impatience | caches


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of the installations."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Built:
    """A real sdist and wheel, built once."""
    directory = tmp_path_factory.mktemp("built")
    source = write_tool(directory / "source")
    return build(source, directory / "dist", environment=environment, timeout=120, log=directory / "build.log")


@pytest.fixture(scope="session")
def wheel(built: Built) -> Artifact:
    """The wheel of that build."""
    return identify(built.wheel)


@pytest.fixture(scope="session")
def sdist(built: Built) -> Artifact:
    """The sdist of that build."""
    return identify(built.sdist)


@pytest.fixture(scope="session")
def put(environment: dict[str, str], cache: Path) -> Install:
    """`install` with what most tests take for granted."""

    def put(artifact: Artifact, directory: Path, **changes: object) -> PythonInstallation:
        usual = {
            "installer": "uv",
            "python": "",
            "environment": environment,
            "timeout": 120.0,
            "cache": cache,
        }
        installation = install(artifact, directory, **{**usual, **changes})  # type: ignore[arg-type]
        assert isinstance(installation, PythonInstallation)
        return installation

    return put


@pytest.fixture(
    scope="session", params=[(tool, kind) for tool in EVERY_INSTALLER for kind in ("wheel", "sdist")], ids="-".join
)
def installed(
    request: pytest.FixtureRequest, put: Install, tmp_path_factory: pytest.TempPathFactory
) -> PythonInstallation:
    """The real release, installed by each installer from each kind of file."""
    tool, kind = request.param
    directory = tmp_path_factory.mktemp("installed") / "environment"
    return put(request.getfixturevalue(kind), directory, installer=tool)


@pytest.fixture
def odd(tmp_path: Path) -> Artifact:
    """A wheel without a script."""
    return identify(pack_wheel(tmp_path / WHEEL))


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


@pytest.fixture
def market(tmp_path: Path, environment: dict[str, str]) -> Iterator[Market]:
    """An index of packages whose answers can be spoilt, and tools whose caches are new."""
    (tmp_path / "market").mkdir()
    with open_market(tmp_path / "market", environment) as market:
        yield market


@pytest.fixture
def order(put: Install, market: Market) -> Install:
    """`install` with that index."""
    return functools.partial(put, environment=dict(market.settings))


@pytest.fixture
def needy(tmp_path: Path) -> Artifact:
    """A wheel that depends on `part`, and looks like it."""
    files = {**SCRIPT, "odd/__init__.py": "SAYS = 'good'\n"}
    return identify(pack_wheel(tmp_path / WHEEL, files, headers=NEEDS_PART))
