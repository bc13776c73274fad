"""Self-tests of one case's private world, with real commands that behave and misbehave."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.running.privileges import prefix_of_ordinary_user
from harness.running.result import InvariantBroken
from harness.running.sandbox import Sandbox, Testbed

if TYPE_CHECKING:
    from collections.abc import Iterator

LINGER = "import subprocess, sys; subprocess.Popen(['/bin/sleep', '600'], stdout=-3, stderr=-3)"
LATE = '(/bin/sleep 0.3; echo late >"$ODD_ROOT-late") >/dev/null 2>&1 &'


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """What stands for an installation."""
    directory = tmp_path / "installation"
    directory.mkdir()
    (directory / "module.py").write_text("pass\n")
    return directory


@pytest.fixture
def sandbox(tmp_path: Path, installation: Path) -> Iterator[Sandbox]:
    """A sandbox in which `python3` is on PATH."""
    testbed = Testbed(
        installation=installation,
        programs={"python3": Path(sys.executable)},
        caches={"UV_CACHE_DIR": tmp_path / "cache"},
        runtime_root_variable="ODD_ROOT",
        crash=re.compile(r"Traceback \(most recent call last\)"),
        command_timeout=30,
    )
    sandbox = Sandbox(directory=tmp_path / "sandbox", testbed=testbed)
    yield sandbox
    sandbox.close(keep=False)


def shell(sandbox: Sandbox, script: str) -> str:
    """What a script says in the sandbox."""
    return sandbox.run("/bin/sh", "-c", script).stdout


def test_what_a_way_of_calling_needs_comes_first(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "odd").symlink_to("/bin/echo")

    for _ in range(2):  # what shares a sandbox equips it again
        sandbox.equip(tmp_path / "programs", {"ODD_WISH": "granted"})

    assert sandbox.run("odd", "by", "name").stdout == "by name\n"
    assert shell(sandbox, 'echo "$PATH $ODD_WISH"') == f"{tmp_path / 'programs'}:{sandbox.programs} granted\n"
    sandbox.equip(None, {})
    assert shell(sandbox, 'echo "$PATH"') == f"{sandbox.programs}\n"


def test_a_command_sees_the_private_places(sandbox: Sandbox) -> None:
    said = shell(sandbox, 'pwd; echo "$HOME"; echo "$TMPDIR"; echo "$ODD_ROOT"; echo "$UV_CACHE_DIR"; echo "$PATH"')

    places = (sandbox.working, sandbox.home, sandbox.temporary, sandbox.runtime_root)
    caches = sandbox.testbed.caches["UV_CACHE_DIR"]
    assert said.splitlines() == [*map(str, places), str(caches), str(sandbox.programs)]


def test_only_the_chosen_programs_are_found(sandbox: Sandbox) -> None:
    assert shell(sandbox, "command -v python3 || echo none") == f"{sandbox.programs / 'python3'}\n"
    assert shell(sandbox, "command -v ls || echo none") == "none\n"
    sandbox.hide("python3")
    assert shell(sandbox, "command -v python3 || echo none") == "none\n"


def test_a_result_is_all_that_happened(sandbox: Sandbox) -> None:
    script = 'echo out; echo err >&2; echo something >"$ODD_ROOT"; exit 3'
    result = sandbox.run("/bin/sh", "-c", script)

    assert (result.exit_code, result.lines, result.stderr) == (3, ("out",), "err\n")
    assert result.changes.within("root").paths == {"root"}
    assert result.left_running == ()
    assert sandbox.results == [result]


def test_writing_elsewhere_is_a_breach(sandbox: Sandbox) -> None:
    with pytest.raises(InvariantBroken, match=r"changed on disk, outside its root:\n.*home/trace") as raised:
        shell(sandbox, 'echo x >"$HOME/trace"')

    assert raised.value.clause == "nothing_written_elsewhere"
    assert sandbox.breaches == [raised.value]
    assert len(sandbox.results) == 1


def test_where_a_case_allows_it_writing_is_none(sandbox: Sandbox) -> None:
    sandbox.writable.append(sandbox.home)

    assert shell(sandbox, 'echo x >"$HOME/trace"; echo fine') == "fine\n"


def test_a_root_elsewhere_is_the_root(sandbox: Sandbox) -> None:
    sandbox.use_root(sandbox.working / "other", setting="other")

    assert shell(sandbox, 'echo "$ODD_ROOT"; echo x >other') == "other\n"
    with pytest.raises(InvariantBroken, match="outside its root"):
        shell(sandbox, "echo x >another")


def test_a_changed_installation_is_a_breach(sandbox: Sandbox, installation: Path) -> None:
    with pytest.raises(InvariantBroken, match=r"changed its installation:\n.*module\.py") as raised:
        shell(sandbox, f"echo changed >{installation / 'module.py'}")

    assert raised.value.clause == "installation_unchanged"


def test_an_installation_of_the_cases_own(sandbox: Sandbox, installation: Path, tmp_path: Path) -> None:
    shell(sandbox, "echo one")
    own = tmp_path / "own"
    own.mkdir()
    sandbox.use_installation(own)

    assert shell(sandbox, f"echo changed >{installation / 'module.py'}; echo two") == "two\n"


def test_a_traceback_on_either_stream_is_a_breach(sandbox: Sandbox) -> None:
    with pytest.raises(InvariantBroken, match="printed a traceback") as raised:
        sandbox.run("python3", "-c", "raise ValueError")

    assert raised.value.clause == "no_traceback"
    with pytest.raises(InvariantBroken):
        shell(sandbox, "echo 'Traceback (most recent call last)'")


def test_what_is_left_running_is_a_breach_and_ended(sandbox: Sandbox) -> None:
    with pytest.raises(InvariantBroken, match=r"left running: \d+: /bin/sleep 600") as raised:
        sandbox.run("python3", "-c", LINGER)

    assert raised.value.clause == "nothing_left_running"
    assert sandbox.close(keep=False) == ()


def test_what_a_child_does_later_shows(sandbox: Sandbox) -> None:
    with pytest.raises(InvariantBroken, match="left running"):
        shell(sandbox, LATE)

    assert sandbox.results[-1].changes.paths == {"root-late"}


def test_a_process_that_may_stay_ends_with_the_sandbox(sandbox: Sandbox) -> None:
    result = sandbox.run("python3", "-c", LINGER, leaves_processes=True)
    (left,) = result.left_running
    ended = sandbox.close(keep=False)

    assert [each.pid for each in ended] == [left.pid]
    assert sandbox.close(keep=False) == ()


def test_a_process_of_the_cases_own_is_no_leftover(sandbox: Sandbox) -> None:
    process = sandbox.start_background("/bin/sleep", "600")
    shell(sandbox, "echo fine")

    assert process.poll() is None
    assert sandbox.close(keep=False) == ()
    assert process.poll() is not None


def test_a_dialogue_is_observed_as_well(sandbox: Sandbox) -> None:
    script = 'read -r answer; echo "said $answer"; echo x >"$ODD_ROOT"'
    with sandbox.on_terminal("/bin/sh", "-c", script) as terminal:
        terminal.send_line("yes")

    (result,) = sandbox.results
    assert "said yes" in result.stdout
    assert result.changes.within("root").paths == {"root"}


def test_what_is_not_kept_is_removed_whatever_its_permissions(sandbox: Sandbox) -> None:
    shell(sandbox, "true")
    deep = sandbox.runtime_root / "deep" / "deeper"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    deep.chmod(0o500)
    deep.parent.chmod(0)
    sandbox.close(keep=False)

    assert not sandbox.directory.exists()


def test_permissions_do_not_save_a_tree_from_an_ordinary_user(tmp_path: Path) -> None:
    locked = tmp_path / "tree" / "locked"
    locked.mkdir(parents=True)
    (locked / "file").touch()
    (locked / "inner").mkdir(mode=0)
    locked.chmod(0o500)
    script = "import pathlib, sys; from harness.running import removal; removal.remove(pathlib.Path(sys.argv[1]))"
    command = [*prefix_of_ordinary_user(), sys.executable, "-c", script, str(tmp_path / "tree")]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[3])

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("named", [False, True], ids=["kept", "named in a failure"])
def test_a_kept_sandbox_runs_a_command_again(sandbox: Sandbox, *, named: bool) -> None:
    sandbox.named = named
    result = sandbox.run("/bin/sh", "-c", 'pwd; echo "$HOME $ODD_ROOT"; exit 5')
    sandbox.close(keep=not named)
    again = subprocess.run(["/bin/sh", "-c", result.pasteable], check=False, capture_output=True, text=True)

    assert (again.returncode, again.stdout) == (5, result.stdout)


def test_permission_bits_bind_where_a_case_wants_it(sandbox: Sandbox) -> None:
    (sandbox.home / "secret").touch(mode=0)
    sandbox.drop_privileges()
    result = sandbox.run("/bin/cat", sandbox.home / "secret")

    assert result.exit_code == 1
    assert "Permission denied" in result.stderr


def test_a_hang_is_a_result(sandbox: Sandbox) -> None:
    sandbox.use_installation(sandbox.testbed.installation)
    sandbox.testbed = Testbed(
        installation=sandbox.testbed.installation,
        programs={},
        caches={},
        runtime_root_variable="ODD_ROOT",
        crash=sandbox.testbed.crash,
        command_timeout=0.3,
    )
    result = sandbox.run("/bin/sh", "-c", "echo begun; exec /bin/sleep 600")

    assert result.exit_code is None
    assert result.ending.startswith("hung: ended at its deadline after 0.")
    assert result.stdout == "begun\n"
