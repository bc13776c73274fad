"""Prune, what a careful release does: obstacles, other people's data, failures, odd roots."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from harness.running.privileges import is_superuser
from smoke.stale import make_empty, make_plain, stale_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smoke.product import Ktx

ARABIC_ZEROS = ".".join("\N{ARABIC-INDIC DIGIT ZERO}" * 3)  # digits, but not ASCII


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.parametrize("option", ["--dry-run", "--yes"])
@pytest.mark.parametrize("obstacle", ["dangling-link", "unreadable"])
def test_obstacle_does_not_stop_the_others(ktx: Ktx, obstacle: str, option: str) -> None:
    """A dangling link, or an entry that cannot be read, does not stop the other stale runtimes from being pruned."""
    first, last = make_plain(ktx, "0.0.0.1"), make_plain(ktx, "0.0.2")
    put_obstacle(ktx, obstacle, ktx.root / "0.0.1")

    result = ktx.attempt("prune", option)

    assert result.exit_code is not None
    assert str(first) in result.lines
    assert str(last) in result.lines
    assert (first.exists(), last.exists()) == ((False, False) if option == "--yes" else (True, True))


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.parametrize(
    "name",
    [
        "backup",
        "0",
        "v0.0.0",
        "0.0.0_old",
        "0.0.0 copy",
        "0.0.0~",
        "0..0",
        ".0.0.0",
        "current",
        ARABIC_ZEROS,
        "cache-1.2",
    ],
)
def test_foreign_directory_is_left_alone(ktx: Ktx, name: str) -> None:
    """A directory that is not named like a version is left alone: it is somebody's data."""
    stale = make_plain(ktx)
    foreign = make_plain(ktx, name)

    preview = ktx.run("prune", "--dry-run")
    result = ktx.run("prune", "--yes")

    assert str(foreign) not in preview.lines
    assert ktx.listed(result, "pruned") == (str(stale),)
    assert foreign.is_dir()
    assert not result.changes.within(f"root/{name}")


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_file_named_like_a_version_is_left_alone(ktx: Ktx) -> None:
    """A plain file that is named like a version is no runtime: neither listed nor removed."""
    stale = make_plain(ktx)
    file = ktx.root / "0.0.7"
    file.write_text("notes\n", encoding="utf-8")

    preview = ktx.run("prune", "--dry-run")
    result = ktx.run("prune", "--yes")

    assert ktx.listed(preview, "stale") == ktx.listed(result, "pruned") == (str(stale),)
    assert file.read_text(encoding="utf-8") == "notes\n"


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_linked_runtime_keeps_its_target(ktx: Ktx) -> None:
    """A linked stale runtime: the link may go, what it points to stays."""
    target = ktx.sandbox.home / "elsewhere"
    target.mkdir()
    (target / "data.txt").write_text("keep me\n", encoding="utf-8")
    ktx.root.mkdir()
    (ktx.root / stale_version(ktx)).symlink_to(target, target_is_directory=True)
    other = make_plain(ktx, "0.0.2")

    ktx.run("prune", "--yes")

    assert not other.exists()
    assert (target / "data.txt").read_text(encoding="utf-8") == "keep me\n"


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_failed_removal_is_told(ktx: Ktx) -> None:
    """When a stale runtime cannot be removed, the exit code is nonzero and it is named on stderr, not as removed."""
    stale = make_empty(ktx)
    ktx.root.chmod(0o555)
    ktx.sandbox.drop_privileges()

    result = ktx.attempt("prune", "--yes")

    assert result.exit_code not in {0, None}, f"expected a nonzero exit code, was {result.ending}"
    assert str(stale) in result.stderr
    assert str(stale) not in result.lines
    assert stale.is_dir()


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.skipif(not is_superuser(), reason="only root can make a file that its owner cannot remove")
def test_partial_removal_names_both(ktx: Ktx) -> None:
    """When one stale runtime cannot be removed and others can, what was removed and what was not are both named."""
    first, last = make_plain(ktx, "0.0.0.1"), make_plain(ktx, "0.0.2")
    stubborn = make_unremovable(ktx, "0.0.1")

    result = ktx.attempt("prune", "--yes")

    assert result.exit_code not in {0, None}, f"expected a nonzero exit code, was {result.ending}"
    assert {str(first), str(last)} <= set(result.lines)
    assert str(stubborn) in result.stderr
    assert str(stubborn) not in result.lines
    assert (first.exists(), stubborn.exists(), last.exists()) == (False, True, False)


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_concurrent_prunes_both_end_well(ktx: Ktx) -> None:
    """Two prunes at the same time both exit 0, and nothing stale is left."""
    stale = [make_plain(ktx, f"0.0.{number}") for number in range(200)]

    other = ktx.sandbox.start_background(*ktx.words("prune", "--yes"))
    result = ktx.attempt("prune", "--yes")
    said, _ = other.communicate(timeout=ktx.sandbox.testbed.command_timeout)

    assert result.exit_code == 0, f"expected success, was {result.ending}: {result.stderr.strip()}"
    assert other.returncode == 0, said.decode()
    assert [runtime for runtime in stale if runtime.exists()] == []


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_killed_prune_is_finished_by_the_next(ktx: Ktx) -> None:
    """A prune that is killed half-way is finished by the next one, and leaves nothing of its own."""
    for number in range(300):
        make_plain(ktx, f"0.0.{number}")
    victim = ktx.sandbox.start_background(*ktx.words("prune", "--yes"))
    wait_until(lambda: len(list(ktx.root.iterdir())) < 300 or victim.poll() is not None)  # noqa: PLR2004 -- all of them
    victim.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    victim.communicate()

    ktx.run("prune", "--yes")

    assert list(ktx.root.iterdir()) == []


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.parametrize("kind", ["relative", "slash", "link", "spaces", "non-ascii"])
def test_odd_root_works_the_same(ktx: Ktx, kind: str) -> None:
    """A root that is relative, ends in a slash, is a link itself, or holds spaces or non-ASCII works the same."""
    listed_below = use_odd_root(ktx, kind)
    stale = make_plain(ktx)

    preview = ktx.run("prune", "--dry-run")
    assert not preview.changes
    refusal = ktx.fail("prune", says="refused")
    assert not refusal.changes
    result = ktx.run("prune", "--yes")

    expected = (str(listed_below / stale.name),)
    assert ktx.listed(preview, "stale") == expected
    assert ktx.listed(result, "pruned") == expected
    assert not stale.exists()
    assert ktx.root.is_dir()


