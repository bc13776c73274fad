"""What a smoke session shows on pytest's terminal: the preparation as it goes, and the verdict in the end.

Owns how lines get there; the words are `verdict.terminal`'s. Colours, width and whether this is a terminal at
all are what pytest's own writer says.
"""

from __future__ import annotations

import contextlib
import os
import platform
from typing import TYPE_CHECKING

from harness.preparation import prepare_once
from harness.verdict import document, summary, terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _pytest.terminal import TerminalReporter

    from harness.errors import Stage
    from harness.session import Session
    from harness.verdict.terminal import Style

_MARKUP: Mapping[Style, Mapping[str, bool]] = {
    "plain": {},
    "title": {"bold": True},
    "good": {"green": True},
    "bad": {"red": True, "bold": True},
    "warning": {"yellow": True, "bold": True},
    "faint": {"light": True},
}


def prepare(session: Session, reporter: TerminalReporter) -> None:
    """Prepare before the first case, with a line for each step while it runs, and say what came of it."""
    reporter.ensure_newline()
    downloads = session.settings.published is not None

    def tell(stage: Stage, seconds: float | None) -> None:
        text = terminal.step(stage, downloads=downloads) if seconds is None else f"{seconds:.1f} s\n"
        reporter.write(text, flush=True)

    # What goes wrong, the cases will say: here it would be an internal error.
    with contextlib.suppress(OSError):
        preparation = prepare_once(session.settings, session.archive, tell)
        artifact = document.artifact_facts(session.settings.reference, preparation, session.settings.checkout)
        installation = document.installation_facts(preparation, platform.platform())
        for line in terminal.header(artifact, installation):
            reporter.write_line(session.mask(line))


def conclude(session: Session, reporter: TerminalReporter) -> None:
    """Print the verdict, and on GitHub the annotations before it."""
    if session.document is None:
        return
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for command in summary.workflow_commands(session.document):
            reporter.write_line(command)
    width = reporter.config.get_terminal_writer().fullwidth if reporter.isatty else None
    brief = reporter.verbosity < 0
    *lines, verdict = terminal.summary(session.document, session.archive.evidence, width=width, brief=brief)
    statement = [terminal.Line(text=f"statement: {session.statement}")] if session.statement else []
    for line in (*lines, *statement, verdict):
        reporter.write_line(line.text, **_MARKUP[line.style])
