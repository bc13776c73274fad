"""What a user sees while a proof runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.proving.progress import lines

CHECKOUT = Path(__file__).resolve().parents[3]
TWO = """
from harness.proving.progress import lines
with lines(2) as tell:
    tell("caught    one-[b]fault[/b] " + "x" * 100)
    input()
    tell("caught    another")
"""


def test_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with lines(2) as tell:
        tell("caught    one")
        tell("caught    another")

    assert capsys.readouterr().out == "caught    one\ncaught    another\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal that pexpect can use")
def test_terminal_gets_a_bar_below_the_lines() -> None:
    import pexpect  # noqa: PLC0415 -- not available on Windows

    terminal = pexpect.spawn(sys.executable, ["-c", TWO], cwd=str(CHECKOUT), encoding="utf-8", dimensions=(24, 80))

    terminal.expect_exact("caught    one-[b]fault[/b] " + "x" * 100)
    terminal.expect("proving .*1/2")
    terminal.sendline()
    terminal.expect_exact("caught    another")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0
