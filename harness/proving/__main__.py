"""`python -m harness.proving`: tries the catalogue, tells how each entry fares, writes the kill matrix."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import ramdisk
from harness.errors import UsageError
from harness.interrupts import terminable
from harness.proving import table
from harness.proving.catalogue import load
from harness.proving.jobs import Prover
from harness.proving.matrix import as_data, unknown_clauses, without_fault
from harness.proving.progress import lines
from harness.proving.trial import CHECKOUT
from harness.verdict.clause import clauses_of
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.proving.catalogue import Entry
    from harness.proving.matrix import Proof
    from harness.verdict.clause import Clause


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove what is asked for.

    Returns 0 when all of it holds, 1 when something does not, 2 after an interrupt, 4 when nobody can tell.
    """
    options = _parser().parse_args(arguments)
    try:
        clauses = clauses_of(CHECKOUT / "smoke")
        every = load(options.catalogue or CHECKOUT / "fixtures")
        entries = _chosen(every, options.ids, clauses)
        if options.table:
            return _write_table(options.table, every, clauses)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    # Whoever asks for some entries knows that the others are missing.
    uncovered = () if options.ids else without_fault(clauses, every)
    try:
        with terminable():
            return _run(options, clauses, entries, uncovered)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 2


def _run(
    options: argparse.Namespace, clauses: Sequence[Clause], entries: Sequence[Entry], uncovered: Sequence[str]
) -> int:
    started = time.monotonic()
    out = options.out or CHECKOUT / ".smoke" / "kill-matrix.json"
    ordered = longest_first(entries, out)
    with tempfile.TemporaryDirectory(prefix="proof-", dir=ramdisk.directory(), ignore_cleanup_errors=True) as directory:
        prover = Prover(
            clauses={clause.id: clause for clause in clauses},
            directory=Path(directory),
            all_clauses=options.all_clauses,
        )
        with lines(len(entries)) as tell, contextlib.closing(prover.prove_all(ordered, options.jobs)) as proving:
            proofs = [_told(proof, tell) for proof in proving]
    seconds = time.monotonic() - started
    _write(out, proofs, clauses, uncovered, seconds)
    for line in _summary(proofs, uncovered, seconds):
        sys.stdout.write(f"{line}\n")
    return 0 if all(proof.holds for proof in proofs) and not uncovered else 1


def longest_first(entries: Sequence[Entry], matrix: Path) -> Sequence[Entry]:
    """Order entries such that no long one is left for the end, by the times of the last run, if there was one."""
    try:
        rows = json.loads(matrix.read_text(encoding="utf-8"))["entries"]
        seconds = {row["id"]: row["seconds"] for row in rows}
    except (OSError, ValueError, KeyError):
        seconds = {}
    # Those that nobody has timed first: harmless ones run more cases than others.
    return sorted(entries, key=lambda entry: (-seconds.get(entry.id, float("inf")), not entry.is_harmless))


def _write(
    out: Path, proofs: Sequence[Proof], clauses: Sequence[Clause], uncovered: Sequence[str], seconds: float
) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, json.dumps(as_data(proofs, uncovered, seconds), indent=2).encode())
    write_whole(out.with_suffix(".md"), table.of_proofs(proofs, clauses).encode())


def _write_table(readme: Path, entries: Sequence[Entry], clauses: Sequence[Clause]) -> int:
    text = readme.read_text(encoding="utf-8")
    write_whole(readme, table.renew(text, entries, clauses).encode())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.proving", description=__doc__)
    parser.add_argument("ids", nargs="*", help="entries to run (default: all)")
    parser.add_argument("--all-clauses", action="store_true", help="run every clause against every entry")
    # A good part of an entry is waiting: for a package index, for a daemon, for a process to end.
    jobs = 2 * (os.cpu_count() or 1)
    parser.add_argument("--jobs", type=int, default=jobs, metavar="N", help="entries at a time (default: two a core)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the matrix (default: .smoke/kill-matrix.json)")
    parser.add_argument("--catalogue", type=Path, metavar="DIR", help="holds broken/ and harmless/ (default: fixtures)")
    parser.add_argument(
        "--table",
        type=Path,
        nargs="?",
        const=CHECKOUT / "README.md",
        metavar="FILE",
        help="run nothing: write the table of faults into a file (default: README.md)",
    )
    return parser


def _chosen(entries: Sequence[Entry], ids: Sequence[str], clauses: Sequence[Clause]) -> tuple[Entry, ...]:
    known = {entry.id for entry in entries}
    if missing := [identifier for identifier in ids if identifier not in known]:
        raise UsageError(f"there is no entry '{missing[0]}'")
    chosen = tuple(entry for entry in entries if not ids or entry.id in ids)
    if unknown := unknown_clauses(clauses, chosen):
        raise UsageError(unknown[0])
    return chosen


def _told(proof: Proof, tell: Callable[[str], None]) -> Proof:
    """Tell of an entry as soon as it is known."""
    tell(line_of(proof))
    return proof


def line_of(proof: Proof) -> str:
    """How an entry fared, in one line."""
    name = f"{proof.entry.id:<44} {proof.seconds:5.1f} s "
    if proof.problem:
        return f"PROBLEM   {name} {proof.problem}"
    if proof.entry.is_harmless:
        return f"{'green   ' if proof.holds else 'CRIES WOLF'}  {name} {' '.join(proof.failed)}".rstrip()
    if proof.holds:
        return f"caught    {name} {' '.join(proof.entry.clauses)}"
    return f"SURVIVED  {name} {' '.join(proof.survivors)} ({proof.verdict})"


def _summary(proofs: Sequence[Proof], uncovered: Sequence[str], seconds: float) -> Iterator[str]:
    broken = [proof.holds for proof in proofs if not proof.entry.is_harmless]
    harmless = [proof.holds for proof in proofs if proof.entry.is_harmless]
    yield f"{sum(broken)} of {len(broken)} broken releases caught"
    yield f"{sum(harmless)} of {len(harmless)} harmless releases green"
    if uncovered:
        yield f"clauses that no entry exercises: {', '.join(uncovered)}"
    yield f"in {seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
