"""The text of a failure, as a release engineer reads it, and the place in the cases that it points to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.errors import ArtifactError
from harness.running.result import InvariantBroken
from harness.verdict.clause import id_of_case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

    from harness.running.result import CommandResult
    from harness.verdict.clause import Clause
    from harness.verdict.evidence import Failure

OF_THE_RELEASE = (AssertionError, ArtifactError)  # what is no mistake in a case
# pytest's account of how values came about, and its advice.
_HOW = re.compile(r"\s*(?:\+\s+(?:where|and) |Use -v to get more diff$)")
_BARE = re.compile(r"assert (False|not True)")  # which says nothing without that account


def tell(failure: Failure, results: Sequence[CommandResult], clauses: Mapping[str, Clause], case: str) -> str:
    """The promise, what happened instead, the commands, and how to go on from here."""
    promise = f"promise: {clauses[failure.promise].statement}"
    if failure.promise != id_of_case(case):
        promise += f" [{failure.promise}]"
    lines = [promise, f"instead: {failure.instead}", f"case: {failure.file}:{failure.line}"]
    if results:
        lines += [f"before:  {result.headline}" for result in results[:-1]]
        lines += [str(results[-1]), f"kept: {results[-1].sandbox}"]
    lines.append(f"replay: {failure.replay}")
    return "\n".join(lines)


def promise_of(error: BaseException, case: str, clauses: Mapping[str, Clause]) -> str:
    """The id of the clause that is broken: that of the case, or an invariant that it met on its way."""
    if isinstance(error, InvariantBroken) and error.clause in clauses:
        return error.clause
    return id_of_case(case)


def instead(error: BaseException) -> str:
    """What does not hold, without pytest's account of how the values came about, where it can do without."""
    if not isinstance(error, OF_THE_RELEASE):
        return f"{type(error).__name__}: {error}"
    lines = str(error).strip().splitlines() or ["the assertion does not hold"]
    said = lines if _BARE.fullmatch(lines[0]) else [line for line in lines if not _HOW.match(line)]
    # A case's own message comes first, and says it better than the expression.
    own = [line for line in said if not line.startswith("assert ")]
    return "\n".join(own if said[0] in own else said)


def place(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> tuple[str, int]:
    """The file of the case, relative to the checkout, and the line in it that led to the error."""
    own = [entry.lineno + 1 for entry in excinfo.traceback if str(entry.path) == str(item.path)]
    file, line, _ = item.location
    return file, own[-1] if own else (line or 0) + 1
