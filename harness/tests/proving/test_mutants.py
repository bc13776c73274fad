"""Mutation testing, for real, of a module that is as small as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.proving import mutation
from harness.proving.mutants import CHECKOUT, MODULES, SURVIVORS, Score, main, read
from harness.proving.mutation import Mutant, Trial, mutants_of, self_tests_of

if TYPE_CHECKING:
    from pathlib import Path

ODD = "harness/odd.py"
SELF_TESTS = "harness/tests/test_odd.py"
ENTRY = """\
[[survivor]]
module = "harness/odd.py"
line = "FLAG_{number} = True"
becomes = ["FLAG_{number} = False"]
reason = "nobody looks at it"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the least that mutation testing needs."""
    write(tmp_path / "pyproject.toml", '[tool.pytest]\npythonpath = ["."]\n')
    write(tmp_path / SURVIVORS, "")
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_flags(checkout: Path, number: int) -> Path:
    """A module of so many flags, and self-tests that look at all but the last of them."""
    write(checkout / SELF_TESTS, f"from harness import odd\n\ndef test():\n    assert {looks(number - 1)}\n")
    return write(checkout / ODD, "".join(f"FLAG_{each} = True\n" for each in range(number)))


def looks(number: int) -> str:
    return " and ".join(f"odd.FLAG_{each}" for each in range(number))


def test_a_mutant_that_nobody_noticed_has_to_be_explained(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = write_flags(checkout, 10)
    source = module.read_text()

    assert main([ODD], checkout=checkout) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:5] == [ODD, "10", "9", "1", "90.0%"]
    assert lines[-3:] == ["NOT EXPLAINED  harness/odd.py:10", "  - FLAG_9 = True", "  + FLAG_9 = False"]
    assert module.read_text() == source


def test_what_is_explained_may_survive_and_what_is_explained_for_nothing_is_told(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_flags(checkout, 10)
    write(checkout / SURVIVORS, ENTRY.format(number=9) + ENTRY.format(number=0))

    assert main([ODD], checkout=checkout) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == ["no longer survives  harness/odd.py", "  - FLAG_0 = True", "  + FLAG_0 = False"]
    assert not any("NOT EXPLAINED" in line for line in lines)


def test_too_many_survivors_are_too_many_even_if_all_are_explained(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_flags(checkout, 2)
    write(checkout / SURVIVORS, ENTRY.format(number=1))

    assert main([ODD], checkout=checkout) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "50.0% killed, and 90% are needed"


def test_a_mutant_that_hangs_is_killed_at_the_deadline(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutation, "DEADLINE", 3.0)
    write(checkout / ODD, "WAITS = False\n")
    write(checkout / SELF_TESTS, "from harness import odd\n\ndef test():\n    while odd.WAITS:\n        pass\n")

    assert main([ODD], checkout=checkout) == 0
    assert "; 1 of the killed ran into the deadline" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        (ODD, "FLAG_0 = False\n", "the self-tests of 'harness/odd.py' fail without a mutant\n"),
        (str(SURVIVORS), "[[survivor", "'survivors.toml' cannot be read: "),
        (str(SURVIVORS), ENTRY.replace("nobody looks at it", ""), "a survivor in 'survivors.toml' needs becomes, "),
        (str(SURVIVORS), ENTRY.replace("reason", "because"), "a survivor in 'survivors.toml' needs becomes, "),
    ],
    ids=["red self-tests", "not TOML", "no reason", "unknown key"],
)
def test_where_nobody_can_tell_the_mistake_is_named(
    checkout: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, complaint: str
) -> None:
    write_flags(checkout, 2)
    write(checkout / file, text)

    assert main([ODD], checkout=checkout) == 4
    assert capsys.readouterr().err.startswith(complaint)


def test_a_module_without_self_tests_is_a_mistake(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(checkout / ODD, "FLAG_0 = True\n")

    assert main([ODD], checkout=checkout) == 4
    assert capsys.readouterr().err == "'harness/odd.py' has no self-tests of its own\n"


def test_a_module_may_have_several_files_of_self_tests(tmp_path: Path) -> None:
    for name in ("test_odd.py", "test_odd_more.py", "test_oddity.py"):
        write(tmp_path / "harness" / "tests" / name, "")

    assert self_tests_of(tmp_path, ODD) == ("harness/tests/test_odd_more.py", SELF_TESTS)


@pytest.mark.parametrize(
    ("source", "left_out"),
    [
        ("A = True\ndef greet(name: str | None) -> int | None:\n    pass\n", 2 * 11),
        ("A = True\ndef greet(word, *, name):\n    pass\n", 10),  # of the operators only `/` can stand there
        ("A = True\ntry:\n    pass\nexcept (os.error, OSError):\n    pass\n", 1),
    ],
    ids=["annotations", "no syntax", "beyond cosmic-ray"],
)
def test_what_no_self_test_could_notice_does_not_count(tmp_path: Path, source: str, left_out: int) -> None:
    write(tmp_path / ODD, source)

    found = list(mutants_of(tmp_path, ODD))

    assert found.count(None) == left_out
    assert ("A = True", "A = False") in {(mutant.was, mutant.becomes) for mutant in found if mutant}


def test_a_change_is_told_by_its_line() -> None:
    mutant = Mutant(module=ODD, line=1, was="A = True", becomes="A = False", code="A = False\n")
    trials = [Trial(mutant=mutant, outcome=outcome, seconds=1) for outcome in ("killed", "overdue", "survived")]

    score = Score(name=ODD, trials=tuple(trials), left_out=0)

    assert score.survivors == (mutant,)
    assert (score.overdue, round(score.share, 2)) == (1, 0.67)
    assert Score(name=ODD, trials=(), left_out=3).share == 0


def test_every_survivor_of_the_list_is_a_line_of_its_module() -> None:
    known = read(CHECKOUT / SURVIVORS)
    sources = {module: " ".join((CHECKOUT / module).read_text(encoding="utf-8").split()) for module in MODULES}

    assert known
    assert [survivor for survivor in known if survivor.line not in sources[survivor.module]] == []
