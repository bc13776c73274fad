"""A registry of npm that does not deliver, or a cache that was changed: never a verdict on the release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError
from harness.release.artifact import identify
from harness.release.installation import install
from harness.tests.registries import serve
from harness.tests.relays import Relay
from harness.tests.release.npmpackages import pack_package, write_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.release.installation import Installation
    from harness.tests.registries import NpmRegistry

FILE, PAGE = r"part-1\.0\.0\.tgz$", "^/odd-part$"
SLOW_SECONDS = 8.0  # Node is installed in them as well
EVERY_REGISTRY_HAS = "npm"


class Shop:
    """Installs a package that depends on another, from a registry whose answers can be spoilt."""

    def __init__(self, directory: Path, relay: Relay, environment: dict[str, str], cache: Path) -> None:
        self.relay = relay
        self.npm_cache = directory / "npm"
        self.settings = environment | {
            "npm_config_registry": relay.address,
            "npm_config_cache": str(self.npm_cache),
            "npm_config_fetch_retries": "0",
            "NO_PROXY": "127.0.0.1",
        }
        self._directory = directory
        self._cache = cache
        self._artifact = identify(pack_package(directory / "odd-1.0.0.tgz", dependencies={"odd-part": "1.0.0"}))

    def install(self, name: str, timeout: float = 120.0) -> Installation:
        """Install it into a new place of that name."""
        return install(
            self._artifact,
            self._directory / name,
            installer="uv",
            python="",
            environment=self.settings,
            timeout=timeout,
            cache=self._cache,
        )


@pytest.fixture(scope="module")
def supplier(npm_registry: NpmRegistry, tmp_path_factory: pytest.TempPathFactory) -> NpmRegistry:
    """A registry that has what is needed."""
    sources = tmp_path_factory.mktemp("sources")
    text = {"part.js": "// good\n" + "// padding\n" * 400}
    npm_registry.publish(write_package(sources / "part", text, name="odd-part"))
    npm_registry.publish(write_package(sources / "npm", name=EVERY_REGISTRY_HAS))
    return npm_registry


@pytest.fixture
def shop(supplier: NpmRegistry, tmp_path: Path, environment: dict[str, str], cache: Path) -> Iterator[Shop]:
    """A shop whose tools have new caches."""
    with serve(Relay(upstream=supplier.address)) as relay:
        assert isinstance(relay, Relay)
        yield Shop(tmp_path, relay, environment, cache)


@pytest.mark.parametrize(
    ("fault", "spoils", "complaint"),
    [
        ("half of it", FILE, "ECONNRESET"),
        ("status 503", FILE, r"E503: 503 Service Unavailable - GET http://\S+/odd-part-1\.0\.0\.tgz"),
        ("one byte changed", FILE, r"(Z_|EINTEGRITY).*odd-part-1\.0\.0\.tgz"),
        ("never answers", PAGE, "it did not finish in 8 s, and was still fetching"),
        ("status 503", PAGE, r"E503: .*http://\S+/odd-part"),
    ],
)
def test_a_registry_that_does_not_deliver_a_dependency(shop: Shop, fault: str, spoils: str, complaint: str) -> None:
    shop.relay.fault, shop.relay.spoils = fault, spoils
    with pytest.raises(TestbedError) as caught:
        shop.install("spoilt", SLOW_SECONDS if "did not finish" in complaint else 120.0)

    assert re.match(f"the npm registry does not deliver: {complaint}", caught.value.message), caught.value.message

    shop.relay.fault = ""
    assert "odd-part" in {each.name for each in shop.install("healthy").distributions}


def test_what_npm_keeps_and_somebody_changed_is_fetched_again(shop: Shop) -> None:
    shop.install("before")
    poisoned = [path for path in (shop.npm_cache / "_cacache" / "content-v2").rglob("*") if path.is_file()]
    assert poisoned
    for path in poisoned:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    installation = shop.install("after")

    (module,) = installation.directory.rglob("part.js")
    assert module.read_text().startswith("// good\n")
