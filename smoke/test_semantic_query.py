"""Queries of the semantic layer: a measure to SQL, and to the real rows of a real database."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from smoke.project import COUNT, IDS, asking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.running.result import CommandResult
    from smoke.product import Ktx


@pytest.mark.required
@pytest.mark.needs("query", "install")
def test_query_compiles_a_measure(ready_ktx: Ktx, ready_project: Path) -> None:
    """`sl query` compiles a measure to SQL in the dialect of its connection, and runs nothing."""
    result = ready_ktx.run("query", *asking(COUNT, ready_project))

    answer = answer_of(result)
    assert re.match(r"SELECT COUNT\(\*\) AS order_count FROM orders\b", answer["sql"])
    assert (answer["connectionId"], answer["dialect"]) == ("warehouse", "sqlite")
    assert answer["headers"] == ["order_count"]
    assert answer["rows"] == []
    assert answer["plan"]["execution"]["mode"] == "compile_only"
    assert result.stderr == ""
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("query", "install")
def test_query_executes_a_measure(ready_ktx: Ktx, ready_project: Path) -> None:
    """`sl query --execute` runs the SQL on the database and gives the real rows: three orders are counted as 3."""
    result = ready_ktx.run("query", *asking(COUNT, ready_project), "--execute", "--max-rows", "100")

    answer = answer_of(result)
    assert (answer["headers"], answer["rows"], answer["totalRows"]) == (["order_count"], [[3]], 1)
    assert answer["plan"]["execution"] == {"mode": "executed", "driver": "sqlite"}
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("query", "install")
def test_query_respects_max_rows(ready_ktx: Ktx, ready_project: Path) -> None:
    """`--max-rows` limits how many rows an answer has; without it there are all of them."""
    everything = ready_ktx.run("query", *asking(IDS, ready_project), "--execute")
    limited = ready_ktx.run("query", *asking(IDS, ready_project), "--execute", "--max-rows", "2")

    assert answer_of(everything)["rows"] == [[1], [2], [3]]
    assert answer_of(limited)["rows"] == [[1], [2]]


@pytest.mark.required
@pytest.mark.needs("query", "install")
def test_query_names_an_unknown_measure(ready_ktx: Ktx, ready_project: Path) -> None:
    """A measure that does not exist is named on stderr, with exit 1 and nothing on stdout."""
    options = asking("orders.no_such_measure", ready_project)

    result = ready_ktx.fail("query", *options, "--execute", says="unknown_measure")

    assert result.exit_code == 1
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("query", "install")
def test_query_leaves_a_read_only_database_alone(ready_ktx: Ktx, ready_project: Path) -> None:
    """`--execute` answers from a database and a directory that cannot be written, and leaves them as they are."""
    database = ready_project / "warehouse.db"
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    database.chmod(0o444)
    ready_project.chmod(0o555)
    ready_ktx.sandbox.drop_privileges()

    result = ready_ktx.run("query", *asking(COUNT, ready_project), "--execute")

    assert answer_of(result)["rows"] == [[3]]
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("query", "install")
@pytest.mark.parametrize("problem", ["nowhere", "no-ktx-yaml", "not-yaml", "no-database"])
def test_query_explains_a_broken_project(ready_ktx: Ktx, ready_project: Path, problem: str) -> None:
    """A project without `ktx.yaml` or database, or whose YAML does not parse, gets one clear line and exit 1."""
    break_project, says = PROBLEMS[problem]
    directory = break_project(ready_project)

    result = ready_ktx.fail("query", *asking(COUNT, directory), "--execute", says=says)

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert str(directory) in result.stderr
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("query", "install")
@pytest.mark.parametrize("number", ["0", "many"])
def test_query_refuses_a_number_of_rows(ready_ktx: Ktx, ready_project: Path, number: str) -> None:
    """`--max-rows` takes a number of rows and nothing else: what is wrong stands on stderr, with the usage."""
    result = ready_ktx.fail("query", *asking(COUNT, ready_project), "--max-rows", number, says="usage")

    assert number in result.stderr
    assert result.exit_code in {1, 2}


def answer_of(result: CommandResult) -> dict[str, Any]:
    """The answer, which is all that stdout holds."""
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def _nowhere(project: Path) -> Path:
    return project / "nowhere"


def _no_configuration(project: Path) -> Path:
    (project / "ktx.yaml").unlink()
    return project


def _not_yaml(project: Path) -> Path:
    (project / "ktx.yaml").write_text("connections: [warehouse: {\n", encoding="utf-8")
    return project


def _no_database(project: Path) -> Path:
    (project / "warehouse.db").unlink()
    return project


# How a project is broken, and the message of the contract that is due.
PROBLEMS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nowhere": (_nowhere, "not_a_project"),
    "no-ktx-yaml": (_no_configuration, "not_a_project"),
    "not-yaml": (_not_yaml, "invalid_yaml"),
    "no-database": (_no_database, "no_database"),
}
