"""`python -m harness.merge DIR...`: joins the verdicts of many runs on one release, and says the worst.

A matrix of machines, each with a verdict of its own, ends in one. What joining means is for
`verdict.merging`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness.errors import UsageError
from harness.verdict.evidence import exit_code
from harness.verdict.merging import merge
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.verdict.document import Document
    from harness.verdict.merging import Merged

USAGE_ERROR = 4
# An incomplete run is fine for work; joined with others it is a machine that did not say all it should have.
INCOMPLETE = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge what is asked for; the exit code is that of the worst verdict, 4 when they cannot be merged."""
    options = _parser().parse_args(arguments)
    try:
        merged = merge(_read_all(options.directories, options.expect))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    if options.out is not None:
        write_whole(options.out, (json.dumps(merged, indent=2) + "\n").encode())
    for line in _lines(merged):
        sys.stdout.write(f"{line}\n")
    return exit_code(merged["verdict"], strict=options.strict, pytest_says=INCOMPLETE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.merge", description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="evidence of runs, at any depth")
    parser.add_argument("--expect", type=int, metavar="N", help="how many verdicts there must be")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the merged verdict, as JSON")
    parser.add_argument("--strict", action="store_true", help="advisory failures make the exit code 1")
    return parser


def _read_all(directories: Sequence[Path], expected: int | None) -> dict[str, Document]:
    documents = dict(_read(directories))
    if expected not in {None, len(documents)}:
        raise UsageError(f"there are {len(documents)} verdicts, expected were {expected}")
    return documents


def _read(directories: Sequence[Path]) -> Iterator[tuple[str, Document]]:
    for directory in directories:
        paths = sorted(directory.rglob("verdict.json"))
        if not paths:
            raise UsageError(f"there is no verdict.json in '{directory}'")
        for path in paths:
            yield path.parent.as_posix(), _load(path)


def _load(path: Path) -> Document:
    try:
        document = json.loads(path.read_bytes())
        if document["schema"] != 1 or not document["verdict"]:
            raise UsageError(f"'{path}' is no verdict of schema 1")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"'{path}' cannot be read as a verdict: {error}") from error
    return cast("Document", document)


def _lines(merged: Merged) -> Iterator[str]:
    yield f"release:   {merged['name'] or 'unknown'} {merged['version'] or ''}".rstrip()
    for run in merged["runs"]:
        where = f" on Python {run['python']}" if run["python"] else ""
        yield f"  {run['verdict']:<14} {run['run']}: {run['file'] or 'no file'}{where}"
    for clause in merged["clauses"]:
        if clause["outcome"] in {"failed", "not-run"}:
            yield f"  {clause['outcome']:<14} {clause['id']} ({clause['level']}) in {', '.join(clause['runs'])}"
            yield f"                 {clause['reason']}"
    yield f"verdict:   {merged['verdict']}"


if __name__ == "__main__":
    sys.exit(main())
