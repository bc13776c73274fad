"""What uv and pip say when a place that they fetch from is out of order, or gives something else than it has.

They fail with the same exit code as for a release that asks for what does not exist, so their words must tell; those
of npm are for `npm`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from harness.release import pypi

_CAUSE = r"(?:error:|cause:|[├╰]─▶|×)"
_FETCH = re.compile(rf"^\s*{_CAUSE} Failed to fetch: `?(?P<place>[^\s`]+)`?$", re.MULTILINE)
# Of the file that is smoked it says so as well: that is the release's own.
_DOWNLOAD = re.compile(
    rf"^\s*{_CAUSE} Failed to (?:download|read metadata for) `(?P<place>(?!.* @ file:)[^`]+)`$", re.MULTILINE
)
_HASH = re.compile(r"Hash mismatch for `(?P<place>(?!.* @ file:)[^`]+)`")
_STRUCTURE = re.compile(r"The structure of `(?P<name>[^`]+)` \(v(?P<version>\S+)\) was invalid:\s*(?P<reason>.+)")
_LAST_CAUSE = re.compile(rf"^\s*{_CAUSE} (?P<text>.+)$", re.MULTILINE)
_FOR_URL = re.compile(r" for url \(\S+\)")
_NOT_FOUND = "404 Not Found"  # by the address that the release itself may give

_INCOMPLETE = re.compile(r"^error: incomplete-download\s+× (?P<reason>.+)\s+╰─> URL: (?P<place>[^\s#]+)", re.MULTILINE)
_MISMATCH = re.compile(r"DO NOT MATCH THE HASHES.*\n\s+(?P<name>\S+) from (?P<place>https?://[^\s#]+)")
_CONNECTION = re.compile(
    r"^ERROR: Could not install packages due to an OSError: "
    r"(?P<reason>.*(?:ConnectionPool|Connection broken|Connection aborted|timed out).*)$",
    re.MULTILINE,
)
_STATUS = re.compile(r"^ERROR: (?P<reason>HTTP error (?:5\d\d|401|403|407|429) while getting \S+)", re.MULTILINE)
_INVALID = re.compile(r"^ERROR: (?P<reason>Wheel '[^']+') located at \S+ is invalid", re.MULTILINE)
_LOG_OF_PIPX = re.compile(r"Full pip output in file:\s+(?P<path>\S.*)$", re.MULTILINE)


def of_uv(output: str) -> str:
    """What did not come, and why; "" when everything came that was asked for."""
    output = _unfolded(output)
    if structure := _STRUCTURE.search(output):
        return f"'{structure['name']}=={structure['version']}' is damaged: {structure['reason'].strip()}"
    matched = _FETCH.search(output) or _DOWNLOAD.search(output) or _HASH.search(output)
    if matched is None or (_NOT_FOUND in output and _FETCH.search(output)):
        return ""
    reasons = [match["text"] for match in _LAST_CAUSE.finditer(output)]
    reason = (
        _FOR_URL.sub("", reasons[-1]) if reasons and reasons[-1] not in matched[0] else "it is not what it should be"
    )
    return f"'{matched['place']}': {reason}"


def _unfolded(output: str) -> str:
    """The words of uv in whole lines: it fills them to some width."""
    return re.sub(r"(?<=\S)\n {7,}(?=\S)", " ", output)


def of_pip(output: str) -> str:
    """The same of pip, which tells why a page did not come only when it is verbose."""
    if matched := _INCOMPLETE.search(output):
        return f"'{matched['place']}': {matched['reason']}"
    if matched := _MISMATCH.search(output):
        return f"'{matched['place']}' does not have the hash that it should have"
    if matched := _INVALID.search(output):
        return f"{matched['reason']} is invalid"
    if matched := _CONNECTION.search(output) or _STATUS.search(output):
        return matched["reason"]
    return pypi.broken_place(output)


def of_pipx(output: str) -> str:
    """The same of the pip that pipx calls, whose words it writes into a file."""
    matched = _LOG_OF_PIPX.search(output)
    with suppress(OSError):
        said = Path(matched["path"].strip()).read_text(encoding="utf-8", errors="replace") if matched else ""
        return of_pip(said or output)
    return of_pip(output)
