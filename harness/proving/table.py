"""The kill matrix for people: Markdown tables, of the catalogue for the README and of a run for its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.markdown import Section, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.proving.catalogue import Entry
    from harness.proving.matrix import Proof
    from harness.verdict.clause import Clause

SECTION = Section("kill-matrix")


def renew(text: str, entries: Sequence[Entry], clauses: Sequence[Clause]) -> str:
    """The text with the table of the catalogue in its section; UsageError when it has none."""
    return SECTION.renew(text, of_catalogue(entries, clauses))


def of_catalogue(entries: Sequence[Entry], clauses: Sequence[Clause]) -> str:
    """What every entry is and who must catch it; the same for the same catalogue."""
    levels = {clause.id: clause.level for clause in clauses}
    broken = [entry for entry in entries if not entry.is_harmless]
    harmless = [entry for entry in entries if entry.is_harmless]
    sourced = sum(1 for entry in broken if entry.source)
    faults = table(
        ("fault", "the release", "caught by", "as happened in"),
        ((f"`{entry.id}`", entry.sentence, _catchers(entry, levels), entry.source) for entry in broken),
    )
    twins = table(("harmless", "the release"), ((f"`{entry.id}`", entry.sentence) for entry in harmless))
    summary = f"All {len(broken)} faults, the clauses that catch them, and {len(harmless)} harmless releases"
    return "\n".join((
        f"The catalogue holds {len(broken)} broken releases, {sourced} of them after a documented real one,",
        f"and {len(harmless)} harmless ones.",
        "",
        "<details>",
        f"<summary>{summary}</summary>",
        "",
        "An advisory clause is marked as such; all others are required.",
        "",
        *faults,
        "",
        *twins,
        "",
        "</details>",
        "",
    ))  # fmt: skip


def of_proofs(proofs: Sequence[Proof], clauses: Sequence[Clause]) -> str:
    """How every entry of a run fared: its verdict, its time, and what each clause that failed says."""
    levels = {clause.id: clause.level for clause in clauses}
    ordered = sorted(proofs, key=lambda proof: (proof.entry.is_harmless, proof.entry.id))
    rows = (
        (
            f"`{proof.entry.id}`",
            "yes" if proof.holds else "**no**",
            proof.verdict or proof.problem,
            f"{proof.seconds:.1f}",
            _catchers(proof.entry, levels) or "none may",
            "; ".join(f"`{clause}`: {reason}" for clause, reason in proof.failed.items()),
        )
        for proof in ordered
    )
    return "\n".join((
        "# Kill matrix",
        "",
        *table(("release", "holds", "verdict", "seconds", "must be caught by", "failed"), rows),
        "",
    ))  # fmt: skip


def _catchers(entry: Entry, levels: Mapping[str, str]) -> str:
    return ", ".join(f"`{each}`{'' if levels[each] == 'required' else ' (advisory)'}" for each in entry.clauses)
