"""Sessions of many cases: what one of them needed is gone when it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout
    from harness.verdict.document import Document

CASES = '''
import gc

from harness.running.sandbox import Sandbox


@pytest.mark.required
@pytest.mark.parametrize("number", range(3))
def test_is_alone(odd, number):
    """Nobody holds on to the sandbox of another case, nor to the trees and the output in it."""
    odd("--version")
    gc.collect()
    assert sum(isinstance(each, Sandbox) for each in gc.get_objects()) == 1
'''


def test_sandbox_of_a_case_goes_with_it(checkout: Checkout) -> None:
    checkout.add_cases(CASES)

    run = checkout.smoke("-n0", "-k", "is_alone")

    assert run.outcomes["is_alone"] == "passed", run.output
    document = cast("Document", run.document)
    [clause] = [clause for clause in document["clauses"] if clause["id"] == "is_alone"]
    assert [len(case["commands"]) for case in clause["cases"]] == [1, 1, 1]
