"""Source of an npm package to the file that would be published, with `npm pack`.

Packing once a run is the caller's, as for `building`.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from harness.errors import ArtifactError
from harness.release import environments, npm, npmpackage
from harness.release.blaming import perform
from harness.release.node import add_node
from harness.release.steps import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.release.building import Source


def pack(  # noqa: PLR0913  (what, whereto, with what, in which surroundings)
    source: Source,
    destination: Path,
    *,
    python: str,
    node: str,
    environment: Mapping[str, str],
    timeout: float,
    cache: Path,
    log: Path,
) -> Path:
    """Pack a source with a Node of its own, made beside `destination`, which is new or empty; returns the file.

    `python`, `node` and `timeout` are as of `installation.install`.

    Raises:
        UsageError: there is no such interpreter or Node.
        ArtifactError: the source cannot be packed, or not in time.
        TestbedError: the package index or the registry is silent, or the disk is full.
    """
    accepted = _accepted(source)
    destination = destination.resolve()
    destination.mkdir(parents=True, exist_ok=True)
    surroundings = Surroundings(environment=environment, timeout=timeout, log=log)
    toolchain, session = environments.plan(
        destination.with_name(f"{destination.name}-node"),
        python=python,
        seeds=environments.NO_SEEDS,
        environment=environment,
        cache=cache,
    )
    try:
        environments.create(session)
        own = add_node(toolchain, wanted=node, accepted=accepted, stage="builds", surroundings=surroundings)
        perform(
            npm.pack(own, destination),
            stage="builds",
            supply=npm.registry(own),
            surroundings=own.in_reach(surroundings),
            directory=source.directory,
        )
    finally:
        shutil.rmtree(toolchain.directory, ignore_errors=True)  # some 200 MB
    return _only(destination)


def _accepted(source: Source) -> str:
    try:
        return npmpackage.parse((source.directory / npmpackage.FILE_NAME).read_bytes()).node
    except ValueError as error:
        raise ArtifactError("builds", f"the source does not build: it {error}") from error


def _only(directory: Path) -> Path:
    found = sorted(directory.glob("*.tgz"))
    if len(found) != 1:
        raise ArtifactError("builds", f"'npm pack' made {len(found)} files where it must make one")
    return found[0]
