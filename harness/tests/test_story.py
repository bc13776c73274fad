"""Self-tests of what a failure says happened instead."""

from __future__ import annotations

import pytest

from harness import story

WHERE = " +  where 1 = len('a')\n +    where 'a' = Odd().name"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"assert 1 == 2\n{WHERE}", "assert 1 == 2"),
        (
            "assert [1] == [2]\n  At index 0: 1 != 2\n  Use -v to get more diff",
            "assert [1] == [2]\n  At index 0: 1 != 2",
        ),
        (f"it has one\nassert 1 == 2\n{WHERE}", "it has one"),
        (f"assert False\n{WHERE}", f"assert False\n{WHERE}"),
        ("", "the assertion does not hold"),
    ],
    ids=["values", "difference", "own words", "bare", "silent"],
)
def test_what_happened_instead_in_as_few_words_as_explain_it(said: str, told: str) -> None:
    assert story.instead(AssertionError(said)) == told


def test_a_mistake_in_a_case_is_named() -> None:
    assert story.instead(ValueError("nobody understands this")) == "ValueError: nobody understands this"
