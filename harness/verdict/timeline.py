"""When what ran in which process: the document's stages and cases as lanes of bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from harness.verdict import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.verdict.digest import Look
    from harness.verdict.document import Document

_PUBLISHED = ("pypi:", "npm:")  # references to what is downloaded, not built
_STAGES = {"builds": "build", "installs": "install", "starts": "start"}


class Bar(TypedDict):
    """A stage or a case; `left` and `width` in percent of the run, `clause` is "" for a stage."""

    name: str
    clause: str
    look: Look | Literal["stage"]
    left: float
    width: float
    started: float
    seconds: float


class Lane(TypedDict):
    """All that one process did, in the order of time."""

    name: str
    bars: Sequence[Bar]


def lanes(document: Document) -> list[Lane]:
    """The preparation first, then each process that ran cases."""
    found: dict[str, list[Bar]] = {}
    for name, bar in _bars(document):
        found.setdefault(name, []).append(bar)
    return [Lane(name=name, bars=sorted(bars, key=_start)) for name, bars in found.items() if bars]


def slowest(document: Document, count: int) -> list[Bar]:
    """The bars that one would shorten first."""
    bars = [bar for _, bar in _bars(document)]
    return sorted(bars, key=lambda bar: -bar["seconds"])[:count]


def _bars(document: Document) -> Iterator[tuple[str, Bar]]:
    """Every bar with the name of its lane."""
    whole = max(document["seconds"], 0.001)

    def bar(name: str, clause: str, look: Look | Literal["stage"], started: float, seconds: float) -> Bar:
        return Bar(
            name=name,
            clause=clause,
            look=look,
            left=round(100 * started / whole, 2),
            width=round(max(0.1, 100 * seconds / whole), 2),
            started=started,
            seconds=seconds,
        )

    downloads = document["artifact"]["reference"].startswith(_PUBLISHED)
    for stage in document["stages"]:
        name = "download" if downloads and stage["id"] == "builds" else _STAGES[stage["id"]]
        yield "preparation", bar(name, "", "stage", stage["started"], stage["seconds"])
    # A case that found another promise broken stands under both.
    cases = {
        case["id"]: (clause, case)
        for clause in document["clauses"]
        for case in clause["cases"]
        if case["worker"] and case["id"].partition("[")[0] == clause["id"]
    }
    for clause, case in sorted(cases.values(), key=lambda item: (item[1]["worker"], item[1]["started"])):
        look = digest.look(clause["level"], case["outcome"])
        yield case["worker"], bar(case["id"], clause["id"], look, case["started"], case["seconds"])


def _start(bar: Bar) -> float:
    return bar["started"]
