"""Registries that do not deliver, in every way that they have: never a verdict on the release, and nothing stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.errors import TestbedError
from harness.release.building import build
from harness.tests.release.installing import failure
from harness.tests.release.markets import PAGE, PART, TAKES_PART
from harness.tests.release.projects import write_odd

if TYPE_CHECKING:
    from pathlib import Path

    from harness.release.artifact import Artifact
    from harness.tests.release.installing import Install
    from harness.tests.release.markets import Market

# The deadline in seconds of what would otherwise take hours: all of it is spent.
DEADLINES = {"never answers": 3.0, "a byte a second": 3.0}
SLOW = "it did not finish in 3 s, and was still fetching"
BUILDING = [("half of it", "part"), ("one byte changed", "part"), ("status 503", "503"), ("a byte a second", SLOW)]


@pytest.mark.parametrize(
    "how",
    [
        ("uv", "never answers", PART, SLOW),
        ("uv", "a byte a second", PART, SLOW),
        ("uv", "half of it", PART, "part.*(damaged|closed|end of file)"),
        ("uv", "status 503", PART, r"'http://\S+/part-1\.0-py3-none-any\.whl': .*503"),
        ("uv", "one byte changed", PART, "'part==1.0': Bad CRC"),
        ("uv", "less than announced", PART, "part.*(end of file|closed)"),
        ("uv", "never answers", PAGE, SLOW),
        ("uv", "half of it", PAGE, r"'http://\S+/simple/part/': .*end of file"),
        ("uv", "status 503", PAGE, r"'http://\S+/simple/part/': .*503"),
        ("pip", "a byte a second", PART, SLOW),
        ("pip", "half of it", PART, r"'http://\S+/part-1\.0-py3-none-any\.whl': .*not enough bytes"),
        ("pip", "status 503", PART, "503"),
        ("pip", "one byte changed", PART, r"'http://\S+/part-1\.0-py3-none-any\.whl' does not have the hash"),
        ("pip", "never answers", PAGE, SLOW),
        ("pip", "status 503", PAGE, r"http://\S+/simple/part/: .*503"),
        ("pipx", "status 503", PART, "503"),
        ("uv-tool", "half of it", PART, "part.*(damaged|closed|end of file)"),
    ],
    ids=lambda how: f"{how[0]}, {how[1]}, {'file' if how[2] == PART else 'page'}",
)
def test_an_index_that_does_not_deliver_a_dependency(
    order: Install, market: Market, needy: Artifact, tmp_path: Path, how: tuple[str, str, str, str]
) -> None:
    installer, market.relay.fault, market.relay.spoils, complaint = how
    timeout = DEADLINES.get(market.relay.fault, 120.0)
    error = failure(order, needy, tmp_path / "spoilt", installer=installer, timeout=timeout)

    assert isinstance(error, TestbedError)
    assert re.match(f"the package index does not deliver: .*{complaint}", error.message), error.message

    market.relay.fault = ""
    again = order(needy, tmp_path / "healthy", installer=installer)
    assert "part" in {each.name for each in again.distributions}


@pytest.mark.parametrize(("fault", "complaint"), BUILDING)
def test_an_index_that_does_not_deliver_what_a_source_is_built_with(
    market: Market, tmp_path: Path, fault: str, complaint: str
) -> None:
    source = write_odd(tmp_path / "source", TAKES_PART, '"part==1.0"')
    log, timeout = tmp_path / "log", DEADLINES.get(fault, 120.0)
    market.relay.fault, market.relay.spoils = fault, PART
    with pytest.raises(TestbedError, match=f"^the package index does not deliver: .*{complaint}"):
        build(source, tmp_path / "spoilt", environment=market.settings, timeout=timeout, log=log)

    market.relay.fault = ""
    built = build(source, tmp_path / "healthy", environment=market.settings, timeout=120, log=log)
    assert built.wheel.read_text() == "good"
