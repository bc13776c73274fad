"""The table of faults: what is in it, and that the README shows the one of the catalogue as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.proving.__main__ import main
from harness.proving.catalogue import Entry, load
from harness.proving.matrix import Proof
from harness.proving.table import SECTION, of_catalogue, of_proofs, renew
from harness.verdict.clause import Clause, clauses_of

BEGIN, END = SECTION.begin, SECTION.end
CHECKOUT = Path(__file__).resolve().parents[3]
CLAUSES = (
    Clause(id="counts", family="x", level="required", statement="x", needs=(), cases=1),
    Clause(id="counts_fast", family="x", level="advisory", statement="x", needs=(), cases=1),
)
BROKEN = Entry(
    id="some-fault", sentence="It counts a | b\nas <b>", clauses=("counts", "counts_fast"), source="release 1.2"
)
HARMLESS = Entry(id="some-oddity", sentence="It counts slowly")


def test_readme_is_current() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    entries, clauses = load(CHECKOUT / "fixtures"), clauses_of(CHECKOUT / "smoke")

    assert renew(readme, entries, clauses) == readme, "run `nox -s prove -- --table`"
    assert all(readme.count(f"| `{entry.id}` |") == 1 for entry in entries)


def test_sources_are_at_least_eight() -> None:
    assert sum(1 for entry in load(CHECKOUT / "fixtures") if entry.source) >= 8


def test_table_has_a_row_for_each_entry() -> None:
    text = of_catalogue([BROKEN, HARMLESS], CLAUSES)

    assert "1 broken releases, 1 of them after a documented real one" in text
    assert "| `some-fault` | It counts a \\| b as &lt;b> | `counts`, `counts_fast` (advisory) | release 1.2 |\n" in text
    assert "| `some-oddity` | It counts slowly |\n" in text


def test_only_what_is_between_the_markers_changes() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    renewed = renew(text, [BROKEN], CLAUSES)

    assert renewed.startswith(f"before\n{BEGIN}\nThe catalogue holds")
    assert renewed.endswith(f"{END}\nafter\n")
    assert "\nold\n" not in renewed
    assert renew(renewed, [BROKEN], CLAUSES) == renewed


@pytest.mark.parametrize(
    "text", ["", BEGIN, END, END + BEGIN, BEGIN + END + BEGIN, BEGIN + BEGIN + END, BEGIN + END + END]
)
def test_markers_must_be_there_once(text: str) -> None:
    with pytest.raises(UsageError, match="once each and in this order"):
        renew(text, [BROKEN], CLAUSES)


def test_option_writes_the_table_and_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}{END}", encoding="utf-8")

    assert main(["--table", str(readme)]) == 0
    assert capsys.readouterr().out == ""
    assert readme.read_text(encoding="utf-8") in (CHECKOUT / "README.md").read_text(encoding="utf-8")
    readme.write_text("no markers", encoding="utf-8")
    assert main(["--table", str(readme)]) == 4


def test_table_of_a_run_has_verdict_time_and_reasons() -> None:
    text = of_proofs(
        [
            Proof(entry=HARMLESS, seconds=2.0, verdict="passed"),
            Proof(entry=BROKEN, seconds=1.25, verdict="failed", failed={"counts": "it said 2"}),
            Proof(entry=BROKEN, seconds=1.0, problem="no wheel was built"),
        ],
        CLAUSES,
    )

    assert (
        "| `some-fault` | **no** | failed | 1.2 | `counts`, `counts_fast` (advisory) | `counts`: it said 2 |\n" in text
    )
    assert "| `some-fault` | **no** | no wheel was built | 1.0 |" in text
    assert "| `some-oddity` | yes | passed | 2.0 | none may |  |\n" in text
    assert text.index("some-fault") < text.index("some-oddity")
