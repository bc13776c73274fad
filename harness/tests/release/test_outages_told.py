"""What did not come, in the words of the installers, from what they really printed."""

from __future__ import annotations

import pytest

from harness.release import outages

OF_THE_FILE_ITSELF = """\
error: Failed to read `tiny-tool @ file:///dist/tiny_tool-1.0-py3-none-any.whl#sha256=00`
  cause: Hash mismatch for `tiny-tool @
         file:///dist/tiny_tool-1.0-py3-none-any.whl#sha256=00`

         Expected:
           sha256:00
"""
OF_ANOTHER = """\
error: Failed to read `part==1.0`
  cause: Hash mismatch for `part==1.0`

         Expected:
           sha256:00
"""
NOT_THERE = """\
error: Failed to fetch: `https://host/part-1.0-py3-none-any.whl`
  cause: HTTP status client error (404 Not Found) for url (https://host/part-1.0-py3-none-any.whl)
"""
FOLDED = """\
error: Failed to fetch: http://host/simple/part/
  cause: HTTP status server error (503 Service Unavailable) for url
         (http://host/simple/part/)
"""
UNPACKED = "error: Failed to build `odd @ file:///odd`\n  cause: The build backend returned an error\n"
INVALID = "ERROR: Wheel 'part' located at /tmp/pip-1/part-1.0-py3-none-any.whl is invalid.\n"
LOG = "Full pip output in file:\n    {path}\n\nPossibly relevant errors:\n    ERROR: HTTP error 503 while getting\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (OF_THE_FILE_ITSELF, ""),
        (OF_ANOTHER, "'part==1.0': it is not what it should be"),
        (NOT_THERE, ""),
        (FOLDED, "'http://host/simple/part/': HTTP status server error (503 Service Unavailable)"),
        (UNPACKED, ""),
    ],
    ids=["the file itself", "another file", "not there", "folded", "no build"],
)
def test_uv(output: str, expected: str) -> None:
    assert outages.of_uv(output) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (INVALID, "Wheel 'part' is invalid"),
        (
            "ERROR: HTTP error 503 while getting https://host/part.whl\n",
            "HTTP error 503 while getting https://host/part.whl",
        ),
        ("ERROR: HTTP error 404 while getting https://host/part.whl\n", ""),
        ("ERROR: No matching distribution found for part==1.0\n", ""),
    ],
    ids=["invalid", "503", "404", "no such version"],
)
def test_pip(output: str, expected: str) -> None:
    assert outages.of_pip(output) == expected


def test_pipx_without_its_log() -> None:
    assert outages.of_pipx(LOG.format(path="/nowhere/pip.log")) == ""
    assert outages.of_pipx("ERROR: HTTP error 503 while getting x\n") == "HTTP error 503 while getting x"
