"""A document in all the forms in which people and machines get it, without the secrets of this machine.

Owns which files there are and that none holds a secret; what is in them is for the modules of each form.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness.verdict import summary
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from harness.masking import Mask
    from harness.verdict.archive import Archive
    from harness.verdict.document import Document

# Words of the schema: a secret that is one of them is none.
_WORDS = frozenset({"verdict", "outcome", "level", "kind", "mark", "id", "family", "sha256", "started_at", "promise"})


def masked(document: Document, mask: Mask) -> Document:
    """The document without secrets in any of its texts."""
    return cast("Document", _masked(document, mask))


def publish(archive: Archive, document: Document) -> None:
    """Write every form; where one cannot be written, there is no verdict for machines either.

    Raises:
        OSError: the evidence cannot be written.
    """
    from harness.verdict import html  # noqa: PLC0415 -- heavy, and workers publish nothing

    archive.write_verdict(document)
    markdown = summary.markdown(document)
    try:
        write_whole(archive.report, html.render(document).encode())
        write_whole(archive.summary, markdown.encode())
    except OSError:
        archive.verdict.unlink(missing_ok=True)
        raise
    if place := os.environ.get("GITHUB_STEP_SUMMARY"):
        with contextlib.suppress(OSError), Path(place).open("a", encoding="utf-8") as page:
            page.write(markdown)


def _masked(value: object, mask: Mask) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(item, mask) for item in value]
    if isinstance(value, dict):
        return {key: item if key in _WORDS else _masked(item, mask) for key, item in value.items()}
    return value
