"""Steps that must go well: runs one, and says whose fault it is when it does not.

How the tools that do the steps are called is for `installers` and `npm`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import ArtifactError, HarnessError, TestbedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.errors import Stage
    from harness.release.steps import StepResult, Surroundings

COMPLAINTS: Mapping[Stage, str] = {
    "builds": "the source does not build",
    "installs": "the artifact does not install",
}
PROBE_SECONDS = 60.0


def _nothing(_output: str) -> str:
    """For tools whose output has no lines of its own kind."""
    return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """Where a step gets packages from.

    `probe` is the command that asks it, past every cache, for a package it surely has. `reason` finds the line of a
    step's output that says best why it failed; where it finds none, that is the output's key line.
    """

    probe: tuple[str, ...]
    name: str = "package index"
    reason: Callable[[str], str] = _nothing


def perform(
    command: Sequence[str],
    *,
    stage: Stage,
    supply: Supply,
    surroundings: Surroundings,
    directory: Path | None = None,
) -> StepResult:
    """Run a step of a stage in a directory, by default an empty one.

    Raises:
        ArtifactError: the step fails, or not in time, and the release is to blame.
        TestbedError: the supply is silent or the disk is full.
    """
    result = surroundings.run_in(directory, command) if directory else surroundings.run(command)
    if result.exit_code != 0:
        raise blame(result, stage=stage, supply=supply, surroundings=surroundings)
    return result


def blame(failed: StepResult, *, stage: Stage, supply: Supply, surroundings: Surroundings) -> HarnessError:
    """Whose fault a failed step is: the machine's, when its disk is full or the supply is silent."""
    if "No space left on device" in failed.output:
        return TestbedError("the disk is full", detail=failed.tail)
    probed = replace(surroundings, timeout=PROBE_SECONDS).run(supply.probe)
    if probed.exit_code != 0:
        return TestbedError(f"the {supply.name} cannot be reached", detail=f"{failed.tail}\n{probed.tail}".strip())
    reason = supply.reason(failed.output) or failed.key_line
    if failed.exit_code is None:
        reason = f"it did not finish in {surroundings.timeout:g} s"
    return ArtifactError(stage, f"{COMPLAINTS[stage]}: {reason}", detail=failed.tail)
