"""Self-tests of reading clauses off cases."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.tests.values import assert_plain
from harness.verdict.clause import Clause, clauses_of, id_of_case

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = "import pytest\n\n"
PLAIN = '@pytest.mark.required\ndef test_{name}():\n    """It {name}."""\n\n'
FULL = '''\
@pytest.mark.advisory
@pytest.mark.needs("prune", "status")
@pytest.mark.opt_in("--more")
@pytest.mark.parametrize("one", [1, 2, 3])
@pytest.mark.parametrize("other", [pytest.param("a", id="x"), "b"])
def test_varies(one, other):
    """It varies,
    over two lines.

    And more about that.
    """
'''
BESIDES = '''\
from argparse import Namespace as TestNamespace
from harness.errors import TestbedError

TESTED = 1
Testing = "a word"

class Helper:
    pass

def help_out():
    pass

@pytest.mark.filterwarnings("error")
@pytest.mark.advisory
def test_it():
    """It."""
'''
MARKERS = ("required", "advisory", "every_invocation", "needs", "opt_in")
_numbers = itertools.count()


@pytest.fixture
def read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> Callable[..., tuple[Clause, ...]]:
    """Reads the clauses of a package of cases, given file by file."""
    for marker in MARKERS:  # known also where the plugin is not loaded
        pytestconfig.addinivalue_line("markers", marker)
    package = tmp_path / f"cases_{next(_numbers)}"  # a module is imported once
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(*, invocations: int | None = None, **files: str) -> tuple[Clause, ...]:
        for name, text in files.items():
            (package / f"{name}.py").write_text(HEAD + text, encoding="utf-8")
        return clauses_of(package) if invocations is None else clauses_of(package, invocations=invocations)

    return write


def test_a_case_says_all_there_is_to_a_clause(read: Callable[..., tuple[Clause, ...]]) -> None:
    (clause,) = read(test_family=FULL)

    assert (clause.id, clause.family, clause.level) == ("varies", "family", "advisory")
    assert clause.statement == "It varies, over two lines."
    assert clause.needs == ("prune", "status")
    assert clause.cases == 6
    assert clause.opt_in == "--more"


def test_a_clause_for_every_way_to_call_a_release_has_so_many_cases_more(
    read: Callable[..., tuple[Clause, ...]],
) -> None:
    marker = "@pytest.mark.every_invocation\n"
    varies = FULL.replace("test_varies", "test_varies_in_every_way")
    text = marker + PLAIN.format(name="a") + PLAIN.format(name="b") + FULL + marker + varies

    assert [clause.cases for clause in read(test_one=text)] == [1, 1, 6, 6]
    assert [clause.cases for clause in read(test_one=text, invocations=2)] == [2, 1, 6, 7]
    assert [clause.cases for clause in read(test_one=text, invocations=3)] == [3, 1, 6, 8]


def test_clauses_stand_in_the_order_of_files_and_lines(read: Callable[..., tuple[Clause, ...]]) -> None:
    clauses = read(
        test_b=PLAIN.format(name="z") + PLAIN.format(name="a"),
        test_a=PLAIN.format(name="m"),
        other=PLAIN.format(name="o"),
    )

    assert [clause.id for clause in clauses] == ["m", "z", "a"]
    assert [clause.cases for clause in clauses] == [1, 1, 1]


def test_what_stands_beside_the_cases_is_no_clause(read: Callable[..., tuple[Clause, ...]]) -> None:
    (clause,) = read(test_family=BESIDES)

    assert (clause.id, clause.level, clause.needs, clause.cases) == ("it", "advisory", (), 1)


def test_a_clause_is_asked_for_only_where_it_says_so(read: Callable[..., tuple[Clause, ...]]) -> None:
    clauses = read(test_family=PLAIN.format(name="a") + BESIDES)

    assert [clause.opt_in for clause in clauses] == ["", ""]
    assert not Clause(id="a", family="b", level="required", statement="It.", needs=(), cases=1).opt_in


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('def test_it():\n    """It."""\n', "case 'test_it' needs one of the markers required, advisory"),
        ("@pytest.mark.required\ndef test_it():\n    pass\n", "case 'test_it' needs .* and a docstring"),
        ('@pytest.mark.required\n@pytest.mark.advisory\ndef test_it():\n    """It."""\n', "needs one of"),
        ("class TestAll:\n    pass\n", "'TestAll' in '.*test_odd' is a class; hint: cases are functions"),
    ],
    ids=["no level", "no sentence", "two levels", "class"],
)
def test_what_is_no_clause_is_refused(read: Callable[..., tuple[Clause, ...]], text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        read(test_odd=text)


def test_two_cases_of_one_name_are_refused(read: Callable[..., tuple[Clause, ...]]) -> None:
    text = PLAIN.format(name="same") + PLAIN.format(name="too")

    with pytest.raises(UsageError, match="two cases are called 'test_same'; hint: a clause's id is its case's name"):
        read(test_a=text, test_b=text)


@pytest.mark.parametrize(("name", "clause"), [("test_a", "a"), ("test_a[x]", "a"), ("test_a[test_b[c]]", "a")])
def test_a_case_belongs_to_the_clause_of_its_name(name: str, clause: str) -> None:
    assert id_of_case(name) == clause


def test_a_clause_cannot_be_changed(read: Callable[..., tuple[Clause, ...]]) -> None:
    assert_plain(*read(test_family=FULL))
