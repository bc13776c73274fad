"""The proof that the smoke can fail: broken releases, built, installed and smoked for real.

One for each promise about pruning, and those that nobody may ever publish; `nox -s prove` runs them all.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.proving.__main__ import line_of, main
from harness.proving.catalogue import Entry, Text, load
from harness.proving.jobs import Prover
from harness.proving.matrix import Proof
from harness.verdict.clause import clauses_of

CHECKOUT = Path(__file__).resolve().parents[3]
ENTRIES = {entry.id: entry for entry in load(CHECKOUT / "fixtures")}
CLAUSES = {clause.id: clause for clause in clauses_of(CHECKOUT / "smoke")}
WORST = (
    "dry-run-deletes",
    "bare-prune-deletes",
    "bare-prune-exits-0",
    "refusal-on-stdout",
    "yes-deletes-nothing-but-says-so",
    "yes-deletes-the-current-version",
    "yes-follows-a-link",
    "dry-run-deletes-later",
)
WITHOUT_EFFECT = (
    "sentence = 'It has one module more'\n{clauses}\n[[add]]\nfile = 'src/kaelio_ktx/more.py'\ntext = '#'\n"
)


def one_a_clause() -> tuple[Entry, ...]:
    """The worst entries, and the first that exercises a promise which these do not."""
    chosen = {identifier: ENTRIES[identifier] for identifier in WORST}
    for clause in CLAUSES.values():
        exercised = {each for entry in chosen.values() for each in entry.clauses}
        if clause.family.startswith("runtime_prune") and clause.id not in exercised:
            entry = next(entry for entry in ENTRIES.values() if clause.id in entry.clauses)
            chosen[entry.id] = entry
    return tuple(chosen.values())


@pytest.fixture
def prover(tmp_path: Path) -> Prover:
    return Prover(clauses=CLAUSES, directory=tmp_path)


@pytest.mark.parametrize("entry", one_a_clause(), ids=lambda entry: entry.id)
def test_broken_release_is_caught(prover: Prover, entry: Entry) -> None:
    proof = prover.prove(entry)

    assert proof.problem == ""
    assert proof.survivors == ()
    assert proof.holds


def test_release_that_is_built_from_source_is_caught(prover: Prover) -> None:
    proof = prover.prove(ENTRIES["version-is-spelt-in-two-ways"])

    assert proof.verdict == "unusable"
    assert set(proof.failed) == {"builds"}
    assert proof.holds


def test_harmless_release_is_green(prover: Prover) -> None:
    proof = prover.prove(ENTRIES["ships-an-extra-module"])

    assert proof.failed == {}
    assert proof.holds


def test_proof_goes_red_when_a_fault_survives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = write_catalogue(tmp_path, "broken", "clauses = ['version_is_that_of_the_artifact']")

    code = main(["without-effect", "--catalogue", str(catalogue), "--out", str(tmp_path / "matrix.json")])

    said = capsys.readouterr().out
    [row] = json.loads((tmp_path / "matrix.json").read_text(encoding="utf-8"))["entries"]
    assert code == 1
    assert said.startswith("SURVIVED  without-effect")
    assert "0 of 1 broken releases caught" in said
    assert (row["id"], row["holds"], row["failed"]) == ("without-effect", False, {})
    assert "| `without-effect` | **no** |" in (tmp_path / "matrix.md").read_text(encoding="utf-8")


def test_proof_goes_red_when_a_release_cannot_be_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = write_catalogue(tmp_path, "broken", "clauses = ['starts']", name="breaks-its-build")
    entry = catalogue / "broken" / "breaks-its-build.toml"
    spoilt = "[[change]]\nfile = 'pyproject.toml'\nfind = '[build-system]'\nreplace = '[build-system'\n"
    entry.write_text(entry.read_text(encoding="utf-8") + spoilt, encoding="utf-8")

    code = main(["breaks-its-build", "--catalogue", str(catalogue), "--out", str(tmp_path / "matrix.json")])

    assert code == 1
    assert "no wheel was built: " in capsys.readouterr().out


def test_proof_goes_red_when_a_clause_has_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--catalogue", str(tmp_path), "--out", str(tmp_path / "matrix.json")])

    assert code == 1
    assert "clauses that no entry exercises: " in capsys.readouterr().out
    assert "builds" in json.loads((tmp_path / "matrix.json").read_text(encoding="utf-8"))["clauses_without_fault"]


@pytest.mark.parametrize(
    ("clauses", "asked_for", "complaint"),
    [
        ("clauses = ['starts']", "no-such-entry", "there is no entry 'no-such-entry'"),
        ("clauses = ['stars']", "without-effect", "entry 'without-effect' names 'stars', which is no clause"),
    ],
    ids=["no-such-entry", "no-such-clause"],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clauses: str, asked_for: str, complaint: str
) -> None:
    catalogue = write_catalogue(tmp_path, "broken", clauses)

    assert main([asked_for, "--catalogue", str(catalogue)]) == 4
    assert capsys.readouterr().err == f"{complaint}\n"


def test_harmless_release_that_a_clause_fails_is_a_false_alarm() -> None:
    entry = Entry(id="harmless", sentence="x", added=(Text(file="a", text="b"),))

    assert Proof(entry=entry, seconds=1.0, verdict="passed").holds
    assert not Proof(entry=entry, seconds=1.0, verdict="warned", failed={"starts": "it did not"}).holds
    assert not Proof(entry=entry, seconds=1.0, verdict="nothing-tested").holds
    assert not Proof(entry=entry, seconds=1.0, verdict="incomplete", not_run=("starts",)).holds


def test_line_says_how_an_entry_fared() -> None:
    broken = Entry(id="broken", sentence="x", clauses=("starts", "builds"))
    harmless = Entry(id="harmless", sentence="x")
    failed = {"starts": "it did not"}
    proofs = [
        Proof(entry=broken, seconds=1.0, verdict="unusable", failed=failed | {"builds": "nor this"}),
        Proof(entry=broken, seconds=1.0, verdict="unusable", failed=failed),
        Proof(entry=broken, seconds=1.0, problem="no disk"),
        Proof(entry=harmless, seconds=1.0, verdict="passed"),
        Proof(entry=harmless, seconds=1.0, verdict="unusable", failed=failed),
    ]

    assert [" ".join(line_of(proof).split()) for proof in proofs] == [
        "caught broken 1.0 s starts builds",
        "SURVIVED broken 1.0 s builds (unusable)",
        "PROBLEM broken 1.0 s no disk",
        "green harmless 1.0 s",
        "CRIES WOLF harmless 1.0 s starts",
    ]


def test_smoke_is_given_the_cases_that_matter(prover: Prover) -> None:
    everything = Prover(clauses=CLAUSES, directory=CHECKOUT, all_clauses=True)
    fault = Entry(id="fault", sentence="x", clauses=("starts", "builds"))
    harmless = Entry(id="harmless", sentence="x", families=("install",))

    assert prover.cases(fault) == ("smoke/test_install.py::test_starts", "smoke/test_artifact.py::test_builds")
    assert prover.cases(harmless) == ("smoke/test_install.py",)
    assert prover.cases(Entry(id="harmless", sentence="x")) == ("smoke",)
    assert everything.cases(fault) == ("smoke",)
    assert everything.trial(fault).enough == ()
    assert prover.trial(fault).enough == ("starts", "builds")


def write_catalogue(directory: Path, kind: str, clauses: str, name: str = "without-effect") -> Path:
    """A catalogue of one entry."""
    (directory / "catalogue" / kind).mkdir(parents=True)
    text = WITHOUT_EFFECT.format(clauses=clauses)
    (directory / "catalogue" / kind / f"{name}.toml").write_text(text, encoding="utf-8")
    return directory / "catalogue"
