"""Sessions on generated cases: what a case costs when there are many, and how much memory the harness takes."""

from __future__ import annotations

import json
import shutil
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from harness.benching.bench import CHECKOUT
from harness.benching.interleaving import interleave
from harness.benching.rows import BY_ID, Figure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from harness.benching.bench import Bench, Smoked

NUMBERS = (10, 100, 1_000)
BIG_TREE = 100_000
_MORE = 5  # rounds for each that is asked for: these take milliseconds

_CASES = '''\
"""So many cases that cost little."""

import pytest


@pytest.mark.required
@pytest.mark.parametrize("number", range({number}))
def test_costs_little(sandbox, number):
    """A command that does nothing does nothing."""
    assert not sandbox.run("{program}").changes
'''
_SANDBOX_CASES = '''\
"""What surrounds a command, with nothing in its sandbox and with a runtime that the product installed."""

import json
import shutil
import time

import pytest


@pytest.mark.required
def test_sandboxes_are_timed(new_sandbox, contract, installation, settings):
    """The times are in the evidence."""
    product = new_sandbox("product")
    product.run(installation.executable(contract.executable), *contract.commands["install"], "--yes")
    [runtime] = [path for path in product.runtime_root.iterdir() if path.is_dir()]
    samples = {{"sandbox-empty": [], "sandbox-runtime": []}}
    for number in range({rounds} + 1):
        for row, content in zip(samples, (None, runtime)):
            seconds = surroundings(new_sandbox, content)
            samples[row] += [seconds] if number else []
    samples["entries"] = len(list(runtime.rglob("*")))
    product.close(keep=False)
    (settings.evidence / "samples.json").write_text(json.dumps(samples), encoding="utf-8")


def surroundings(new_sandbox, content):
    """The time of a sandbox without that of its command, and of what a product or a case puts into it."""
    made = time.perf_counter()
    sandbox = new_sandbox("timed")
    filled = started = time.perf_counter()
    if content is not None:
        shutil.copytree(content, sandbox.runtime_root / "0.0.0", symlinks=True)
        time.sleep(0.1)  # as after an installation: what was just written would be read twice
        started = time.perf_counter()
    sandbox.run("{program}")
    sandbox.close(keep=False)
    return time.perf_counter() - started + filled - made - sandbox.results[0].duration
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
    with Path(config.getoption("evidence"), "peaks").open("a", encoding="utf-8") as stream:
        stream.write(peak + "\\n")
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


def sandboxes(bench: Bench, wanted: Collection[str]) -> Iterator[Figure]:
    """What surrounds a command that does nothing, in a session as any other."""
    program = shutil.which("true") or "true"
    cases = _SANDBOX_CASES.format(rounds=_MORE * bench.rounds, program=program)
    checkout = write_checkout(bench.place("sandboxes"), cases)
    samples = json.loads((_session(bench, checkout).evidence / "samples.json").read_text(encoding="utf-8"))
    entries = samples.pop("entries")
    for row, seconds in samples.items():
        if row in wanted:
            inside = f", with {entries} entries" if row == "sandbox-runtime" else ""
            detail = f"{min(seconds) * 1000:.1f} to {max(seconds) * 1000:.1f} ms{inside}"
            yield Figure(row=BY_ID[row], value=median(seconds) * 1000, detail=detail, samples={"ours": seconds})


def cost_a_case(bench: Bench, _wanted: Collection[str], *, numbers: tuple[int, int, int] = NUMBERS) -> Iterator[Figure]:
    """What each further case adds to the whole command: what is the same for any number cancels out."""
    program = shutil.which("true") or "true"
    checkouts = {
        str(number): write_checkout(bench.place("cases"), _CASES.format(number=number, program=program))
        for number in numbers
    }
    sides = {name: partial(_seconds, bench, checkout) for name, checkout in checkouts.items()}
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


def _session(bench: Bench, checkout: Path) -> Smoked:
    variables = {"PYTHONPATH": str(CHECKOUT)}
    return bench.smoke("smoke", "-n0", "-q", "--artifact", bench.wheel, checkout=checkout, variables=variables)


def _seconds(bench: Bench, checkout: Path) -> float:
    return _session(bench, checkout).seconds


def _peak(bench: Bench, cases: str) -> float:
    """The most that any process of the harness had, in megabytes."""
    checkout = write_checkout(bench.place("memory"), cases)
    peaks = (_session(bench, checkout).evidence / "peaks").read_text(encoding="utf-8")
    return max(map(int, peaks.split())) / 1000
