"""A clause: one promise, read off the pytest case that checks it, and how it came out.

The cases are the only list of clauses there is. A clause's id is the case's name, its statement the
docstring, its level a marker. Which of them ran is for `evidence`.
"""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal, cast

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import ModuleType

Level = Literal["required", "advisory"]
Outcome = Literal["passed", "failed", "not-applicable", "not-selected", "not-run"]
LEVELS: tuple[Level, ...] = ("required", "advisory")
PREPARATION = ("builds", "installs", "starts")  # clauses whose breach makes an artifact unusable

_PREFIX = "test_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clause:
    """One promise; `cases` is how many parametrized cases prove it, `needs` what the contract must have."""

    id: str
    family: str
    level: Level
    statement: str
    needs: tuple[str, ...]
    cases: int
    opt_in: str = ""  # the option that it takes to run


def id_of_case(name: str) -> str:
    """The clause that a case belongs to, from the case's name: `test_a[x]` is one of `a`."""
    return name.partition("[")[0].removeprefix(_PREFIX)


def clauses_of(directory: Path, *, invocations: int = 1) -> tuple[Clause, ...]:
    """All clauses that the cases in a package directory make, in the order in which they stand there.

    `invocations` is in how many ways the release is called.

    Raises:
        UsageError: a case lacks its level or its sentence, or shares its name with another.
    """
    names = sorted(path.stem for path in directory.glob(f"{_PREFIX}*.py"))
    modules = [importlib.import_module(f"{directory.name}.{name}") for name in names]
    clauses = tuple(clause for module in modules for clause in _clauses(module, invocations))
    repeated = [name for name, count in Counter(clause.id for clause in clauses).items() if count > 1]
    if repeated:
        raise UsageError(f"two cases are called '{_PREFIX}{repeated[0]}'", hint="a clause's id is its case's name")
    return clauses


class _Mark:
    """What this module uses of a pytest mark."""

    name: str
    args: tuple[object, ...]


def _clauses(module: ModuleType, invocations: int) -> Iterable[Clause]:
    family = module.__name__.rpartition(".")[2].removeprefix(_PREFIX)
    for name, value in vars(module).items():
        if name.startswith("Test") and inspect.isclass(value) and value.__module__ == module.__name__:
            raise UsageError(f"'{name}' in '{module.__name__}' is a class", hint="cases are functions")
        if name.startswith(_PREFIX) and inspect.isfunction(value):
            yield _read(family, name, value, invocations)


def _read(family: str, name: str, case: Callable[..., object], invocations: int) -> Clause:
    marks = cast("Sequence[_Mark]", getattr(case, "pytestmark", ()))
    levels = [level for level in LEVELS if any(mark.name == level for mark in marks)]
    statement = " ".join((inspect.getdoc(case) or "").partition("\n\n")[0].split())
    if len(levels) != 1 or not statement:
        raise UsageError(f"case '{name}' needs one of the markers {', '.join(LEVELS)}, and a docstring")
    sizes = [len(cast("Sequence[object]", mark.args[1])) for mark in marks if mark.name == "parametrize"]
    # What varies otherwise does so in one way to call the release; in the others, the first of these must do.
    others = invocations - 1 if any(mark.name == "every_invocation" for mark in marks) else 0
    needs = [str(need) for mark in marks if mark.name == "needs" for need in mark.args]
    return Clause(
        id=name.removeprefix(_PREFIX),
        family=family,
        level=levels[0],
        statement=statement,
        needs=tuple(needs),
        cases=prod(sizes) + others,
        opt_in=next((str(mark.args[0]) for mark in marks if mark.name == "opt_in"), ""),
    )
