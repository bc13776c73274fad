"""The proof guards the cases: one that checks nothing any more lets its fault survive, and the proof says so."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.proving.catalogue import load
from harness.verdict.clause import clauses_of

CHECKOUT = Path(__file__).resolve().parents[3]
FAULTS = {entry.id: entry for entry in load(CHECKOUT / "fixtures")}
FAMILIES = {clause.id: clause.family for clause in clauses_of(CHECKOUT / "smoke")}
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "dist")


def gut(module: Path, case: str) -> None:
    """Replace the body of a case by nothing; its docstring stays."""
    text = module.read_text(encoding="utf-8")
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    [function] = [node for node in functions if node.name == case]
    first, last = function.body[1].lineno, function.end_lineno
    lines = text.splitlines(keepends=True)
    module.write_text("".join([*lines[: first - 1], "    pass\n", *lines[last:]]), encoding="utf-8")


def prove_without(clause: str, entry: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Prove one entry with a copy of the checkout in which the case of a clause checks nothing."""
    copy = shutil.copytree(CHECKOUT, directory / "checkout", ignore=IGNORED)
    gut(copy / "smoke" / f"test_{FAMILIES[clause]}.py", f"test_{clause}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "harness.proving", entry],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("entry", ["dry-run-exits-1", "ships-a-secret"])
def test_case_without_a_body_is_found_out(entry: str, tmp_path: Path) -> None:
    clause = FAULTS[entry].clauses[0]

    proof = prove_without(clause, entry, tmp_path)

    assert proof.returncode == 1, proof.stdout + proof.stderr
    assert proof.stdout.startswith(f"SURVIVED  {entry} ")
    assert clause in proof.stdout.splitlines()[0]
    assert "0 of 1 broken releases caught" in proof.stdout
