"""What the self-tests of several wings share: a Node, and a registry of npm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.tests.registries import NpmRegistry, Site, make_node, serve, serve_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.release.node import Node


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A Node to run a registry and to publish with."""
    return make_node(tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="session")
def npm_registry(tmp_path_factory: pytest.TempPathFactory, node: Node) -> Iterator[NpmRegistry]:
    """A registry of npm that is empty at first; every test publishes under names or tags of its own."""
    with serve_packages(tmp_path_factory.mktemp("registry"), node) as registry:
        yield registry


@pytest.fixture
def site() -> Iterator[Site]:
    """A site that has nothing yet."""
    with serve(Site()) as site:
        yield site
