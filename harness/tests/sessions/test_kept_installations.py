"""Self-tests of whole sessions that keep their installation for the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.tests.release.npmpackages import pack_package
from harness.toolcaches import tool_caches

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout, Run

REUSE = "--reuse-installation"
PROGRAM = '#!/usr/bin/env node\nconsole.log("odd 1.0");\n'


@pytest.fixture
def own_cache(checkout: Checkout, environment: dict[str, str], tmp_path: Path) -> Path:
    """The harness's own cache is the test's; those of the tools are not."""
    _, caches = tool_caches(environment)
    cache = tmp_path / "cache"
    checkout.settings |= {name: str(place) for name, place in caches.items()} | {"XDG_CACHE_HOME": str(cache)}
    return cache


def installation(run: Run) -> dict[str, object]:
    """What the verdict says of the installation."""
    facts = run.document["installation"]
    assert isinstance(facts, dict)
    return facts


@pytest.mark.usefixtures("on_each_rung")
def test_the_second_run_skips_the_install_and_says_so(checkout: Checkout, own_cache: Path) -> None:
    first, second = checkout.smoke(REUSE), checkout.smoke(REUSE)

    assert (first.verdict, second.verdict) == ("passed", "passed"), second.output
    assert installation(first)["kept_since"] is None
    since = installation(second)["kept_since"]
    assert second.lines("installed: ") == [f"installed: {since} by an earlier run, unchanged since"]
    assert (first.evidence / "install.log").is_file()
    assert not (second.evidence / "install.log").exists()
    assert f"{since} by an earlier run" in (second.evidence / "report.html").read_text(encoding="utf-8")
    assert f"{since} by an earlier run" in (second.evidence / "summary.md").read_text(encoding="utf-8")
    assert list(own_cache.glob("ktx-smoke/installations/*/record.pickle"))
    assert checkout.left_behind == []


@pytest.mark.usefixtures("own_cache")
def test_without_the_option_every_run_installs_anew(checkout: Checkout) -> None:
    checkout.smoke(REUSE)
    run = checkout.smoke()

    assert run.lines("installed: ") == []
    assert (run.evidence / "install.log").is_file()


def test_a_package_of_npm_is_kept_with_its_node(checkout: Checkout, own_cache: Path, tmp_path: Path) -> None:
    package = pack_package(tmp_path / "odd.tgz", {"odd.js": PROGRAM}, name="odd", bin={"odd": "odd.js"})
    runs = [checkout.run("smoke", "--artifact", package, REUSE, "-k", "starts or version") for _ in range(2)]

    assert [run.outcomes["says_its_version"] for run in runs] == ["passed", "passed"], runs[1].output
    assert [bool(installation(run)["kept_since"]) for run in runs] == [False, True]
    [module] = own_cache.rglob("node_modules/odd/odd.js")
    module.write_text(module.read_text(encoding="utf-8").replace("1.0", "1.1"), encoding="utf-8")

    third = checkout.run("smoke", "--artifact", package, REUSE, "-k", "starts or version")

    assert third.outcomes["says_its_version"] == "passed", "what was changed is not what is smoked"
    [said] = third.lines("installed: ")
    assert said.startswith("installed: anew, since the kept installation was changed: ")
    assert said.endswith("odd.js'")


@pytest.mark.usefixtures("own_cache")
def test_what_is_signed_was_installed_for_it(checkout: Checkout, tmp_path: Path) -> None:
    run = checkout.smoke(REUSE, "--sign-key", tmp_path / "key.pem")

    assert (run.verdict, run.exit_code) == ("usage-error", 4)
    assert "--reuse-installation is for work in progress" in run.output
