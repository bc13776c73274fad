"""Caches of the installers in which somebody changed bytes: what was released is installed all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError
from harness.release.artifact import identify
from harness.release.building import build
from harness.release.installation import record_mismatches
from harness.tests.release.installing import WHEEL
from harness.tests.release.markets import NEEDS_PART, TAKES_PART, spoil
from harness.tests.release.projects import pack_wheel, write_odd

if TYPE_CHECKING:
    from pathlib import Path

    from harness.release.artifact import Artifact
    from harness.tests.release.installing import Install
    from harness.tests.release.markets import Market

GOOD, EVIL, BROKEN = b"'good'", b"'evil'", b"good')"


@pytest.mark.parametrize(
    "how",
    [("uv", "part/__init__.py"), ("uv", "odd/__init__.py"), ("uv-tool", "part/__init__.py")],
    ids=["uv, a dependency", "uv, the release", "uv-tool, a dependency"],
)
def test_what_uv_unpacked_and_somebody_changed_is_fetched_again(
    order: Install, market: Market, needy: Artifact, tmp_path: Path, how: tuple[str, str]
) -> None:
    installer, module = how
    order(needy, tmp_path / "before", installer=installer)
    poisoned = market.cached(module)
    assert poisoned
    for path in poisoned:
        spoil(path, GOOD, EVIL)

    installation = order(needy, tmp_path / "after", installer=installer)

    assert (installation.site_packages / module).read_bytes().startswith(b"SAYS = 'good'")
    assert record_mismatches(installation, "part") == ()


@pytest.mark.parametrize("installer", ["pip", "pipx"])
def test_what_pip_keeps_and_somebody_changed_is_fetched_again(
    order: Install, market: Market, needy: Artifact, tmp_path: Path, installer: str
) -> None:
    order(needy, tmp_path / "before", installer=installer)
    poisoned = [path for path in market.cached("*") if GOOD in path.read_bytes()]
    assert poisoned
    for path in poisoned:
        spoil(path, GOOD, EVIL)

    installation = order(needy, tmp_path / "after", installer=installer)

    assert (installation.site_packages / "part" / "__init__.py").read_bytes().startswith(b"SAYS = 'good'")


def test_a_dependency_that_was_released_with_a_record_that_lies_is_none_of_the_releases_business(
    order: Install, tmp_path: Path
) -> None:
    lies = {"odd/data.txt": "odd/data.txt,sha256=0000000000000000000000000000000000000000000,10"}
    liar = identify(pack_wheel(tmp_path / WHEEL, headers=NEEDS_PART, lies=lies))

    installation = order(liar, tmp_path / "environment")

    assert record_mismatches(installation, "odd") == ("odd/data.txt: its content is not what RECORD says",)


def test_a_build_that_fails_by_what_lies_in_a_cache_is_no_fault_of_the_release(market: Market, tmp_path: Path) -> None:
    source = write_odd(tmp_path / "source", TAKES_PART, '"part==1.0"')
    log = tmp_path / "log"
    build(source, tmp_path / "before", environment=market.settings, timeout=120, log=log)
    for path in market.cached("part/__init__.py"):
        spoil(path, GOOD, BROKEN)

    with pytest.raises(TestbedError, match=r"does not build, but does past the caches of the tools.*hint: uv cache"):
        build(source, tmp_path / "after", environment=market.settings, timeout=120, log=log)
