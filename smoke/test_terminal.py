"""Consent on a terminal: what a person is asked before a runtime is installed, and what each answer does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from smoke.project import COUNT, asking

if TYPE_CHECKING:
    from pathlib import Path

    from smoke.product import Ktx

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal on Windows")


@pytest.mark.required
@pytest.mark.needs("query")
@pytest.mark.parametrize("answer", ["n", "no", "", "what?"], ids=["n", "no", "return", "nonsense"])
def test_no_installs_nothing(ktx: Ktx, project: Path, answer: str) -> None:
    """On a terminal `sl query` asks before it installs the runtime; on no it exits 1, says so, and installs nothing."""
    with ktx.sandbox.on_terminal(*ktx.words("query", *asking(COUNT, project))) as terminal:
        terminal.expect(ktx.message("question").pattern)
        terminal.send_line(answer)
        terminal.expect(ktx.message("cancelled").pattern)

    result = ktx.sandbox.results[-1]
    assert result.exit_code == 1, f"expected exit code 1, was {result.ending}"
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("query", "status")
@pytest.mark.needs_network("it installs a runtime")
def test_yes_installs_the_runtime(ktx: Ktx, project: Path) -> None:
    """On yes the runtime is installed, and the query is answered."""
    with ktx.sandbox.on_terminal(*ktx.words("query", *asking(COUNT, project), "--execute")) as terminal:
        terminal.expect(ktx.message("question").pattern)
        terminal.send_line("y")
        terminal.expect("order_count")

    result = ktx.sandbox.results[-1]
    assert result.exit_code == 0, f"expected success, was {result.ending}"
    assert ktx.message("installing").search(result.stdout)
    assert ktx.message("runtime_ready").search(result.stdout)
    assert ktx.status()["kind"] == "ready"


@pytest.mark.required
@pytest.mark.needs("query")
def test_interrupt_installs_nothing(ktx: Ktx, project: Path) -> None:
    """Ctrl-C at the question ends the command with a nonzero exit code and no traceback; nothing is half-installed."""
    with ktx.sandbox.on_terminal(*ktx.words("query", *asking(COUNT, project))) as terminal:
        terminal.expect(ktx.message("question").pattern)
        terminal.interrupt()

    result = ktx.sandbox.results[-1]
    assert result.exit_code not in {0, None}, f"expected a nonzero exit code, was {result.ending}"
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("query")
def test_no_input_asks_nothing(ktx: Ktx, project: Path) -> None:
    """With `--no-input` nothing is asked even on a terminal: `sl query` refuses as it does elsewhere."""
    with ktx.sandbox.on_terminal(*ktx.words("query", *asking(COUNT, project), "--no-input")) as terminal:
        terminal.expect(ktx.message("needs_runtime").pattern)

    result = ktx.sandbox.results[-1]
    assert result.exit_code == 1, f"expected exit code 1, was {result.ending}"
    assert not ktx.message("question").search(result.stdout)
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("query", "install")
def test_ready_runtime_needs_no_consent(ready_ktx: Ktx, ready_project: Path) -> None:
    """Where the runtime is ready nothing is asked: the query is answered at once."""
    with ready_ktx.sandbox.on_terminal(*ready_ktx.words("query", *asking(COUNT, ready_project))) as terminal:
        terminal.expect("order_count")

    result = ready_ktx.sandbox.results[-1]
    assert result.exit_code == 0, f"expected success, was {result.ending}"
    assert not ready_ktx.message("question").search(result.stdout)
