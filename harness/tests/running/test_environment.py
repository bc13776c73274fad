"""Self-tests of the environments that children get."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.running.environment import installer_environment, product_environment

PARENT = {
    "PATH": "/usr/bin",
    "HOME": "/home/me",
    "TMPDIR": "/room",
    "HTTPS_PROXY": "http://proxy",
    "https_proxy": "http://proxy",
    "SSL_CERT_FILE": "/etc/ca.pem",
    "PIP_INDEX_URL": "https://mirror/pip",
    "UV_DEFAULT_INDEX": "https://mirror/uv",
    "UV_PYTHON": "3.9",
    "npm_config_registry": "https://mirror/npm",
    "VIRTUAL_ENV": "/env",
    "PYTHONPATH": "/sources",
    "PYTHONHOME": "/python",
    "COVERAGE_PROCESS_CONFIG": "{}",
    "SECRET_TOKEN": "secret",
    "LANG": "de_DE.UTF-8",
}
PRIVATE = {"HOME": Path("/sandbox/home"), "PATH": Path("/sandbox/bin")}


def test_installers_get_the_users_tools_and_settings() -> None:
    environment = installer_environment(PARENT)

    kept = ("PATH", "HOME", "TMPDIR", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE")
    settings = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_PYTHON", "npm_config_registry")
    assert {name: environment[name] for name in kept + settings} == {name: PARENT[name] for name in kept + settings}
    assert set(environment) == {*kept, *settings, "LANG", "PYTHONUTF8"}
    assert environment["LANG"] == "C.UTF-8"


def test_a_product_gets_what_it_installs_from_and_its_own_places() -> None:
    environment = product_environment(PARENT, directories=PRIVATE)

    assert environment["UV_DEFAULT_INDEX"] == "https://mirror/uv"
    assert environment["https_proxy"] == "http://proxy"
    assert environment["HOME"] == str(PRIVATE["HOME"])
    assert environment["PATH"] == str(PRIVATE["PATH"])
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"


@pytest.mark.parametrize(
    "name", ["SECRET_TOKEN", "PYTHONPATH", "VIRTUAL_ENV", "PIP_INDEX_URL", "UV_PYTHON", "TMPDIR", "PYTHONHOME"]
)
def test_a_product_gets_nothing_else(name: str) -> None:
    assert name in PARENT
    assert name not in product_environment(PARENT, directories=PRIVATE)


@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME"])
def test_the_users_configuration_of_uv_reaches_a_private_home(tmp_path: Path, variable: str) -> None:
    place = {"HOME": tmp_path / ".config", "XDG_CONFIG_HOME": tmp_path}[variable]
    (place / "uv").mkdir(parents=True)
    (place / "uv" / "uv.toml").touch()
    environment = product_environment({variable: str(tmp_path)}, directories={})

    assert environment["UV_CONFIG_FILE"] == str(place / "uv" / "uv.toml")


def test_where_there_is_none_none_is_named(tmp_path: Path) -> None:
    assert "UV_CONFIG_FILE" not in product_environment({"HOME": str(tmp_path)}, directories={})


def test_the_one_that_was_named_counts(tmp_path: Path) -> None:
    parent = {"HOME": str(tmp_path), "UV_CONFIG_FILE": "/own.toml"}

    assert product_environment(parent, directories={})["UV_CONFIG_FILE"] == "/own.toml"
