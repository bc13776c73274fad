"""Self-tests of `report.html` in a real browser: small and large, light and dark, printed, without scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
VERDICTS = ("passed", "warned", "failed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("verdict", VERDICTS)
def test_nothing_keeps_anybody_from_reading_it(
    show: Callable[..., Page], verdict: str, size: dict[str, int], scheme: str
) -> None:
    page = show(verdict, viewport=size, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out(show: Callable[..., Page], verdict: str, width: int) -> None:
    page = show(verdict, viewport={"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_verdict_comes_first_in_its_colour(show: Callable[..., Page]) -> None:
    pages = {verdict: show(verdict) for verdict in VERDICTS}
    shown = {verdict: page.locator("h1 .verdict") for verdict, page in pages.items()}

    assert {verdict: each.inner_text().lower() for verdict, each in shown.items()} == {each: each for each in VERDICTS}
    colours = {each.evaluate("element => getComputedStyle(element).color") for each in shown.values()}
    assert len(colours) == 3
    assert all(page.title().startswith(f"{verdict}: odd 1.0") for verdict, page in pages.items())


def test_dark_is_dark(show: Callable[..., Page]) -> None:
    def lightness(scheme: str) -> int:
        page = show("passed", color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert lightness("light") > 700
    assert lightness("dark") < 100


def test_failures_are_open_and_all_else_opens_without_scripts(show: Callable[..., Page]) -> None:
    page = show("failed", java_script_enabled=False)
    broken, kept = page.locator("#clause-keeps"), page.locator("#clause-writes")
    assert broken.get_by_text("it was loud").is_visible()
    assert not kept.get_by_text("odd write first/file").first.is_visible()
    kept.locator("summary").first.click()
    kept.locator("summary", has_text="writes[first]").click()

    assert kept.get_by_text("odd write first/file").first.is_visible()


def test_a_failure_leads_to_its_commands(show: Callable[..., Page]) -> None:
    page = show("failed", java_script_enabled=False)
    finding = page.locator(".finding", has_text="It keeps what it promises.")
    finding.get_by_role("link").click()

    assert page.url.endswith("#clause-keeps")
    clause = page.locator("#clause-keeps")
    assert clause.get_by_text("replay.sh").first.is_visible()
    assert clause.get_by_text("python -m pytest 'smoke/test_more.py::test_keeps[loud]'").is_visible()


def test_the_tree_shows_what_went_and_what_stayed(show: Callable[..., Page]) -> None:
    page = show("failed", viewport=DESKTOP)
    rows = page.locator("#clause-keeps .command[open] table.tree").first.locator("tbody tr")
    told = [[" ".join(cell.split()) for cell in row.locator("td").all_inner_texts()] for row in rows.all()]

    assert ["bin/ 3 inside", "bin/ 3 inside"] in told
    assert ["− removed: a/", ""] in told  # noqa: RUF001 -- as shown
    assert ["root/", "root/"] in told


def test_on_a_phone_the_tree_is_one_column(show: Callable[..., Page]) -> None:
    page = show("failed", viewport=PHONE)
    row = page.locator("#clause-keeps .command[open] tr.removed").first

    assert [cell.is_visible() for cell in row.locator("td").all()] == [True, False]


def test_what_a_product_prints_is_text(show: Callable[..., Page]) -> None:
    page = show("passed")

    assert page.locator("script").count() == 0
    assert page.title().startswith("passed")
    assert "<script>document.title" in (page.locator("#clause-writes").text_content() or "")
    assert page.locator("#clause-writes b").count() == 0


def test_what_does_not_apply_is_explained(show: Callable[..., Page]) -> None:
    section = show("passed").locator("section[aria-labelledby=untested]")

    assert section.locator("tbody tr").all_inner_texts() == [
        "It teleports.\tnot-applicable\tthe contract 'odd-1' has no 'teleport'"
    ]


def test_the_timeline_has_a_bar_for_each_stage_and_case(show: Callable[..., Page]) -> None:
    page = show("failed")
    lanes = page.locator(".lane svg")

    assert lanes.nth(0).locator("rect").count() == 3
    bars = [lane.locator("rect").count() for lane in lanes.all()]
    assert sum(bars[1:]) == 11
    assert page.locator(".lane rect.bad").count() == 3
    assert page.locator(".lane rect.warning").count() == 1


def test_it_prints_on_a_few_pages(show: Callable[..., Page], tmp_path: Path) -> None:
    page = show("failed")
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation").is_visible()
    assert page.locator(".finding").first.is_visible()
    printed = page.pdf(path=tmp_path / "report.pdf", format="A4")

    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8
