"""Self-tests of `python -m harness.gate` as a release script meets it: exit codes, and what goes to which stream."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from harness.tests.gate.releases import fail, warn
from harness.verdict.envelope import file_beside

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.gate.releases import Release

POLICY = """\
artifacts = [{{ kind = "wheel", name = "odd" }}{more}]

[[trusted-keys]]
file = "release.key.pub"
expires = {expires}
"""


def write_policy(release: Release, *, more: str = "", expires: str = "2099-01-01", name: str = "policy.toml") -> Path:
    path = release.wheel.with_name(name)
    path.write_text(POLICY.format(more=more, expires=expires))
    return path


def test_an_open_gate_lists_the_files_for_sha256sum(release: Release) -> None:
    answer = release.ask("--trust", release.public, release.wheel)

    assert answer.exit_code == 0, answer.told
    digest = hashlib.sha256(release.wheel.read_bytes()).hexdigest()
    assert answer.accepted == f"{digest}  {release.wheel}\n"
    assert answer.told.splitlines()[-1] == "gate: open, 1 file may be released"


def test_one_refusal_closes_the_gate_for_all(release: Release) -> None:
    answer = release.ask("--trust", release.public, release.wheel, release.key)

    assert (answer.exit_code, answer.accepted) == (1, "")
    assert answer.refusals == [
        f"refused: {release.key}: has no statement, there is no 'release.key.intoto.jsonl' beside it"
    ]
    assert answer.told.splitlines()[-1] == "gate: closed, 1 refusal"


def test_places_where_no_artifact_is(release: Release, tmp_path: Path) -> None:
    evidence, interrupted, killed = (
        release.checkout / ".smoke" / "latest",
        tmp_path / "interrupted",
        tmp_path / "killed",
    )
    interrupted.mkdir()
    document = json.loads((evidence / "verdict.json").read_text())
    (interrupted / "verdict.json").write_text(json.dumps({**document, "verdict": "interrupted"}))
    killed.mkdir()
    (killed / "scratch.txt").write_text("")

    answer = release.ask("--trust", release.public, interrupted, killed, tmp_path / "nowhere.whl")

    assert (answer.exit_code, answer.accepted) == (1, "")
    assert answer.refusals == [
        f"refused: {interrupted}: is the evidence of a run, whose verdict is 'interrupted'; released are files",
        f"refused: {killed}: is a directory, and no evidence of a run that came to a verdict",
        f"refused: {tmp_path / 'nowhere.whl'}: there is no such file",
    ]


def test_a_file_that_no_contract_is_for(release: Release) -> None:
    answer = release.ask("--trust", release.public, "--contract", "nowhere", release.wheel)

    assert answer.exit_code == 1
    assert answer.refusals == [
        f"refused: {release.wheel}: no contract 'nowhere'; hint: there is 'odd-1', or give a file"
    ]


def test_advisory_misses_are_accepted_by_name(release: Release) -> None:
    release.sign(release.changed(warn))
    trust = ("--trust", release.public, release.wheel)

    assert release.ask(*trust).exit_code == 1
    assert release.ask("--allow", "warned", *trust).exit_code == 0
    answer = release.ask("--allow", "warned:writes_where_it_should", *trust)
    assert answer.exit_code == 0
    assert "; misses writes_where_it_should" in answer.told


def test_a_failure_is_never_accepted(release: Release) -> None:
    release.sign(release.changed(fail))

    assert release.ask("--allow", "warned", "--trust", release.public, release.wheel).exit_code == 1


def test_an_old_statement(release: Release) -> None:
    def age(content: dict[str, dict[str, list[dict[str, dict[str, str]]]]]) -> None:
        started = datetime.now(timezone.utc) - timedelta(hours=2)
        content["predicate"]["configuration"][2]["annotations"]["startedAt"] = started.isoformat(timespec="seconds")

    release.sign(release.changed(age))

    assert release.ask("--max-age", "3h", "--trust", release.public, release.wheel).exit_code == 0
    answer = release.ask("--max-age", "90m", "--trust", release.public, release.wheel)
    assert answer.exit_code == 1
    assert "is more than 1:30:00 ago" in answer.told
    policy = write_policy(release)
    policy.write_text(f'max-age = "60m"\n{policy.read_text()}')
    answer = release.ask("--policy", policy, "--max-age", "3h", release.wheel)
    assert "is more than 1:00:00 ago" in answer.told


def test_a_policy_says_what_a_release_is(release: Release) -> None:
    answer = release.ask("--policy", write_policy(release), release.wheel)

    assert answer.exit_code == 0, answer.told
    assert f"policy: {release.wheel.with_name('policy.toml')}" in answer.told


def test_a_policy_in_the_project_file_of_the_working_directory(release: Release) -> None:
    policy = write_policy(release, name="pyproject.toml")
    table = policy.read_text().replace("[[trusted-keys]]", "[[tool.ktx-smoke.release.trusted-keys]]")
    policy.write_text(f"[tool.ktx-smoke.release]\n{table}")
    shutil.copytree(release.checkout / "smoke", policy.parent / "smoke")

    answer = release.ask(release.wheel, directory=policy.parent)

    assert answer.exit_code == 0, answer.told
    assert "policy: pyproject.toml" in answer.told


def test_a_release_that_is_not_whole(release: Release) -> None:
    policy = write_policy(release, more=', { kind = "sdist", name = "odd" }')

    answer = release.ask("--policy", policy, release.wheel)

    assert (answer.exit_code, answer.accepted) == (1, "")
    assert answer.refusals == ["refused: the release lacks the sdist of 'odd'"]


def test_a_file_that_is_no_part_of_the_release(release: Release) -> None:
    policy = write_policy(release)
    policy.write_text(policy.read_text().replace('name = "odd"', 'name = "even"'))

    answer = release.ask("--policy", policy, release.wheel)

    assert answer.refusals == [
        "refused: the release lacks the wheel of 'even'",
        "refused: the release has a wheel of 'odd', which is no part of it",
    ]


def test_a_key_that_the_policy_no_longer_trusts(release: Release) -> None:
    answer = release.ask("--policy", write_policy(release, expires="2020-02-29"), release.wheel)

    assert answer.exit_code == 1
    assert answer.refusals == [
        f"refused: {release.wheel}: statement 1 is signed by 'release.key.pub', which was trusted until 2020-02-29"
    ]


def test_trust_on_the_command_line_only_narrows_that_of_the_policy(release: Release, tmp_path: Path) -> None:
    policy = write_policy(release)
    assert release.ask("--new-key", tmp_path / "other").exit_code == 0

    assert release.ask("--policy", policy, "--trust", release.public, release.wheel).exit_code == 0
    answer = release.ask("--policy", policy, "--trust", tmp_path / "other.pub", release.wheel)
    assert (answer.exit_code, answer.told.splitlines()[-1]) == (
        4,
        f"the policy does not trust '{tmp_path / 'other.pub'}'",
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("odd.whl",), "nobody is trusted; hint: --trust K.pub, or 'trusted-keys' in a policy"),
        (("--trust", "nowhere.pub", "odd.whl"), "key 'nowhere.pub' cannot be read: No such file or directory"),
        (
            ("--trust", "conftest.py", "odd.whl"),
            "'conftest.py' is no public key; hint: the file beside the private key",
        ),
        (("--trust", "K.pub"), "no file to judge"),
        (("--max-age", "soon", "odd.whl"), "an age is a number with m, h or d after it, as '7d', not 'soon'"),
        (("--allow", "failed", "odd.whl"), "--allow takes 'warned' or 'warned:CLAUSE', got 'failed'"),
        (("--allow", "warned:starts", "odd.whl"), "the clause 'starts' is required, and cannot be missed"),
        (
            ("--allow", "warned:writes_where_it_shuold", "odd.whl"),
            "no advisory clause is called 'writes_where_it_shuold'; hint: did you mean 'writes_where_it_should'?",
        ),
        (("--policy", "nowhere.toml", "odd.whl"), "policy 'nowhere.toml' cannot be read: No such file or directory"),
        (
            ("--policy", "pyproject.toml", "--allow", "warned", "odd.whl"),
            "--allow, where the policy 'pyproject.toml' says what is accepted",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_question_that_makes_no_sense(release: Release, arguments: tuple[str, ...], complaint: str) -> None:
    trust = () if "trusted" in complaint or "--trust" in arguments else ("--trust", release.public)

    answer = release.ask(*arguments, *trust)

    assert (answer.exit_code, answer.accepted) == (4, "")
    assert answer.told.splitlines()[-1].startswith(complaint)


def test_a_pair_of_keys_with_one_command(release: Release, tmp_path: Path) -> None:
    key = tmp_path / "new.key"
    assert release.ask("--new-key", key).exit_code == 0

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert release.ask("--trust", tmp_path / "new.key.pub", release.wheel).exit_code == 1
    again = release.ask("--new-key", key)
    assert (again.exit_code, again.told) == (4, f"key '{key}.pub' cannot be written: File exists\n")


def test_links_lead_to_the_file_that_was_smoked(release: Release, tmp_path: Path) -> None:
    link = tmp_path / "link.whl"
    link.symlink_to(release.wheel)

    assert not file_beside(link).exists()
    assert release.ask("--trust", release.public, link).exit_code == 0
