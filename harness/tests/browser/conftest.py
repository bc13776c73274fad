"""A browser without a window, and pages of real sessions to show in it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from harness.tests.sessions.checkouts import Checkout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox",  # CI runs as root; the page is our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PROMISES = '''
@pytest.mark.required
@pytest.mark.parametrize("name", ["first", "second"])
def test_writes(odd, sandbox, name):
    """`odd write` writes what it is told to, and a second `write` changes nothing: <b>never</b> & nowhere."""
    (sandbox.runtime_root / "0.0.0").mkdir(parents=True)
    odd("write", f"{name}/file")
    odd("warn", "<script>document.title = 'owned'</script>", "line\\\\n" * 60)


@pytest.mark.required
@pytest.mark.needs("teleport")
def test_teleports(odd):
    """It teleports."""
'''
IMPOLITE = '''
@pytest.mark.advisory
def test_is_polite(odd):
    """It greets."""
    assert "hello" in odd("--version").stdout
'''
BROKEN = '''
@pytest.mark.required
@pytest.mark.parametrize("way", ["loud", "quiet"])
def test_keeps(odd, sandbox, way):
    """It keeps what it promises."""
    odd("write", "a/b")
    sandbox.run("/bin/rm", "-r", str(sandbox.runtime_root / "a"))
    assert way == "neither", f"it was {way}"


@pytest.mark.required
def test_survives(odd):
    """It survives."""
    odd("crash")
'''
RELEASES = {"passed": "", "warned": IMPOLITE, "failed": IMPOLITE + BROKEN}


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser of this machine, or the one that `BROWSER_PROGRAM` names; it must be there."""
    program = os.environ.get("BROWSER_PROGRAM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, "no Chromium: install one, or name it with BROWSER_PROGRAM"
    home = tmp_path_factory.mktemp("browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(SWITCHES), env={**os.environ, "HOME": str(home)}
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a release that passes, of one that warns, and of one that fails."""
    made = {}
    for verdict, cases in RELEASES.items():
        checkout = Checkout(tmp_path_factory.mktemp(verdict))
        checkout.add_cases(PROMISES + cases)
        run = checkout.smoke("-n", "2")
        assert run.verdict == verdict, run.output
        made[verdict] = run.evidence / "report.html"
    return made


@pytest.fixture
def show(browser: Browser, reports: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    """Shows the page of a verdict; options are those of a browser context. It must load nothing else."""
    pages: list[Page] = []
    asked: list[str] = []

    def open_page(verdict: str, **options: object) -> Page:
        page = browser.new_context(**options).new_page()  # type: ignore[arg-type]  # they are the test's
        page.on("request", lambda request: asked.append(request.url))
        page.goto(reports[verdict].as_uri())
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert {url.partition("#")[0] for url in asked} <= {report.as_uri() for report in reports.values()}