@pytest.mark.advisory
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.parametrize("option", ["--dry-run", "--yes"])
def test_root_that_is_a_file_is_explained(ktx: Ktx, option: str) -> None:
    """A root that is a plain file gets one clear line that names it, and stays as it is."""
    ktx.root.write_text("not a directory\n", encoding="utf-8")

    result = ktx.attempt("prune", option)

    said = result.stdout + result.stderr
    assert len(said.splitlines()) == 1
    assert str(ktx.root) in said
    assert not ktx.message("nothing_stale").search(said), "it takes the file for a root with nothing stale"
    assert not result.changes


def put_obstacle(ktx: Ktx, kind: str, path: Path) -> None:
    """Put something in the way that a careless listing stumbles over."""
    if kind == "dangling-link":
        path.symlink_to(path.parent / "gone", target_is_directory=True)
        return
    make_plain(ktx, path.name)
    path.chmod(0)
    ktx.sandbox.drop_privileges()


def make_unremovable(ktx: Ktx, name: str) -> Path:
    """One that holds a directory of somebody else's, which permission bits protect."""
    runtime = make_plain(ktx, name)
    os.chown(runtime / ".venv", 65534, 65534)  # the uid of nobody, wherever there is one
    (runtime / ".venv").chmod(0o755)
    ktx.sandbox.drop_privileges()
    return runtime


def use_odd_root(ktx: Ktx, kind: str) -> Path:
    """Set the root in an odd way; returns the absolute directory that paths are listed below."""
    sandbox = ktx.sandbox
    if kind == "relative":
        sandbox.use_root(sandbox.working / "some" / "root", setting=os.path.join("some", "root"))  # noqa: PTH118 -- as typed
    elif kind == "slash":
        sandbox.use_root(ktx.root, setting=f"{ktx.root}{os.sep}")
    elif kind == "link":
        real = sandbox.directory / "real-root"
        real.mkdir()
        ktx.root.symlink_to(real, target_is_directory=True)
    else:
        sandbox.use_root(sandbox.directory / ("a root" if kind == "spaces" else "racine-é-漢字"))
    return ktx.root


def wait_until(holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait, without a pause, for something that happens within moments."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
