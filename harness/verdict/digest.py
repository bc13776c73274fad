"""What every form of the verdict for people picks from the document: the same clauses in the same order."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.verdict.clause import Level, Outcome
    from harness.verdict.document import ArtifactFacts, CaseFacts, ClauseFacts, InstallationFacts

Look = Literal["good", "bad", "warning", "faint"]

ADVISORY_TITLE = "What whoever tags this should know"
_OUTCOMES = ("passed", "failed", "not-applicable", "not-selected", "not-run")


def shares(clauses: Sequence[ClauseFacts]) -> str:
    """How many clauses came out how: `105 passed, 4 not-selected`."""
    count: Counter[str] = Counter(clause["outcome"] for clause in clauses)
    return ", ".join(f"{count[outcome]} {outcome}" for outcome in _OUTCOMES if count[outcome])


def failed(clauses: Sequence[ClauseFacts], level: Level) -> list[ClauseFacts]:
    """The broken promises of a level."""
    return [clause for clause in clauses if clause["level"] == level and clause["outcome"] == "failed"]


def untested(clauses: Sequence[ClauseFacts]) -> list[ClauseFacts]:
    """Those of which nothing is known, each with its reason."""
    return [clause for clause in clauses if clause["outcome"] not in {"passed", "failed"}]


def families(clauses: Sequence[ClauseFacts]) -> list[tuple[str, list[ClauseFacts]]]:
    """Clauses by promise family, which is how they stand in the document."""
    return [(title(name), list(group)) for name, group in groupby(clauses, key=lambda clause: clause["family"])]


def title(family: str) -> str:
    """A family's name as a heading: `runtime_prune` is `Runtime prune`."""
    return family.replace("_", " ").capitalize()


def look(level: Level, outcome: Outcome) -> Look:
    """How much attention an outcome needs: a missed advice less than a broken promise."""
    if outcome == "failed":
        return "bad" if level == "required" else "warning"
    return "good" if outcome == "passed" else "faint"


def failing_case(clause: ClauseFacts) -> CaseFacts | None:
    """The first case that shows a clause broken: preferably one that blames it, not another promise."""
    cases = [case for case in clause["cases"] if case["failure"] is not None]
    blaming = [case for case in cases if case["failure"] and case["failure"]["promise"] == clause["id"]]
    return next(iter(blaming or cases), None)


def seconds(clause: ClauseFacts) -> float:
    """How long the cases of a clause took together."""
    return sum(case["seconds"] for case in clause["cases"])


def tested(artifact: ArtifactFacts) -> str:
    """The release in a few words: name and version, or how it was referred to."""
    if artifact["name"] is None:
        return artifact["reference"]
    return f"{artifact['name']} {artifact['version']}"


def history(installation: InstallationFacts) -> str:
    """What there is to know of an installation that outlives its run, "" of a throwaway one."""
    since = installation["kept_since"]
    return f"{since} by an earlier run, unchanged since" if since else installation["remark"]
