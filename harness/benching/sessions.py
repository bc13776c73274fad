"""Sessions on generated cases: what a case costs when there are many, and how much memory the harness takes."""

from __future__ import annotations

import shutil
from statistics import median
from typing import TYPE_CHECKING

from harness.benching.bench import CHECKOUT
from harness.benching.interleaving import interleave
from harness.benching.rows import BY_ID, Figure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from harness.benching.bench import Bench

NUMBERS = (10, 100, 1_000)
BIG_TREE = 100_000

_CASES = '''\
"""So many cases that cost little."""

import pytest


@pytest.mark.required
@pytest.mark.parametrize("number", range({number}))
def test_costs_little(sandbox, number):
    """A command that does nothing does nothing."""
    assert not sandbox.run("{program}").changes
'''
_BIG_CASES = '''\
"""A tree and output as big as they get."""

import os

import pytest

PRINTS = """
import sys
for stream in sys.stdout, sys.stderr:
    for _ in range({blocks}):
        stream.write("y" * 80_000)
"""


@pytest.fixture
def tree(sandbox):
    for number in range({files} // 100):
        directory = sandbox.runtime_root / str(number)
        directory.mkdir(parents=True)
        for name in range(100):
            (directory / str(name)).write_bytes(b"%d" % number)


@pytest.mark.required
def test_much_is_printed(sandbox, tree, preparation):
    """A command prints as much as is kept of it, on both streams."""
    result = sandbox.run(preparation.installation.base_python, "-c", PRINTS)

    assert len(result.stdout) > 1_000
    assert not result.changes


@pytest.mark.required
def test_a_file_is_changed(sandbox, tree, preparation):
    """A command prints without end, and removes a file of many."""
    first = sandbox.runtime_root / "0" / "0"
    program = f"import os; os.unlink({{str(first)!r}})\\nwhile True: os.write(1, b'y' * 65_536)"

    result = sandbox.run(preparation.installation.base_python, "-c", program)

    assert result.exit_code is None
    assert len(result.changes.removed) == 1
'''
_CONFTEST = '''\
"""Loads the harness, and writes down how much memory this process had at most."""

import re
from pathlib import Path

pytest_plugins = ["harness.plugin"]


def pytest_unconfigure(config):
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = re.search(r"^VmHWM:\\s*(\\d+) kB$", status, re.MULTILINE)[1]
    Path(config.rootpath, "peak").write_text(peak, encoding="utf-8")
'''


def write_checkout(directory: Path, cases: str) -> Path:
    """Make a checkout that has this project's settings and contracts, and one file of cases."""
    contracts = directory / "smoke" / "contracts"
    shutil.copytree(CHECKOUT / "smoke" / "contracts", contracts)
    shutil.copy2(CHECKOUT / "pyproject.toml", directory)
    (directory / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    (directory / "smoke" / "__init__.py").touch()
    (directory / "smoke" / "test_generated.py").write_text(cases, encoding="utf-8")
    return directory


def cost_a_case(bench: Bench, _wanted: Collection[str], *, numbers: tuple[int, int, int] = NUMBERS) -> Iterator[Figure]:
    """What each further case adds to the whole command: what is the same for any number cancels out."""
    program = shutil.which("true") or "true"
    checkouts = {
        str(number): write_checkout(bench.place("cases"), _CASES.format(number=number, program=program))
        for number in numbers
    }
    sides = {name: lambda checkout=checkout: _session(bench, checkout) for name, checkout in checkouts.items()}
    samples = interleave(sides, bench.rounds)
    few, more, many = (median(samples[str(number)]) for number in numbers)
    early, late = (more - few) / (numbers[1] - numbers[0]), (many - more) / (numbers[2] - numbers[1])
    detail = f"{late * 1000:.1f} ms against {early * 1000:.1f} ms"
    yield Figure(row=BY_ID["cost-a-case"], value=late / early, detail=detail, samples=samples)


def peak_memory(bench: Bench, _wanted: Collection[str], *, files: int = BIG_TREE) -> Iterator[Figure]:
    """The process that pytest runs in, with a tree and output that are small, and as big as they get."""
    blocks = 100  # of 80,000 bytes: within what is kept of a stream
    small = _peak(bench, _BIG_CASES.format(files=100, blocks=1))
    big = _peak(bench, _BIG_CASES.format(files=files, blocks=blocks))
    detail = f"{small:.0f} MB with a small tree and little output"
    yield Figure(row=BY_ID["peak-memory"], value=big, detail=detail, samples={"small": [small], "big": [big]})


def _session(bench: Bench, checkout: Path) -> float:
    variables = {"PYTHONPATH": str(CHECKOUT)}
    return bench.smoke("smoke", "-n0", "-q", "--artifact", bench.wheel, checkout=checkout, variables=variables).seconds


def _peak(bench: Bench, cases: str) -> float:
    checkout = write_checkout(bench.place("memory"), cases)
    _session(bench, checkout)
    return int((checkout / "peak").read_text(encoding="utf-8")) / 1000
