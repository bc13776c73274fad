"""The mutants of a module: what cosmic-ray changes in it, and whether the module's own self-tests notice.

Owns which mutants count and how one is tried, in a private copy of the checkout, because the module is
changed in place. What a survivor means is for `mutants`.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import os
import shutil
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import use_db

from harness.errors import HarnessError, UsageError
from harness.release.steps import run_step
from harness.running.environment import installer_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.release.steps import StepResult

Outcome = Literal["killed", "overdue", "survived"]

DEADLINE = 60.0  # seconds, for the self-tests of a module: they take one to three, and many more on a busy machine
_CACHES = shutil.ignore_patterns("__pycache__", ".*_cache")
# Without the plugins of the environment and of the smoke a mutant takes half the time. The project file sets a
# timeout, so the one that knows the word has to be there.
_PYTEST = ("-m", "pytest", "-x", "-q", "--disable-plugin-autoload", "-p", "pytest_timeout", "-p", "no:cacheprovider")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One small change of a module; `was` and `becomes` are the lines that differ, their spaces evened out."""

    module: str
    line: int
    was: str
    becomes: str
    code: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What the self-tests said to a mutant; `overdue` are those that made them hang until their deadline."""

    mutant: Mutant
    outcome: Outcome
    seconds: float


def self_tests_of(checkout: Path, module: str) -> tuple[str, ...]:
    """The files of a module's own self-tests.

    `harness/wing/name.py` has `test_name.py` in `harness/tests/wing`, and `test_name_….py` if one was not enough.
    """
    path = Path(module)
    directory = checkout / "harness" / "tests" / Path(*path.parts[1:-1])
    found = [*sorted(directory.glob(f"test_{path.stem}_*.py")), *directory.glob(f"test_{path.name}")]
    return tuple(file.relative_to(checkout).as_posix() for file in found)


def mutants_of(checkout: Path, module: str) -> Iterator[Mutant | None]:
    """Yield the mutants of a module, and None for each that does not count.

    Those that Python refuses or warns of say nothing, since warnings are errors here. Nor do those in
    annotations: they are never evaluated, so that nothing can tell the mutant from the module.
    """
    source = (checkout / module).read_text(encoding="utf-8")
    alike = {_meaning(source), ""}
    for operator, occurrence in _mutations(checkout / module):
        code = _mutated(source, operator, occurrence)
        if _meaning(code) in alike:
            yield None
        else:
            line, was, becomes = _difference(source, code)
            yield Mutant(module=module, line=line, was=was, becomes=becomes, code=code)


def _mutations(path: Path) -> list[tuple[str, int]]:
    """The operators that apply to a module, by name, each as often as there are places for it."""
    with tempfile.TemporaryDirectory() as directory, use_db(Path(directory, "session.sqlite")) as database:
        init([path], database, {})
        mutations = [mutation for item in database.work_items for mutation in item.mutations]
    return [(mutation.operator_name, mutation.occurrence) for mutation in mutations]


def _mutated(source: str, operator: str, occurrence: int) -> str:
    try:
        code: str = mutate_code(source, get_operator(operator)(), occurrence)
    except AttributeError:  # cosmic-ray cannot replace an exception whose name has a dot, among several
        return ""
    return code


def _meaning(source: str) -> str:
    """What of a module is ever evaluated, as text to compare; "" when nothing is, or Python refuses it."""
    if not source:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compile(source, "mutant", "exec")
    except SyntaxError:
        return ""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
    return ast.dump(tree)


def _difference(before: str, after: str) -> tuple[int, str, str]:
    """The number of the first line that differs, the lines there, and those instead of them."""
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    _, start, end, new_start, new_end = next(code for code in matcher.get_opcodes() if code[0] != "equal")
    return start + 1, _even(old[start:end]), _even(new[new_start:new_end])


def _even(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())


class Laboratory:
    """Private copies of a checkout, as many as mutants are tried at the same time.

    Raises:
        UsageError: a module has no self-tests.
        HarnessError: those of a module fail without any mutant.
    """

    def __init__(self, checkout: Path, modules: Sequence[str], directory: Path, copies: int) -> None:
        # An ordinary user, whom some self-tests become for a while, has to get through to the temporary files.
        directory.chmod(0o711)
        first = directory / "0"
        _copy(checkout, first, ignore=_CACHES)
        for module in modules:
            _check(first, module)
        self._free: SimpleQueue[Path] = SimpleQueue()
        self._free.put(first)
        for number in range(1, copies):
            _copy(first, directory / f"{number}")
            self._free.put(directory / f"{number}")

    def attempt(self, mutant: Mutant) -> Trial:
        """Run the self-tests of the module on one mutant of it."""
        started = time.monotonic()
        place = self._free.get()
        try:
            outcome = _attempt(place, mutant)
        finally:
            self._free.put(place)
        return Trial(mutant=mutant, outcome=outcome, seconds=time.monotonic() - started)


def _copy(source: Path, place: Path, *, ignore: Callable[[str, list[str]], set[str]] | None = None) -> None:
    place.mkdir()
    place.chmod(0o711)
    shutil.copytree(source / "harness", place / "harness", ignore=ignore)
    shutil.copy2(source / "pyproject.toml", place)
    (place / "tmp").mkdir()
    (place / "tmp").chmod(0o1777)


def _check(place: Path, module: str) -> None:
    if not self_tests_of(place, module):
        raise UsageError(f"'{module}' has no self-tests of its own")
    result = _run_self_tests(place, module)
    if result.exit_code != 0:
        raise HarnessError(f"the self-tests of '{module}' fail without a mutant", detail=result.tail)
    # What was compiled here would pass for a mutant of the same size that is written within the same second.
    Path(importlib.util.cache_from_source(str(place / module))).unlink(missing_ok=True)


def _attempt(place: Path, mutant: Mutant) -> Outcome:
    path = place / mutant.module
    original = path.read_bytes()
    path.write_text(mutant.code, encoding="utf-8")
    try:
        result = _run_self_tests(place, mutant.module, PYTHONDONTWRITEBYTECODE="1")
    finally:
        path.write_bytes(original)
    if result.exit_code is None:
        return "overdue"
    return "killed" if result.exit_code else "survived"


def _run_self_tests(place: Path, module: str, **variables: str) -> StepResult:
    environment = installer_environment(os.environ) | {"TMPDIR": str(place / "tmp")} | variables
    argv = [sys.executable, *_PYTEST, *self_tests_of(place, module)]
    return run_step(argv, environment=environment, cwd=place, timeout=DEADLINE, log=place / "output.log")
