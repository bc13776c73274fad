"""Self-tests of listing the children of a process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.running.children import listed, searched

WAITS = "import sys; sys.stdin.read()"


@pytest.mark.parametrize("way", [listed, searched], ids=["listed", "searched"])
def test_a_child_is_listed_until_it_has_been_waited_for(way: object) -> None:
    assert callable(way)
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE) as child:
        assert child.pid in way(os.getpid())
        child.communicate()
        assert child.pid not in way(os.getpid())


@pytest.mark.parametrize("way", [listed, searched], ids=["listed", "searched"])
def test_a_process_that_is_gone_has_none(way: object) -> None:
    assert callable(way)
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()

    assert way(child.pid) == set()
