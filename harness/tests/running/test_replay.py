"""Self-tests of the scripts in a kept sandbox: they are run, as whoever looks into a failure would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.running.sandbox import Sandbox, Testbed

SECRET = "https://user:canary-password@127.0.0.1:9/simple"  # noqa: S105 -- the one that must not be found


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox whose environment holds a secret."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", SECRET)
    (tmp_path / "installation").mkdir()
    testbed = Testbed(
        installation=tmp_path / "installation",
        programs={"python3": Path(sys.executable)},
        caches={},
        runtime_root_variable="ODD_ROOT",
        crash=re.compile("Traceback"),
        command_timeout=30,
    )
    return Sandbox(directory=tmp_path / "sandbox", testbed=testbed)


def replay(sandbox: Sandbox, **environment: str) -> subprocess.CompletedProcess[str]:
    """Keep a sandbox, and run all of its commands again."""
    sandbox.close(keep=True)
    script = [str(sandbox.directory / "replay.sh")]
    return subprocess.run(script, env=environment, check=False, capture_output=True, text=True)


def test_all_commands_run_again_in_their_order(sandbox: Sandbox) -> None:
    sandbox.run("/bin/sh", "-c", 'echo "one in $PWD"; exit 3')
    sandbox.run("/bin/sh", "-c", "echo two", "it's")
    again = replay(sandbox, UV_DEFAULT_INDEX=SECRET)

    assert again.stdout.splitlines() == [
        """$ /bin/sh -c 'echo "one in $PWD"; exit 3'""",
        f"one in {sandbox.working}",
        "exit code 3 (it was: exit code 3)",
        """$ /bin/sh -c 'echo two' 'it'"'"'s'""",
        "two",
        "exit code 0 (it was: exit code 0)",
    ]
    assert again.stderr == ""


def test_each_command_has_the_environment_that_it_had(sandbox: Sandbox) -> None:
    script = 'echo "${ODD_ROOT-none} ${EXTRA-none} ${LANG-none}"'
    sandbox.environment |= {"EXTRA": "first of all"}
    sandbox.run("/bin/sh", "-c", script)
    del sandbox.environment["EXTRA"]
    del sandbox.environment["LANG"]
    sandbox.use_root(sandbox.working / "other", setting="other")
    sandbox.run("/bin/sh", "-c", script)
    then = [result.stdout for result in sandbox.results]
    again = replay(sandbox, UV_DEFAULT_INDEX=SECRET).stdout

    assert then == [f"{sandbox.directory / 'root'} first of all C.UTF-8\n", "other none none\n"]
    assert [line for line in again.splitlines() if not line.startswith(("$", "exit"))] == [
        line for said in then for line in said.splitlines()
    ]


def test_a_secret_is_taken_from_whoever_runs_them(sandbox: Sandbox) -> None:
    sandbox.run("/bin/sh", "-c", 'echo "index: $UV_DEFAULT_INDEX"')
    with_it, without = replay(sandbox, UV_DEFAULT_INDEX=SECRET), replay(sandbox)

    assert f"index: {SECRET}" in with_it.stdout
    assert "index:" not in without.stdout.replace("$ /bin/sh -c 'echo \"index: $UV_DEFAULT_INDEX\"'", "")
    assert "UV_DEFAULT_INDEX: holds a secret, so set it yourself" in without.stderr
    for script in ("run.sh", "replay.sh"):
        text = (sandbox.directory / script).read_text()
        assert "canary-password" not in text
        assert os.access(sandbox.directory / script, os.X_OK)
