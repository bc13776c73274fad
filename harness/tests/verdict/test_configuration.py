"""Self-tests of what a smoke was held to: the digests are those of common tools, and follow what judges."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

from harness.tests.sessions.checkouts import REPOSITORY
from harness.verdict.configuration import digest_of_file, digest_of_harness

if TYPE_CHECKING:
    from pathlib import Path

LISTING = (
    "find harness smoke -type d"
    " '(' -name gate -o -name proving -o -name soak -o -name tests -o -name __pycache__ ')' -prune"
    " -o -type f '(' -name '*.py' -o -name '*.json' ')' -print | LC_ALL=C sort | xargs sha256sum"
)


def make_cases(directory: Path) -> Path:
    cases = directory / "smoke"
    (cases / "contracts").mkdir(parents=True)
    (cases / "test_odd.py").write_text("a = 1\n")
    return cases


def test_the_digest_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")

    assert digest_of_file(path) == hashlib.sha256(b"content").hexdigest()


def test_the_digest_of_the_harness_can_be_had_without_it() -> None:
    listing = subprocess.run(["/bin/sh", "-c", LISTING], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout

    assert b"  harness/session.py\n" in listing
    assert digest_of_harness(REPOSITORY / "smoke") == hashlib.sha256(listing).hexdigest()


def test_the_digest_follows_the_cases(tmp_path: Path) -> None:
    cases = make_cases(tmp_path)
    before = digest_of_harness(cases)

    (cases / "test_odd.py").write_text("a = 2\n")

    assert digest_of_harness(cases) != before


def test_the_digest_ignores_contracts_and_caches(tmp_path: Path) -> None:
    cases = make_cases(tmp_path)
    before = digest_of_harness(cases)

    (cases / "contracts" / "odd.toml").write_text("")
    (cases / "__pycache__").mkdir()
    (cases / "__pycache__" / "test_odd.py").write_text("")

    assert digest_of_harness(cases) == before
