"""Self-tests of policies: what a file may say, and what is one line that names the mistake."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.gate.policy import Acceptance, Part, Policy, Trust, duration, find, load

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """\
artifacts = [{ kind = "wheel", name = "Odd_Tool" }, { kind = "sdist", name = "odd-tool" }]
pythons = ["3.11", "3.13"]
installers = ["uv", "pip"]
max-age = "7d"

[[trusted-keys]]
file = "keys/release.key.pub"
expires = 2027-06-30

[[trusted-keys]]
file = "keys/other.pub"

[[accepted]]
verdict = "warned"
clause = "keeps"
reason = "it is documented"
expires = 2026-12-31
"""


def write(directory: Path, text: str, name: str = "release-policy.toml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_a_whole_policy(tmp_path: Path) -> None:
    assert load(write(tmp_path, WHOLE)) == Policy(
        parts=(Part(kind="wheel", name="odd-tool"), Part(kind="sdist", name="odd-tool")),
        trusted=(
            Trust(file=tmp_path / "keys" / "release.key.pub", expires=date(2027, 6, 30)),
            Trust(file=tmp_path / "keys" / "other.pub", expires=date.max),
        ),
        accepted=(Acceptance(clause="keeps", reason="it is documented", expires=date(2026, 12, 31)),),
        pythons=("3.11", "3.13"),
        installers=("uv", "pip"),
        max_age=timedelta(days=7),
    )


def test_the_policy_of_a_project_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[project]\nname = "odd"\n[tool.ktx-smoke.release]\nmax-age = "36h"\n', "pyproject.toml")

    assert find(tmp_path) == path
    assert load(path) == Policy(max_age=timedelta(hours=36))


@pytest.mark.parametrize("text", ['[project]\nname = "odd"\n', "", "tool = 1\n", "[tool.ktx-smoke]\n"])
def test_a_project_file_without_a_policy(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text, "pyproject.toml")

    assert find(tmp_path) is None
    with pytest.raises(UsageError, match=r"lacks the table 'tool\.ktx-smoke\.release'"):
        load(path)


def test_a_directory_without_a_project_file_has_no_policy(tmp_path: Path) -> None:
    assert find(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_age = '7d'", "has an unknown key 'max_age'; hint: did you mean 'max-age'\\?"),
        ("[[trusted-keys]]\nflie = 'K'", "has an unknown key 'flie' of 'trusted-keys'; hint: did you mean 'file'\\?"),
        ("[[trusted-keys]]\nexpires = 2027-01-01", "lacks the key 'file' of 'trusted-keys'"),
        ("[[trusted-keys]]\nfile = 'K'\nexpires = '2027-01-01'", "'expires' must be a date, as 2027-12-31"),
        ("[[trusted-keys]]\nfile = 'K'\nexpires = 2027-01-01T00:00:00", "'expires' must be a date"),
        ("trusted-keys = ['K']", "'trusted-keys' must be a table"),
        ("artifacts = [{ kind = 'wheel' }]", "lacks the key 'name' of 'artifacts'"),
        ("artifacts = [{ kind = 'weel', name = 'odd' }]", "'kind' cannot be 'weel'; hint: did you mean 'wheel'\\?"),
        ("pythons = [3.13]", "'pythons' must be a text"),
        ("pythons = ['3.13.1']", "a Python is given as '3.13', not '3.13.1'"),
        ("pythons = []", "'pythons' must be a list with something in it"),
        ("installers = ['pipp']", "'installers' cannot be 'pipp'; hint: did you mean 'pip'\\?"),
        ("max-age = 7", "'max-age' must be a text"),
        ("max-age = 'soon'", "an age is a number with m, h or d after it, as '7d', not 'soon'"),
        ("[[accepted]]\nverdict = 'warned'\nexpires = 2027-01-01", "lacks the key 'reason' of 'accepted'"),
        ("[[accepted]]\nverdict = 'warned'\nreason = 'r'", "lacks the key 'expires' of 'accepted'"),
        ("[[accepted]]\nverdict = 'warned'\nreason = ' '\nexpires = 2027-01-01", "'reason' must be a text"),
        (
            "[[accepted]]\nverdict = 'failed'\nreason = 'r'\nexpires = 2027-01-01",
            "accepts the verdict 'failed', only 'warned' can be accepted",
        ),
        ("max-age", "is not valid"),
    ],
)
def test_a_policy_that_makes_no_sense(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        load(write(tmp_path, text))


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"policy '.*nowhere\.toml' cannot be read: No such file"):
        load(tmp_path / "nowhere.toml")


def test_a_misspelt_table_of_a_project_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[tool.ktx-smoke.relaese]\n", "pyproject.toml")

    with pytest.raises(UsageError, match="unknown key 'relaese' of 'ktx-smoke'; hint: did you mean 'release'"):
        find(path.parent)


def test_ages() -> None:
    assert [duration(text) for text in ("90m", "36h", "7d")] == [
        timedelta(minutes=90),
        timedelta(hours=36),
        timedelta(days=7),
    ]


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "7 d", "7w", "1.5h", "\u0667d", "7d\n", "9999999d"])
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(UsageError, match="an age is a number with m, h or d after it"):
        duration(text)
