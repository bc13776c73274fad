"""`report.html`: the whole document as one page that needs nothing else, and no scripts.

Owns what the page says beyond the document's own words. How it looks is the templates'.
"""

from __future__ import annotations

import posixpath
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.verdict import digest, timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.verdict.document import ClauseFacts, CommandFacts, Document, RowFacts

_TEMPLATES = Path(__file__).parent / "templates"
_LOOKS = {"passed": "good", "warned": "warning", "incomplete": "warning", "nothing-tested": "warning"}
_SIGNS = {"passed": "✓", "failed": "✕", "not-applicable": "−", "not-selected": "○", "not-run": "·"}  # noqa: RUF001 -- a minus, as wide as a plus
_ADVISORY_SIGN = "!"  # an advice that was not followed
_SIGN_OF_MARK = {"added": "+", "removed": "−", "changed": "~", "same": ""}  # noqa: RUF001 -- the same
_SLOWEST = 8
_MINUTE = 60


def render(document: Document) -> str:
    """The page."""
    clauses = document["clauses"]
    template = _environment().get_template("report.html.j2")
    return template.render(
        document=document,
        release=digest.tested(document["artifact"]),
        look=_LOOKS.get(document["verdict"], "bad"),
        shares=digest.shares(clauses),
        broken=(
            ("Broken promises", digest.failed(clauses, "required")),
            (digest.ADVISORY_TITLE, digest.failed(clauses, "advisory")),
        ),
        untested=digest.untested(clauses),
        families=digest.families(clauses),
        lanes=timeline.lanes(document),
        slowest=timeline.slowest(document, _SLOWEST),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = (command_line, duration, is_expected, look, mark_sign, prose, short_command, sign, tree_name, digest.seconds)
    environment.filters.update({each.__name__: each for each in (*own, digest.failing_case, digest.history)})
    return environment


def look(clause: ClauseFacts) -> digest.Look:
    """How much attention a clause needs."""
    return digest.look(clause["level"], clause["outcome"])


def sign(clause: ClauseFacts) -> str:
    """One character for those who do not see colours."""
    return _ADVISORY_SIGN if look(clause) == "warning" else _SIGNS[clause["outcome"]]


def mark_sign(row: RowFacts) -> str:
    """The same for what changed in a tree."""
    return _SIGN_OF_MARK[row["mark"]]


def duration(seconds: float) -> str:
    """Seconds for people: as many digits as mean something."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"


def prose(text: str) -> Iterator[tuple[bool, str]]:
    """A sentence in pieces, each with whether it stood in backquotes and is code."""
    return ((number % 2 == 1, piece) for number, piece in enumerate(text.split("`")) if piece)


def command_line(command: CommandFacts) -> str:
    """What was run, as for a shell; the names of directories are no variables to be quoted."""
    return " ".join(word if word.startswith("$") else shlex.quote(word) for word in command["argv"])


def short_command(command: CommandFacts) -> str:
    """The same as people would type it: without the directories of the program."""
    program, *words = command["argv"]
    return " ".join([posixpath.basename(program), *(w if w.startswith("$") else shlex.quote(w) for w in words)])


def is_expected(command: CommandFacts) -> bool:
    """Whether it ended as commands do, by itself."""
    return command["exit_code"] is not None and command["exit_code"] >= 0


def tree_name(row: RowFacts) -> str:
    """The last part of a path, a directory with its slash."""
    return posixpath.basename(row["path"]) + ("/" if row["kind"] == "directory" else "")
