"""`python -m harness.proving`: runs the catalogue, prints a line an entry, writes the kill matrix."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.options import DEFAULT_REFERENCE
from harness.proving.catalogue import load
from harness.proving.matrix import Prover, as_data, unknown_clauses, without_fault
from harness.verdict.clause import clauses_of
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.proving.catalogue import Entry
    from harness.proving.matrix import Proof
    from harness.verdict.clause import Clause

CHECKOUT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None, *, checkout: Path = CHECKOUT) -> int:
    """Prove what is asked for; 0 when all of it holds, 1 when something does not, 4 when nobody can tell."""
    options = _parser().parse_args(arguments)
    try:
        clauses = clauses_of(checkout / "smoke")
        every = load(options.catalogue or checkout / "fixtures")
        entries = _chosen(every, options.ids, clauses)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    # Whoever asks for some entries knows that the others are missing.
    uncovered = () if options.ids else without_fault(clauses, every)
    return _run(options, checkout, clauses, entries, uncovered)


def _run(
    options: argparse.Namespace,
    checkout: Path,
    clauses: Sequence[Clause],
    entries: Sequence[Entry],
    uncovered: Sequence[str],
) -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proof-") as directory:
        prover = Prover(
            checkout=checkout,
            reference=checkout / DEFAULT_REFERENCE,
            clauses={clause.id: clause for clause in clauses},
            directory=Path(directory),
            all_clauses=options.all_clauses,
        )
        proofs = [_told(proof) for proof in prover.prove_all(entries, options.jobs)]
    seconds = time.monotonic() - started
    out = options.out or checkout / ".smoke" / "kill-matrix.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, json.dumps(as_data(proofs, uncovered, seconds), indent=2).encode())
    for line in _summary(proofs, uncovered, seconds):
        sys.stdout.write(f"{line}\n")
    return 0 if all(proof.holds for proof in proofs) and not uncovered else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.proving", description=__doc__)
    parser.add_argument("ids", nargs="*", help="entries to run (default: all)")
    parser.add_argument("--all-clauses", action="store_true", help="run every clause against every entry")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="entries at a time (default: 2)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the matrix (default: .smoke/kill-matrix.json)")
    parser.add_argument("--catalogue", type=Path, metavar="DIR", help="holds broken/ and harmless/ (default: fixtures)")
    return parser


def _chosen(entries: Sequence[Entry], ids: Sequence[str], clauses: Sequence[Clause]) -> tuple[Entry, ...]:
    known = {entry.id for entry in entries}
    if missing := [identifier for identifier in ids if identifier not in known]:
        raise UsageError(f"there is no entry '{missing[0]}'")
    chosen = tuple(entry for entry in entries if not ids or entry.id in ids)
    if unknown := unknown_clauses(clauses, chosen):
        raise UsageError(unknown[0])
    return chosen


def _told(proof: Proof) -> Proof:
    """Print the line of an entry as soon as it is known."""
    name = f"{proof.entry.id:<44} {proof.seconds:5.1f} s "
    if proof.problem:
        line = f"PROBLEM   {name} {proof.problem}"
    elif proof.entry.is_harmless:
        line = f"{'green   ' if proof.holds else 'CRIES WOLF'}  {name} {' '.join(proof.failed)}"
    elif proof.holds:
        line = f"caught    {name} {' '.join(proof.entry.clauses)}"
    else:
        line = f"SURVIVED  {name} {' '.join(proof.survivors)} ({proof.verdict})"
    sys.stdout.write(f"{line.rstrip()}\n")
    sys.stdout.flush()
    return proof


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
