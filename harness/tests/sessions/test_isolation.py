"""Self-tests of the rungs of isolation: what a session is put on, and what a release can then not do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from harness.running import filetree
from harness.tests.release.projects import write_odd
from harness.tests.sessions.checkouts import ORDINARY, Checkout
from harness.tests.sessions.lingering import DAEMON, WAITS, settled
from harness.tests.sessions.pipes import await_writer

COPIED = """
    import shutil
    return shutil.copy({wheel!r}, directory) and "odd-1.0-py3-none-any.whl"
"""
DESTROYS = '''
@pytest.mark.required
def test_spares_what_is_not_its_own(odd):
    """It deletes nothing that is not its own."""
    odd("destroy", *{places!r})


@pytest.mark.required
def test_nothing_written_elsewhere(odd):
    """Nothing is written elsewhere."""
    odd("--version")
'''
SIGNS_OF_LIFE = '''
@pytest.mark.required
def test_reads_and_writes(sandbox):
    """It sees what it must."""
    said = sandbox.run("/bin/sh", "-c", {script!r})
    assert said.stdout == {expected!r}, said.stdout
'''


@pytest.fixture
def home(checkout: Checkout) -> Path:
    """A home with what people have in theirs."""
    home = checkout.directory.parent / "home"
    for name in (".ssh/config", ".profile", "Documents/thesis.txt", "work/notes.md"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"the {name} of somebody\n")
    checkout.settings["HOME"] = str(home)
    checkout.settings["UV_CACHE_DIR"] = str(checkout.directory.parent / "cache")
    return home


def isolation_of(document: dict[str, object]) -> object:
    installation = document["installation"]
    assert isinstance(installation, dict)
    return installation["isolation"]


@pytest.mark.parametrize("workers", [("-v",), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize(
    ("chosen", "rung"),
    [("auto", "kernel"), ("kernel", "kernel"), ("processes", "processes"), ("environment", "environment")],
)
def test_a_session_is_on_its_rung_and_says_so(
    checkout: Checkout, chosen: str, rung: str, workers: tuple[str, ...]
) -> None:
    run = checkout.smoke("--isolation", chosen, *workers)

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert isolation_of(run.document) == rung
    assert run.lines("isolation:") == [f"isolation: {rung}"]
    assert run.evidence.parent.name == ".smoke"
    assert (run.evidence / "junit.xml").is_file()
    assert checkout.left_behind == []


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_a_release_that_deletes_a_home_and_the_checkout_has_failed(checkout: Checkout, home: Path, rung: str) -> None:
    victims = [home] if rung == "processes" else [home, checkout.directory, checkout.wheel]
    checkout.add_cases(DESTROYS.format(places=list(map(str, victims))))
    checkout.smoke("--isolation", rung, "-k", "version")  # so that there is evidence to lose
    (checkout.directory / "dist").mkdir()
    (checkout.directory / "dist" / "odd-0.9.whl").touch()
    before = filetree.snapshot(home), filetree.snapshot(checkout.directory)
    run = checkout.smoke("--isolation", rung)

    if rung == "processes":  # which is why there is a rung above it
        assert (run.verdict, run.exit_code) == ("testbed-fault", 7), run.output
        assert run.lines("reason:")[0].startswith("reason:    what no run works with was removed: ")
        assert not home.exists()
        return
    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert run.outcomes["nothing_written_elsewhere"] == "failed"
    assert f"instead: deleted, outside its sandbox: {home}/.canary-of-smoke" in run.output
    changed = filetree.difference(before[0], filetree.snapshot(home)).paths
    assert [path for path in changed if not path.startswith(".cache/")] == []
    lost = filetree.difference(before[1], filetree.snapshot(checkout.directory)).removed
    assert [path for path in lost if not path.startswith(".pytest_cache/")] == []
    assert checkout.wheel.is_file()


def test_a_command_sees_another_home_and_can_write_nowhere_else(checkout: Checkout, home: Path) -> None:
    script = f"""
        cat {home}/.profile 2>/dev/null || echo no profile
        echo x >{checkout.directory}/new 2>/dev/null || echo no new file
        echo x >/usr/new 2>/dev/null || echo no system file
        echo x >>{checkout.wheel} 2>/dev/null || echo no other artifact
        kill -0 {os.getpid()} 2>/dev/null || echo no other process
    """
    expected = "no profile\nno new file\nno system file\nno other artifact\nno other process\n"
    checkout.add_cases(SIGNS_OF_LIFE.format(script=script, expected=expected))
    run = checkout.smoke("--isolation", "kernel")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert sorted(path.name for path in home.iterdir()) == [".cache", ".profile", ".ssh", "Documents", "work"]


def test_what_is_built_lands_where_it_always_does(checkout: Checkout) -> None:
    source = write_odd(
        checkout.directory / "source", COPIED.format(wheel=str(checkout.directory / checkout.wheel.name))
    )
    shutil.copy(checkout.wheel, checkout.directory)
    (checkout.directory / ".git").mkdir()  # what it builds from lies in its repository, though not in itself
    dist = checkout.directory / "dist"
    dist.mkdir()
    (dist / "odd-0.9-py3-none-any.whl").write_text("an older one")
    run = checkout.run("smoke", "--artifact", source, "--isolation", "kernel")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert (dist / checkout.wheel.name).read_bytes() == checkout.wheel.read_bytes()
    assert (dist / "release-manifest.json").is_file()
    assert (dist / "odd-0.9-py3-none-any.whl").read_text() == "an older one"
    assert checkout.left_behind == []


def test_a_place_for_what_is_built_that_cannot_be_made(checkout: Checkout) -> None:
    source = write_odd(checkout.directory / "source", COPIED.format(wheel=str(checkout.wheel)))
    run = checkout.run("smoke", "--artifact", source, "--isolation", "kernel", "--dist-dir", "conftest.py/dist")

    assert (run.verdict, run.exit_code) == ("usage-error", 4), run.output
    assert run.document["reason"] == f"cannot write to '{checkout.directory}/conftest.py/dist': Not a directory"
    assert checkout.left_behind == []


def test_reports_that_the_user_asks_for_are_written(checkout: Checkout) -> None:
    report, page = checkout.directory / "reports" / "junit.xml", checkout.directory / "page.md"
    page.write_text("before\n")
    checkout.settings["GITHUB_STEP_SUMMARY"] = str(page)
    run = checkout.smoke("--isolation", "kernel", "--junitxml", report)

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert 'name="test_says_its_version"' in report.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").startswith("before\n## ")


def without_bubblewrap(checkout: Checkout) -> None:
    """A machine on which the program is missing."""
    empty = checkout.directory.parent / "programs"
    empty.mkdir()
    checkout.settings["PATH"] = str(empty)


@pytest.mark.parametrize("options", [(), ("-p", "no:cacheprovider")], ids=["its cache", "no cache"])
def test_under_tox_pytest_keeps_its_cache_elsewhere(
    checkout: Checkout, tmp_path: Path, options: tuple[str, ...]
) -> None:
    place = tmp_path / "tox" / "env"
    place.mkdir(parents=True)
    checkout.settings["TOX_ENV_DIR"] = str(place)
    run = checkout.smoke("--isolation", "kernel", *options)

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert (place / ".pytest_cache" / "v").is_dir() == (not options)


def test_a_machine_without_bubblewrap_falls_back_and_says_so(checkout: Checkout) -> None:
    without_bubblewrap(checkout)
    run = checkout.smoke("--isolation", "auto")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert isolation_of(run.document) == "processes"
    reason = "no isolation by the kernel: 'bwrap' is missing; hint: install bubblewrap"
    assert run.lines("no isolation") == [reason]


def test_a_machine_without_namespaces_falls_back_and_says_so(checkout: Checkout) -> None:
    without_bubblewrap(checkout)
    program = Path(checkout.settings["PATH"], "bwrap")
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    run = checkout.smoke("--isolation", "auto")

    assert isolation_of(run.document) == "processes"
    reason = "no isolation by the kernel: bwrap fails: bwrap: No permissions to create new namespace"
    assert run.lines("no isolation") == [reason]


def test_a_machine_that_allows_no_networks_of_ones_own_falls_back_and_says_so(checkout: Checkout) -> None:
    none_within = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'  # root needs none for the rest
    before = ("unshare", "--user", "--map-root-user", "/bin/sh", "-c", none_within, "sh")
    words = ("smoke", "--artifact", checkout.wheel, "--isolation", "auto")
    run = checkout.finish(checkout.start(*words, before=before))

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert isolation_of(run.document) == "processes"
    (reason,) = run.lines("no isolation")
    assert reason.startswith("no isolation by the kernel: bwrap fails: bwrap: Creating new namespace failed"), reason


def test_a_rung_that_is_demanded_and_not_there_is_a_fault_of_the_machine(checkout: Checkout) -> None:
    without_bubblewrap(checkout)
    run = checkout.smoke("--isolation", "kernel")

    assert (run.verdict, run.exit_code) == ("testbed-fault", 7), run.output
    assert run.document["reason"] == "no isolation by the kernel: 'bwrap' is missing; hint: install bubblewrap"
    assert checkout.left_behind == []


@pytest.mark.parametrize("rung", ["processes", "kernel"])
@pytest.mark.parametrize("victim", [".profile", "work", "checkout"])
def test_whoever_changes_what_no_run_works_with_is_told_by_its_place(
    checkout: Checkout, begun: Path, home: Path, rung: str, victim: str
) -> None:
    checkout.add_cases(WAITS.format(begun=str(begun), daemon="exit 0"))
    path = home / victim if victim != "checkout" else checkout.directory / "pyproject.toml"
    process = checkout.start("smoke", "--artifact", checkout.wheel, "--isolation", rung, "--command-timeout", "2")
    await_writer(begun)
    if path.is_dir():
        shutil.rmtree(path)
    elif victim == "checkout":
        path.unlink()
    else:
        path.write_text("export PATH=/elsewhere\n")
    run = checkout.finish(process)

    assert (run.verdict, run.exit_code) == ("testbed-fault", 7), run.output
    how = "changed" if victim == ".profile" else "removed"
    assert run.document["reason"] == f"what no run works with was {how}: '{path}'"
    assert checkout.left_behind == [] or "kept: " in run.output


def test_an_isolated_session_that_dies_says_nothing_about_the_release(checkout: Checkout, begun: Path) -> None:
    checkout.add_cases(WAITS.format(begun=str(begun), daemon=DAEMON))
    process = checkout.start("smoke", "--artifact", checkout.wheel, "--isolation", "kernel")
    await_writer(begun)
    (holder,) = psutil.Process(process.pid).children()
    holder.kill()
    run = checkout.finish(process)

    assert (run.verdict, run.exit_code) == ("testbed-fault", 7), run.output
    assert run.document["reason"] == "the isolated session ended without a verdict"
    assert settled(checkout) == []
    assert checkout.left_behind == []


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_an_ordinary_user_gets_the_same(checkout: Checkout, home: Path, rung: str) -> None:
    assert home.is_dir()
    who = subprocess.run([*ORDINARY, "/usr/bin/id", "-u"], capture_output=True, text=True, check=True)
    words = ("smoke", "--artifact", checkout.wheel, "--isolation", rung, "-n", "2")
    run = checkout.finish(checkout.start(*words, before=ORDINARY))

    assert who.stdout == "1000\n"
    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert isolation_of(run.document) == rung
    assert checkout.left_behind == []


@pytest.mark.parametrize("rung", ["processes", "kernel"])
def test_odd_surroundings_change_nothing(tmp_path: Path, rung: str) -> None:
    directory = tmp_path / 'it\'s "odd", größer'
    directory.mkdir()
    checkout = Checkout(directory)
    checkout.settings |= {"LC_ALL": "C", "LANG": ""}
    umasked = ("/bin/sh", "-c", 'umask 077; exec "$@"', "sh")
    words = ("smoke", "--artifact", checkout.wheel, "--isolation", rung)
    run = checkout.finish(checkout.start(*words, before=umasked))

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert checkout.left_behind == []


def test_eight_runs_in_one_checkout_all_pass(checkout: Checkout) -> None:
    started = [checkout.start("smoke", "--artifact", checkout.wheel) for _ in range(8)]
    runs = [checkout.finish(process) for process in started]

    assert [run.exit_code for run in runs] == [0] * 8, "\n".join(run.output for run in runs)
    places = {line for run in runs for line in run.lines("evidence:")}
    assert len(places) == 8
    assert runs[-1].verdict == "passed"
    assert checkout.left_behind == []
