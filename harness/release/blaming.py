"""Steps that must go well: runs one, and says whose fault it is when it does not.

How the tools that do the steps are called is for `installers` and `npm`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
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
_REMEDY = "uv cache clean, pip cache purge"
# What came, and is not what it should be: it may lie so in a cache.
_DAMAGE = re.compile(r"damaged|invalid|hash|CRC|extract|cache|zip", re.IGNORECASE)


def _nothing(_output: str) -> str:
    """For tools whose output has no lines of its own kind."""
    return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """Where a step gets packages from.

    `probe` is the command that asks it, past every cache, for a package it surely has. `reason` finds the line of a
    step's output that says best why it failed; where it finds none, that is the output's key line. `outage` finds what
    it did not deliver, and why. `past_caches` are the variables with which the tools take nothing from their caches.
    """

    probe: tuple[str, ...]
    name: str = "package index"
    reason: Callable[[str], str] = _nothing
    outage: Callable[[str], str] = _nothing
    past_caches: Mapping[str, str] = field(default_factory=dict)


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
    result = _run(command, surroundings, directory)
    if result.exit_code == 0:
        return result
    error = blame(result, stage=stage, supply=supply, surroundings=surroundings)
    is_damage = _DAMAGE.search(supply.outage(result.output)) is not None
    if result.exit_code is None or (isinstance(error, TestbedError) and not is_damage):
        raise error
    # What a cache holds may have been changed since it came: few tools look at that.
    again = _run(command, surroundings.with_variables(supply.past_caches), directory)
    if again.exit_code != 0:
        outage = supply.outage(again.output)
        raise _outage(supply, outage, again) if outage and not isinstance(error, TestbedError) else error
    if is_damage:
        return again
    reason = f"{COMPLAINTS[stage]}, but does past the caches of the tools, in which something is damaged"
    raise TestbedError(f"{reason}: {_reason(result, supply)}", detail=result.tail, hint=_REMEDY)


def blame(failed: StepResult, *, stage: Stage, supply: Supply, surroundings: Surroundings) -> HarnessError:
    """Whose fault a failed step is: the machine's, when its disk is full or the supply does not deliver."""
    if "No space left on device" in failed.output:
        return TestbedError("the disk is full", detail=failed.tail)
    if outage := supply.outage(failed.output):
        return _outage(supply, outage, failed)
    probed = replace(surroundings, timeout=PROBE_SECONDS).run(supply.probe)
    if probed.exit_code != 0:
        return TestbedError(f"the {supply.name} cannot be reached", detail=f"{failed.tail}\n{probed.tail}".strip())
    reason = _reason(failed, supply)
    if failed.exit_code is None:
        reason = f"it did not finish in {surroundings.timeout:g} s"
        if failed.was_fetching:
            return _outage(supply, f"{reason}, and was still fetching", failed)
    return ArtifactError(stage, f"{COMPLAINTS[stage]}: {reason}", detail=failed.tail)


def _run(command: Sequence[str], surroundings: Surroundings, directory: Path | None) -> StepResult:
    return surroundings.run_in(directory, command) if directory else surroundings.run(command)


def _outage(supply: Supply, outage: str, failed: StepResult) -> TestbedError:
    return TestbedError(f"the {supply.name} does not deliver: {outage}", detail=failed.tail)


def _reason(failed: StepResult, supply: Supply) -> str:
    return supply.reason(failed.output) or failed.key_line
