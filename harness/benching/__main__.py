"""`python -m harness.benching`: measures the rows, tells how each comes out, writes `bench.json`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.benching import plan, table
from harness.benching.bench import CHECKOUT, Bench
from harness.benching.rows import BY_ID
from harness.errors import UsageError
from harness.interrupts import terminable
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.benching.rows import Figure
    from harness.benching.table import BenchFacts


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for.

    Returns 0 when every goal is met, 1 when one is not, 2 after an interrupt, 4 when the question makes no sense.
    """
    options = _parser().parse_args(arguments)
    out = options.out or CHECKOUT / ".smoke" / ("bench-of-some.json" if options.rows else "bench.json")
    try:
        wanted = plan.chosen(options.rows)
        rounds = plan.checked(options.rounds)
        if options.table:
            return _write_table(options.table, out)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    try:
        with terminable():
            return _run(wanted, rounds, out)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 2


def _run(wanted: frozenset[str], rounds: int, out: Path) -> int:
    started, measured_at = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory:
        bench = Bench(directory=Path(directory), rounds=rounds)
        for measurement in plan.MEASUREMENTS:
            if wanted.isdisjoint(measurement.rows):
                continue
            for figure in measurement.figures(bench, wanted):
                _say(table.line(figure))
                figures.append(figure)
    seconds = time.monotonic() - started
    data = table.as_data(figures, rounds=rounds, seconds=seconds, measured_at=measured_at)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, json.dumps(data, indent=1).encode())
    met = sum(figure.is_met for figure in figures)
    _say(f"{met} of {len(figures)} goals met in {seconds:.0f} s")
    return 0 if met == len(figures) else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _write_table(readme: Path, source: Path) -> int:
    try:
        data: BenchFacts = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"there is no benchmark in '{source}' to write a table of", hint="run all rows") from error
    text = readme.read_text(encoding="utf-8")
    write_whole(readme, table.SECTION.renew(text, table.of_data(data)).encode())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.benching", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"rows to measure (default: all): {', '.join(BY_ID)}")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each side is run (default: 3)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the figures (default: .smoke/bench.json, or bench-of-some.json)"
    )
    parser.add_argument(
        "--table",
        type=Path,
        nargs="?",
        const=CHECKOUT / "README.md",
        metavar="FILE",
        help="measure nothing: write the table of the last whole run into a file (default: README.md)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
