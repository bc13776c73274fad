"""A published version to the file that the registry gives: by pip or npm, as its users get it.

Downloading once a run is the caller's, as for `building`. What pip and npm say is for `pypi` and `npm`.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from harness.errors import ArtifactError, HarnessError, TestbedError, UsageError
from harness.masking import Mask
from harness.release import environments, npm, pypi
from harness.release.artifact import identify
from harness.release.blaming import COMPLAINTS, blame
from harness.release.installers import INSTALLERS, index_of_pip
from harness.release.node import add_node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.release.node import Node
    from harness.release.registry import Registry, Spec
    from harness.release.steps import StepResult, Surroundings

_PIP = INSTALLERS["pip"]
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0  # seconds between two questions


class _Client(Protocol):
    """A program that fetches from a registry, and knows what it says."""

    def fetch(self) -> StepResult:
        """Ask once."""
        ...

    def is_absent(self, output: str) -> bool:
        """Whether the registry is well and has no such version."""
        ...

    def absent(self, output: str) -> tuple[str, str]:
        """Where it was looked for, and what is there instead, as the end of a sentence; and a hint."""
        ...

    def complaint(self, failed: StepResult) -> HarnessError:
        """Who erred in any other failure."""
        ...


def download(  # noqa: PLR0913  (what, whereto, from where, with what, in which surroundings)
    spec: Spec,
    destination: Path,
    *,
    registry: Registry,
    kind: str,
    python: str,
    node: str,
    cache: Path,
    surroundings: Surroundings,
) -> Path:
    """Download a published version with tools of their own, made beside `destination`, which is new or empty.

    `kind` says whether the wheel or the sdist of a Python package is wanted; `python` and `node` are as of
    `installation.install`. Returns the file.

    Raises:
        UsageError: there is no such version, also after the waiting; or there is no such interpreter or Node.
        ArtifactError: the file came whole, and pip can make nothing of it.
        TestbedError: the registry is silent, out of order or lets nobody in; the file did not come whole.
    """
    destination.mkdir(parents=True, exist_ok=True)
    environment = surroundings.environment
    tools, session = environments.plan(
        destination.with_name(f"{destination.name}-tools"),
        python=python,
        seeds=_PIP.seeds if spec.scheme == "pypi" else environments.NO_SEEDS,
        environment=environment,
        cache=cache,
    )
    client: _Client
    try:
        environments.create(session)
        if spec.scheme == "pypi":
            client = _Pip(spec, registry, surroundings, destination, tools.python, is_sdist=kind == "sdist")
        else:
            own = add_node(tools, wanted=node, accepted="", stage="builds", surroundings=surroundings)
            client = _Npm(spec, registry, surroundings, destination, own)
        _fetch(spec, client, registry.wait)
    finally:
        shutil.rmtree(tools.directory, ignore_errors=True)  # with Node, some 200 MB
    return _checked(spec, destination)


def _fetch(spec: Spec, client: _Client, seconds: float) -> None:
    """Ask until it is there, or the time is over; whatever else goes wrong ends it at once."""
    deadline, pause = None, _FIRST_PAUSE
    while (result := client.fetch()).exit_code != 0:
        if result.exit_code is None or not client.is_absent(result.output):
            raise client.complaint(result)
        deadline = deadline or time.monotonic() + seconds
        left = deadline - time.monotonic()
        if left <= 0 or not seconds:
            waited = f", {seconds:g} s were waited for it" if seconds else ""
            place, hint = client.absent(result.output)
            raise UsageError(f"there is no '{spec}' {place}{waited}", detail=result.tail, hint=hint)
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)


def _checked(spec: Spec, directory: Path) -> Path:
    """The one file; a registry can give another release than its pages say."""
    found = sorted(directory.iterdir())
    if len(found) != 1:
        raise TestbedError(f"the download of '{spec}' made {len(found)} files where it must make one")
    artifact = identify(found[0])
    if not spec.is_met_by(artifact.name, artifact.version):
        said = f"'{artifact.name}' {artifact.version}"
        raise TestbedError(f"the registry gave {said} where '{spec}' was asked for")
    return found[0]


@dataclass(frozen=True, slots=True)
class _Pip:
    """The pip of an environment for the interpreter that the artifact is for."""

    spec: Spec
    registry: Registry
    surroundings: Surroundings
    destination: Path
    python: Path
    is_sdist: bool

    def fetch(self) -> StepResult:
        result = self._run(
            _with(self.registry.settings_of_pip(), self.surroundings),
            pypi.download(self.spec, self.python, self.destination, is_sdist=self.is_sdist),
        )
        address = pypi.unpacked_from(result.output)
        if result.exit_code == 0 or not address or self.registry.index is None:
            return result
        # pip prepares the metadata of an sdist on its way, and what that takes need not be on the index of the release.
        command = pypi.download_address(self.spec, self.python, self.destination, address)
        return self._run(self.surroundings, command)

    @staticmethod
    def _run(surroundings: Surroundings, command: Sequence[str]) -> StepResult:
        result = surroundings.run(command)
        return replace(result, output=pypi.without_traceback(result.output))

    def is_absent(self, output: str) -> bool:
        return pypi.is_absent(output)

    def absent(self, output: str) -> tuple[str, str]:
        there = pypi.other_files(self.spec, output)
        if not there:
            return _place(self.registry, pypi.INDEX), ""
        wanted, other = ("sdist", "wheel") if self.is_sdist else ("wheel for this Python", "sdist")
        files = ", ".join(f"'{file}'" for file in there)
        place = f"{_place(self.registry, pypi.INDEX)} as {wanted}; there is {files}"
        is_other = any(file.endswith(".whl") == self.is_sdist for file in there)
        return place, f"--build {other}" if is_other else ""

    def complaint(self, failed: StepResult) -> HarnessError:
        broken = pypi.broken_place(failed.output)
        if broken or failed.exit_code is None:
            return _broken(self.spec, pypi.INDEX, broken, failed, self.surroundings)
        if reason := pypi.unfit(failed.output):
            return ArtifactError("installs", f"{COMPLAINTS['installs']}: {reason}", detail=failed.tail)
        if pypi.unpacked_from(failed.output):
            supply = index_of_pip(self.python)
            return blame(failed, stage="installs", supply=supply, surroundings=self.surroundings)
        return _broken(self.spec, pypi.INDEX, failed.key_line, failed, self.surroundings)


@dataclass(frozen=True, slots=True)
class _Npm:
    """The npm of a Node."""

    spec: Spec
    registry: Registry
    surroundings: Surroundings
    destination: Path
    node: Node

    def fetch(self) -> StepResult:
        settings = self.registry.settings_of_npm(self.spec.name)
        surroundings = _with(settings, self.node.in_reach(self.surroundings))
        return surroundings.run(npm.download(self.node, self.spec.requirement, self.destination))

    def is_absent(self, output: str) -> bool:
        return npm.is_absent(output)

    def absent(self, _output: str) -> tuple[str, str]:
        return _place(self.registry, npm.REGISTRY), ""

    def complaint(self, failed: StepResult) -> HarnessError:
        reason = npm.reason(failed.output) or failed.key_line
        return _broken(self.spec, npm.REGISTRY, reason, failed, self.surroundings)


def _with(settings: Mapping[str, str], surroundings: Surroundings) -> Surroundings:
    """The same with more variables, which replace those of the same name in any case."""
    ours = {name.lower() for name in settings}
    kept = {name: value for name, value in surroundings.environment.items() if name.lower() not in ours}
    return replace(surroundings, environment=kept | dict(settings))


def _place(registry: Registry, usual: str) -> str:
    return f"on '{Mask.of({})(registry.index)}'" if registry.index else f"on the {usual}"


def _broken(spec: Spec, registry: str, reason: str, failed: StepResult, surroundings: Surroundings) -> TestbedError:
    if "No space left on device" in failed.output:
        return TestbedError("the disk is full", detail=failed.tail)
    if failed.exit_code is None:
        reason = f"it did not finish in {surroundings.timeout:g} s"
    return TestbedError(f"'{spec}' cannot be had from the {registry}: {reason}", detail=failed.tail)
