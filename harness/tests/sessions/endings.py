"""How a session that found something wrong must end, whatever it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.tests.sessions.checkouts import REPOSITORY

if TYPE_CHECKING:
    from harness.tests.sessions.checkouts import Checkout, Run


def assert_orderly(run: Run) -> None:
    """No traceback of the harness; one of the release's own is evidence."""
    assert "INTERNALERROR" not in run.output
    assert f'File "{REPOSITORY}/harness' not in run.output


def assert_refused(run: Run, checkout: Checkout, complaint: str) -> None:
    """A command line that makes no sense, found at once."""
    assert run.exit_code == 4, run.output
    (line,) = run.lines("ERROR: ")
    assert re.search(complaint, line), line
    assert_orderly(run)
    assert checkout.left_behind == []


def assert_ended(run: Run, checkout: Checkout, verdict: str, exit_code: int, complaint: str) -> None:
    """A run that found out why it cannot go on."""
    assert (run.verdict, run.exit_code) == (verdict, exit_code), run.output
    (line,) = run.lines("reason:")
    assert re.search(complaint, line), line
    assert run.document["reason"] == line.removeprefix("reason:").strip()
    assert_orderly(run)
    assert checkout.left_behind == []
