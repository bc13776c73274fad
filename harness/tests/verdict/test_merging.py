"""Self-tests of joining the verdicts of several runs, and of the command that does it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from harness.errors import UsageError
from harness.merge import main
from harness.tests.verdict.records import a_case, a_clause
from harness.verdict import document, merging
from harness.verdict.evidence import ClauseRecord
from harness.verdict.merging import merge

if TYPE_CHECKING:
    from harness.verdict.clause import Outcome
    from harness.verdict.document import Document
    from harness.verdict.evidence import Verdict

SCHEMA = json.loads((Path(merging.__file__).parent / "merged.schema.json").read_text(encoding="utf-8"))


def a_document(
    verdict: Verdict = "passed",
    *,
    file: str | None = "dist/odd-1.0.whl",
    sha256: str = "0" * 64,
    version: str = "1.0",
    keeps: Outcome = "passed",
) -> Document:
    """The verdict of a run in which one promise came out like this."""
    refusal = document.refusal(reference="odd", reason="", started_at=0.0)
    refusal["verdict"] = verdict
    if file is not None:
        facts = refusal["artifact"]
        facts["file"], facts["name"], facts["version"], facts["sha256"] = file, "odd", version, sha256
    reason = "" if keeps == "passed" else "it did not"
    record = ClauseRecord(clause=a_clause(), outcome=keeps, reason=reason, cases=(replace(a_case(), outcome=keeps),))
    refusal["clauses"] = [document._clause(record, 0.0)]  # noqa: SLF001 -- the one way there is from records to facts
    return refusal


def write(directory: Path, name: str, content: object) -> Path:
    """The evidence of a run."""
    (directory / name).mkdir(parents=True)
    (directory / name / "verdict.json").write_text(json.dumps(content))
    return directory


def test_the_worst_run_counts() -> None:
    merged = merge({"old": a_document("failed", keeps="failed"), "new": a_document()})

    jsonschema.Draft202012Validator(SCHEMA).validate(merged)
    assert (merged["verdict"], merged["name"], merged["version"]) == ("failed", "odd", "1.0")
    assert [run["run"] for run in merged["runs"]] == ["new", "old"]
    assert [(each["outcome"], each["reason"], each["runs"]) for each in merged["clauses"]] == [
        ("failed", "it did not", ["old"])
    ]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("passed", "passed", "passed"),
        ("passed", "not-applicable", "passed"),
        ("not-selected", "passed", "passed"),
        ("not-applicable", "not-selected", "not-selected"),
        ("not-run", "passed", "not-run"),
        ("not-run", "failed", "failed"),
        ("not-applicable", "not-applicable", "not-applicable"),
    ],
)
def test_a_run_that_can_tell_says_more_than_one_that_cannot(one: Outcome, other: Outcome, both: Outcome) -> None:
    merged = merge({"one": a_document(keeps=one), "other": a_document(keeps=other)})

    assert [clause["outcome"] for clause in merged["clauses"]] == [both]


def test_runs_on_two_releases_are_refused() -> None:
    with pytest.raises(UsageError, match=r"several releases: 'odd' 1\.0, 'odd' 2\.0"):
        merge({"old": a_document(), "new": a_document(version="2.0", file="odd-2.0.whl")})


def test_files_of_one_name_must_be_one_file() -> None:
    with pytest.raises(UsageError, match=r"'odd-1\.0\.whl' is not the same file in 'a' and 'b'; hint: build once"):
        merge({"a": a_document(), "b": a_document(file="other\\odd-1.0.whl", sha256="1" * 64)})


def test_a_run_without_a_file_still_counts() -> None:
    merged = merge({"a": a_document(), "b": a_document("testbed-fault", file=None, keeps="not-run")})

    jsonschema.Draft202012Validator(SCHEMA).validate(merged)
    assert (merged["verdict"], merged["name"]) == ("testbed-fault", "odd")


def test_no_verdict_is_none() -> None:
    with pytest.raises(UsageError, match="no verdict to merge"):
        merge({})


def test_the_command_tells_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "all", "linux", a_document())
    write(tmp_path / "all", "deep/windows", a_document("failed", keeps="failed"))
    out = tmp_path / "merged.json"

    code = main([str(tmp_path / "all"), "--expect", "2", "--out", str(out)])

    assert code == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "release:   odd 1.0"
    assert any(line.startswith("  failed         keeps (required) in ") for line in said)
    assert said[-1] == "verdict:   failed"
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(out.read_text()))


@pytest.mark.parametrize(
    ("verdict", "options", "code"),
    [
        ("passed", (), 0),
        ("warned", (), 0),
        ("warned", ("--strict",), 1),
        ("incomplete", (), 1),
        ("nothing-tested", (), 5),
        ("unusable", (), 6),
        ("testbed-fault", (), 7),
    ],
)
def test_the_exit_code_is_that_of_the_verdict(
    tmp_path: Path, verdict: Verdict, options: tuple[str, ...], code: int
) -> None:
    write(tmp_path, "run", a_document(verdict))

    assert main([str(tmp_path), *options]) == code


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"schema": 2, "verdict": "passed"}', "is no verdict of schema 1"),
        ('{"schema": 1}', "cannot be read as a verdict: 'verdict'"),
        ("[]", "cannot be read as a verdict"),
        ('{"schema": 1, "ver', "cannot be read as a verdict"),
    ],
    ids=["schema", "key", "list", "half"],
)
def test_what_is_no_verdict_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, complaint: str
) -> None:
    (tmp_path / "verdict.json").write_text(content)

    assert main([str(tmp_path)]) == 4
    assert complaint in capsys.readouterr().err


def test_a_run_that_is_missing_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "run", a_document())

    assert main([str(tmp_path), "--expect", "2"]) == 4
    assert "there are 1 verdicts, expected were 2" in capsys.readouterr().err
    assert main([str(tmp_path / "empty")]) == 4
    assert "there is no verdict.json in" in capsys.readouterr().err
