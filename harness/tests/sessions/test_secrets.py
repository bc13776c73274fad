"""Self-tests of whole sessions in an environment full of secrets, which a release prints wherever it can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.tests.release.projects import pack_odd, write_odd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout

SECRETS = {
    "DEPLOY_TOKEN": "canary-token-1",
    "APP_SECRET": "canary-secret-2",
    "DB_PASSWORD": "canary-password-3",
    "SIGNING_KEY": "canary-key-4",
    "CLOUD_CREDENTIALS": "canary-credentials-5",
    "UV_DEFAULT_INDEX": "https://somebody:canary-index-6@127.0.0.1:9/simple",
    "UV_CANARY_TOKEN": "canary-installer-7",
}
LEAKING = """
ALL = [value for name, value in os.environ.items() if "canary" in value]


@pytest.mark.required
def test_prints_what_it_knows(odd):
    \"""It keeps what it is told to itself.\"""
    assert len(ALL) == 7
    odd("warn", *ALL)


@pytest.mark.required
def test_shows_a_difference(odd):
    \"""It warns on standard output.\"""
    assert odd("warn", *ALL).stdout == " ".join(ALL), f"not on stdout: {ALL}"


@pytest.mark.required
def test_writes_a_name(sandbox):
    \"""It writes no file that is named like a secret.\"""
    sandbox.run("/bin/sh", "-c", 'echo x >"$ODD_ROOT-canary-key-4"')


@pytest.mark.required
def test_is_clear(odd):
    \"""It is clear.\"""
    print(*ALL)
    raise ValueError(*ALL)


@pytest.mark.required
def test_cannot_run(odd):
    \"""It runs.\"""
    pytest.skip(f"not with {ALL}")
"""
LEAKING_BUILD = """\
print("the token is", os.environ["UV_CANARY_TOKEN"], flush=True)
    raise SystemExit(os.environ["PIP_NOTE"])
"""


def from_a_wheel(checkout: Checkout, _directory: Path) -> Path:
    """A release that says in its commands what it should not."""
    checkout.add_cases(LEAKING)
    return checkout.wheel


def from_source(_checkout: Checkout, directory: Path) -> Path:
    """One that says it while it is built."""
    return write_odd(directory / "source", LEAKING_BUILD)


def from_an_sdist(_checkout: Checkout, directory: Path) -> Path:
    """One that says it while it is installed."""
    return pack_odd(directory, LEAKING_BUILD)


def from_nowhere(_checkout: Checkout, _directory: Path) -> str:
    """A reference that is an address with a password, and no release."""
    return "https://somebody:canary-reference-8@host/odd.whl"


@pytest.mark.parametrize(
    ("release", "verdict", "told_in", "workers"),
    [
        (from_a_wheel, "failed", "verdict.json", ()),
        (from_a_wheel, "failed", "verdict.json", ("-n", "1")),
        # The index that the secrets come with does not answer, which explains more than the release's own words.
        (from_source, "testbed-fault", "build.log", ()),
        (from_an_sdist, "testbed-fault", "install.log", ()),
        (from_nowhere, "usage-error", "verdict.json", ()),
    ],
    ids=["wheel", "wheel on a worker", "source", "sdist", "nowhere"],
)
def test_no_secret_is_in_anything_that_is_written(
    checkout: Checkout, release: Callable[[Checkout, Path], object], verdict: str, told_in: str, workers: tuple[str]
) -> None:
    page = checkout.directory / "page.md"
    checkout.settings |= SECRETS | {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    checkout.settings |= {"PIP_NOTE": "the key is canary-key-4", "UV_OFFLINE": "1"}
    run = checkout.run("smoke", "--artifact", str(release(checkout, checkout.directory)), "-rA", *workers)

    written = {path.name: path.read_text(encoding="utf-8") for path in run.evidence.iterdir()}
    written |= {"terminal": run.output, "page": page.read_text(encoding="utf-8")}
    assert [(name, _around(text)) for name, text in written.items() if "canary-" in text] == []
    assert run.verdict == verdict
    assert "[masked]" in written[told_in]
    assert {"verdict.json", "report.html", "summary.md"} <= written.keys()


def _around(text: str) -> str:
    place = text.index("canary-")
    return text[max(0, place - 60) : place + 60]


@pytest.mark.usefixtures("on_each_rung")
def test_what_is_masked_is_still_told(checkout: Checkout) -> None:
    checkout.settings |= SECRETS
    checkout.add_cases(LEAKING)
    run = checkout.smoke()

    assert "instead: not on stdout: ['[masked]'" in run.stdout
    assert "ValueError: ('[masked]'" in run.stdout
    assert "https://[masked]@127.0.0.1:9/simple" in run.stdout
    assert "[masked]" in (run.evidence / "report.html").read_text(encoding="utf-8")
