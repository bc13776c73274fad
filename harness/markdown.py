"""Markdown that the harness writes: tables, and the generated sections of files that people write as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Section:
    """What stands between the two markers of this name."""

    name: str

    @property
    def begin(self) -> str:
        """The marker before it."""
        return f"<!-- {self.name}:begin -->"

    @property
    def end(self) -> str:
        """The marker after it."""
        return f"<!-- {self.name}:end -->"

    def renew(self, text: str, content: str) -> str:
        """The text with this content, whole lines, in the section.

        Raises:
            UsageError: the markers are not there, once each and in their order.
        """
        before, _, after = self._split(text)
        return f"{before}{self.begin}\n{content}{self.end}{after}"

    def read(self, text: str) -> str:
        """What the section holds; errors as of `renew`."""
        return self._split(text)[1].removeprefix("\n")

    def _split(self, text: str) -> tuple[str, str, str]:
        before, begin, rest = text.partition(self.begin)
        content, end, after = rest.partition(self.end)
        if not (begin and end) or self.begin in content + after or self.end in before + after:
            raise UsageError(f"the text needs '{self.begin}' and '{self.end}', once each and in this order")
        return before, content, after


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    yield _row(titles)
    yield _row(["---"] * len(titles))
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """A pipe would end the cell, a line break the table, and a tag could be anything."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
