"""Self-tests of what the page says; how it looks is for the tests in a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, cast

import pytest

from harness.tests.verdict.records import a_case, a_clause
from harness.tests.verdict.test_document import PREPARED
from harness.tests.verdict.test_summary import a_failure
from harness.tests.verdict.test_terminal import FOUR, a_document
from harness.verdict import html, timeline
from harness.verdict.document import refusal
from harness.verdict.evidence import ClauseRecord, CommandRecord

if TYPE_CHECKING:
    from harness.errors import Stage
    from harness.verdict.document import CommandFacts

VOID = {"meta", "br", "link", "img"}


class _Nesting(HTMLParser):
    """Reads a page strictly: every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [] if tag in VOID else [tag]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.targets += [value[1:] for name, value in attrs if name == "href" and value and value.startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> _Nesting:
    """The page, read to its end."""
    parser = _Nesting()
    parser.feed(page)
    assert parser.open == []
    return parser


def a_command(*argv: str, stdout: str = "") -> CommandRecord:
    """A command that said this."""
    return CommandRecord(
        argv=argv, exit_code=0, ending="exit code 0", seconds=0.1, stdout=stdout, stderr="", changes=(), tree=(),
        left_running=(), network="outer",
    )  # fmt: skip


def test_a_page_is_well_formed_and_every_link_leads_somewhere() -> None:
    page = read(html.render(a_document(*FOUR, a_failure("lasts"))))

    assert len(set(page.ids)) == len(page.ids)
    assert set(page.targets) <= set(page.ids)
    assert {"clause-keeps", "clause-lasts", "untested"} <= set(page.ids)


def test_it_needs_nothing_else() -> None:
    page = html.render(a_document(*FOUR))

    assert "<script" not in page
    assert not re.search(r"(?:src|url\()\s*=?\s*['\"]?https?:", page)


def test_a_refusal_is_a_page_too() -> None:
    page = html.render(refusal(reference="<nowhere>", reason="there is no '<nowhere>'", started_at=0.0))

    read(page)
    assert "there is no &#39;&lt;nowhere&gt;&#39;" in page


def test_what_a_command_said_is_text() -> None:
    case = a_case("keeps", commands=(a_command("$SCRATCH/bin/odd", "two words", stdout="<b>&"),))
    page = html.render(a_document(ClauseRecord(clause=a_clause("keeps"), outcome="passed", cases=(case,))))

    assert "<pre>&lt;b&gt;&amp;</pre>" in page
    assert "<code>odd &#39;two words&#39;</code>" in page
    assert "<code>$SCRATCH/bin/odd &#39;two words&#39;</code>" in page


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0 ms"), (0.0126, "13 ms"), (1.25, "1.2 s"), (59.9, "59.9 s"), (125.4, "2 min 5 s")]
)
def test_a_duration_has_the_digits_that_mean_something(seconds: float, text: str) -> None:
    assert html.duration(seconds) == text


def test_backquotes_are_code() -> None:
    assert list(html.prose("`a` and `b`.")) == [(True, "a"), (False, " and "), (True, "b"), (False, ".")]


@pytest.mark.parametrize(("exit_code", "expected"), [(0, True), (3, True), (-9, False), (None, False)])
def test_a_crash_and_a_hang_are_no_way_to_end(exit_code: int | None, *, expected: bool) -> None:
    assert html.is_expected(cast("CommandFacts", {"exit_code": exit_code})) is expected


@pytest.mark.parametrize(
    ("reference", "name"),
    [("fixtures/odd", "build"), ("pypi:odd==1.0", "download"), ("npm:odd@latest", "download")],
)
def test_what_is_published_is_downloaded_and_not_built(reference: str, name: str) -> None:
    moments: dict[Stage, float] = {"builds": 0.0, "installs": 1.0, "starts": 2.0}
    prepared = replace(PREPARED, started=moments, seconds=dict.fromkeys(moments, 1.0))
    document = a_document(*FOUR, preparation=prepared, reference=reference)

    assert [bar["name"] for bar in timeline.lanes(document)[0]["bars"]] == [name, "install", "start"]


def test_a_case_is_on_the_timeline_once() -> None:
    breach = a_case("greets", "failed", worker="gw1", started=4.0)
    own = a_case("keeps", worker="gw0", started=2.0)
    document = a_document(
        ClauseRecord(clause=a_clause("keeps"), outcome="failed", cases=(breach, own)),
        ClauseRecord(clause=a_clause("greets", level="advisory"), outcome="failed", cases=(breach,)),
    )
    lanes = timeline.lanes(document)

    assert [(lane["name"], [bar["name"] for bar in lane["bars"]]) for lane in lanes] == [
        ("gw0", ["keeps"]),
        ("gw1", ["greets"]),
    ]
    (bar,) = lanes[1]["bars"]
    assert (bar["look"], bar["clause"], bar["left"], bar["width"]) == ("warning", "greets", 32.41, 4.05)
    assert [bar["name"] for bar in timeline.slowest(document, 1)] == ["keeps"]
