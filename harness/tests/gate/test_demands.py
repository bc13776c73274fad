"""Self-tests of what the gate demands of a statement, and of files as one release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.gate.checks import demands, incoherent
from harness.gate.policy import Part
from harness.release.contract import load
from harness.tests.sessions.checkouts import REPOSITORY
from harness.tests.verdict.records import a_clause

WHEEL, SDIST = Part(kind="wheel", name="odd"), Part(kind="sdist", name="odd")


def test_demanded_is_what_applies_and_nobody_has_to_opt_in_for() -> None:
    contract = load(REPOSITORY / "smoke" / "contracts" / "ktx-0.1.toml")
    clauses = (
        a_clause("keeps"),
        a_clause("tidies", level="advisory"),
        a_clause("upgrades", opt_in="--more"),
        replace(a_clause("prunes"), needs=("prune",)),
        replace(a_clause("flies"), needs=("fly",)),
    )

    demanded = demands(contract, "0" * 64, "1" * 64, clauses)

    assert demanded.required == {"keeps", "prunes"}
    assert demanded.advisory == {"tidies"}


@pytest.mark.parametrize(
    ("files", "complaints"),
    [
        ([(WHEEL, "1.0"), (SDIST, "1.0")], []),
        ([(WHEEL, "1.0"), (WHEEL, "1.0"), (SDIST, "1.0")], []),
        ([(WHEEL, "1.0")], ["lacks the sdist of 'odd'"]),
        ([(WHEEL, "1.0"), (SDIST, "1.1")], ["mixes versions: 1.0, 1.1"]),
        (
            [(WHEEL, "1.0"), (SDIST, "1.0"), (replace(SDIST, name="even"), "1.0")],
            ["has a sdist of 'even', which is no part of it"],
        ),
    ],
)
def test_files_as_one_release(files: list[tuple[Part, str]], complaints: list[str]) -> None:
    assert list(incoherent(files, (WHEEL, SDIST))) == complaints


def test_without_parts_any_files_are_a_release() -> None:
    assert list(incoherent([(WHEEL, "1.0"), (SDIST, "1.1")], ())) == []
