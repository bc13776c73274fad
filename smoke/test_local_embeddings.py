"""The feature `local-embeddings`, which is large: only when it is asked for."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from harness import casereport
from smoke.daemon import Daemon, daemons_of, no_daemon_left, start
from smoke.product import Ktx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.options import Settings
    from harness.release.artifact import Artifact
    from harness.release.contract import Contract
    from harness.release.invocations import Invocation
    from harness.running.sandbox import Sandbox

DIMENSIONS = 384
TEXT = "the number of orders last month"
RELATED = "how many purchases were made in the past few weeks"
UNRELATED = "a recipe for sourdough bread with rye flour"


@pytest.mark.required
@pytest.mark.opt_in("--local-embeddings")
@pytest.mark.needs("install", "start", "stop", "local_embeddings")
@pytest.mark.needs_network("it installs a runtime, and fetches a model")
def test_feature_is_in_the_manifest(embedding_ktx: Ktx) -> None:
    """`install --feature local-embeddings` makes a ready runtime whose manifest has the feature beside `core`."""
    manifest = json.loads(embedding_ktx.manifest.read_text(encoding="utf-8"))

    assert embedding_ktx.status()["kind"] == "ready"
    assert manifest["features"] == ["core", embedding_ktx.contract.features["local_embeddings"]]
    embedding_ktx.run("doctor")


@pytest.mark.required
@pytest.mark.opt_in("--local-embeddings")
@pytest.mark.needs("install", "start", "stop", "local_embeddings")
@pytest.mark.needs_network("it installs a runtime, and fetches a model")
def test_embedding_has_384_finite_numbers(embedding_ktx: Ktx) -> None:
    """The daemon of the feature gives 384 finite numbers for a text, and `stop` ends it."""
    daemon = start_embedding(embedding_ktx)

    embedding = embed(daemon, TEXT)

    assert len(embedding) == DIMENSIONS
    assert all(math.isfinite(number) for number in embedding)
    assert any(embedding)
    embedding_ktx.run("stop")
    assert not daemon.runs
    assert daemons_of(embedding_ktx) == []


@pytest.mark.required
@pytest.mark.opt_in("--local-embeddings")
@pytest.mark.needs("install", "start", "stop", "local_embeddings")
@pytest.mark.needs_network("it installs a runtime, and fetches a model")
def test_embeddings_mean_something(embedding_ktx: Ktx) -> None:
    """The same text gives the same embedding twice, and a related text is nearer to it than an unrelated one."""
    daemon = start_embedding(embedding_ktx)

    once, again = embed(daemon, TEXT), embed(daemon, TEXT)
    near, far = nearness(once, embed(daemon, RELATED)), nearness(once, embed(daemon, UNRELATED))

    assert once == again
    assert near > far, f"nearness to the related text is {near:.3f}, to the unrelated one {far:.3f}"


@pytest.fixture(scope="module")
def embedding_sandbox(new_sandbox: Callable[[str], Sandbox], settings: Settings) -> Iterator[Sandbox]:
    """A sandbox for a runtime with the feature; its commands take as long as an installation may."""
    sandbox = new_sandbox("local-embeddings")
    sandbox.testbed = replace(sandbox.testbed, command_timeout=settings.install_timeout)
    yield sandbox
    sandbox.close(keep=False)


@pytest.fixture
def embedding_ktx(
    request: pytest.FixtureRequest,
    contract: Contract,
    invocation: Invocation,
    artifact: Artifact,
    embedding_sandbox: Sandbox,
) -> Iterator[Ktx]:
    """The installed command beside a runtime with the feature, which is installed once; no daemon may stay."""
    casereport.observe(request.node, embedding_sandbox)
    ktx = Ktx.called_by(invocation, embedding_sandbox, contract, artifact)
    ktx.run("install", "--feature", contract.features["local_embeddings"], "--yes")
    with no_daemon_left(ktx):
        yield ktx


def start_embedding(ktx: Ktx) -> Daemon:
    """Start the daemon with the feature."""
    return start(ktx, "--feature", ktx.contract.features["local_embeddings"])


def embed(daemon: Daemon, text: str) -> list[float]:
    """The embedding of a text."""
    return cast("list[float]", daemon.ask("/embeddings/compute", {"text": text})["embedding"])


def nearness(one: list[float], other: list[float]) -> float:
    """The cosine of the angle between two embeddings."""
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))
