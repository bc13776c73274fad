"""Prune, the promises that a release must keep: what is stale goes, only on `--yes`, and nothing else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from smoke.stale import MARKS, SHAPES, make_plain, stale_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smoke.product import Ktx

    Shape = Callable[[Ktx], tuple[Path, ...]]

every_shape = pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, id=name, marks=MARKS.get(name, ())) for name, shape in SHAPES.items()],
)


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@every_shape
def test_dry_run_lists_and_deletes_nothing(ktx: Ktx, shape: Shape) -> None:
    """`prune --dry-run` lists every stale runtime and leaves the tree exactly as it was."""
    stale = shape(ktx)

    result = ktx.run("prune", "--dry-run")

    assert not result.changes, f"the preview changed the disk:\n{result.changes.render()}"
    assert sorted(ktx.listed(result, "stale")) == sorted(map(str, stale))
    assert result.stderr == ""
    assert all(runtime.is_dir() for runtime in stale)


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.parametrize("shape", [SHAPES["empty"], SHAPES["links-outside"]], ids=["empty", "links-outside"])
def test_bare_prune_refuses(ktx: Ktx, shape: Shape) -> None:
    """`prune` without `--yes` exits nonzero with nothing on stdout, gives guidance, and deletes nothing."""
    stale = shape(ktx)

    result = ktx.fail("prune", says="refused")

    assert not result.changes, f"the refusal changed the disk:\n{result.changes.render()}"
    assert all(runtime.is_dir() for runtime in stale)


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_bare_prune_refuses_when_asked_twice(ktx: Ktx) -> None:
    """Asking a second time is no consent: `prune` refuses again, in the same words."""
    make_plain(ktx)

    first = ktx.fail("prune", says="refused")
    second = ktx.fail("prune", says="refused")

    assert second.stderr == first.stderr
    assert not first.changes
    assert not second.changes


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal that pexpect can use")
def test_bare_prune_refuses_on_a_terminal(ktx: Ktx) -> None:
    """On a terminal `prune` without `--yes` refuses just the same: it asks nothing and deletes nothing."""
    make_plain(ktx)

    with ktx.sandbox.on_terminal(*ktx.words("prune")) as terminal:
        terminal.expect(ktx.message("refused").pattern)

    result = ktx.sandbox.results[-1]
    assert result.exit_code not in {0, None}, f"expected a nonzero exit code, was {result.ending}"
    assert not result.changes, f"the refusal changed the disk:\n{result.changes.render()}"


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_bare_prune_with_nothing_stale_deletes_nothing(ktx: Ktx) -> None:
    """With nothing stale, `prune` without `--yes` may refuse or say so; it changes nothing."""
    ktx.root.mkdir()

    result = ktx.attempt("prune")

    assert not result.changes
    assert result.exit_code is not None
    said = result.stdout + result.stderr
    assert ktx.message("refused").search(said) or ktx.message("nothing_stale").search(said)


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@every_shape
def test_yes_removes_every_stale_runtime(ktx: Ktx, shape: Shape) -> None:
    """`prune --yes` lists exactly what it removed, and every stale runtime is gone, whole."""
    stale = shape(ktx)

    result = ktx.run("prune", "--yes")

    assert [runtime for runtime in stale if runtime.exists()] == []
    assert sorted(ktx.listed(result, "pruned")) == sorted(map(str, stale))
    assert result.stderr == ""
    assert {path.partition("/")[2].partition("/")[0] for path in result.changes.paths} == {
        runtime.name for runtime in stale
    }
    assert list(ktx.root.iterdir()) == []


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune", "install", "status", "doctor")
def test_yes_keeps_the_current_runtime(ready_ktx: Ktx) -> None:
    """`prune --yes` leaves the current version's runtime untouched, and it still works."""
    stale = make_plain(ready_ktx)

    result = ready_ktx.run("prune", "--yes")

    assert ready_ktx.listed(result, "pruned") == (str(stale),)
    assert not result.changes.within(f"root/{ready_ktx.version}")
    assert ready_ktx.status()["kind"] == "ready"
    ready_ktx.run("doctor")


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_yes_keeps_everything_outside_the_root(ktx: Ktx) -> None:
    """`prune --yes` touches nothing outside the root: neither what links lead to, nor neighbours with stale names."""
    SHAPES["links-outside"](ktx)
    neighbour = ktx.root.parent / stale_version(ktx)
    neighbour.mkdir()
    in_work = ktx.sandbox.working / stale_version(ktx)
    in_work.mkdir()

    result = ktx.run("prune", "--yes")

    assert result.changes.paths
    assert not result.changes.outside("root")
    assert (ktx.sandbox.home / "precious" / "data.txt").read_text(encoding="utf-8") == "keep me\n"
    assert neighbour.is_dir()
    assert in_work.is_dir()


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.parametrize("option", ["--dry-run", "--yes"])
@pytest.mark.parametrize("root", ["missing", "empty", "current-only"])
def test_nothing_stale_creates_nothing(ktx: Ktx, root: str, option: str) -> None:
    """With nothing stale, or no root at all, `prune` exits 0, says so, and creates nothing."""
    below = {"missing": (), "empty": (ktx.root,), "current-only": (ktx.root, ktx.runtime)}
    for directory in below[root]:
        directory.mkdir()

    result = ktx.run("prune", option)

    said = ktx.message("nothing_stale").fullmatch(result.stdout.strip())
    assert said is not None, f"it does not say that nothing is stale: '{result.stdout.strip()}'"
    assert said["root"] == str(ktx.root)
    assert result.stderr == ""
    assert not result.changes


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
def test_second_yes_finds_nothing(ktx: Ktx) -> None:
    """A second `prune --yes` finds nothing to do."""
    make_plain(ktx)
    assert ktx.listed(ktx.run("prune", "--yes"), "pruned")

    second = ktx.run("prune", "--yes")

    assert ktx.message("nothing_stale").search(second.stdout)
    assert not second.changes


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.parametrize("options", [("--dry-run", "--yes"), ("--yes", "--dry-run")], ids=["dry-first", "yes-first"])
def test_dry_run_with_yes_deletes_nothing(ktx: Ktx, options: tuple[str, str]) -> None:
    """`--dry-run` and `--yes` together, in either order, delete nothing."""
    stale = make_plain(ktx)

    result = ktx.attempt("prune", *options)

    assert not result.changes, f"it changed the disk:\n{result.changes.render()}"
    assert stale.is_dir()
    assert not ktx.message("pruned").search(result.stdout)
    assert result.exit_code is not None


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("prune")
@pytest.mark.parametrize(
    "options", [("--no-such-option",), ("--yes", "--no-such-option"), ("--yes", "extra")], ids=" ".join
)
def test_unknown_option_deletes_nothing(ktx: Ktx, options: tuple[str, ...]) -> None:
    """An option or word that `prune` does not know deletes nothing, even beside `--yes`."""
    stale = make_plain(ktx)

    result = ktx.fail("prune", *options, says="usage")

    assert options[-1] in result.stderr
    assert not result.changes
    assert stale.is_dir()
