"""The line of an npm failure that says why, from what npm really printed."""

from __future__ import annotations

import pytest

from harness.release.npm import reason

THROWN = """\
npm warn Unknown env config "nodedir". This will stop working in the next major version of npm.
npm error code 1
npm error path /prefix/lib/node_modules/odd
npm error command failed
npm error command sh -c node install.js
npm error hello
npm error /prefix/lib/node_modules/odd/install.js:1
npm error throw new Error('no parts left')
npm error ^
npm error
npm error Error: no parts left
npm error     at Object.<anonymous> (/prefix/lib/node_modules/odd/install.js:1:7)
npm error
npm error Node.js v24.19.0
npm error Log files were not written due to the config logs-max=0
"""
SAID = """\
npm error code 2
npm error path /prefix/lib/node_modules/odd
npm error command failed
npm error command sh -c echo first; echo no parts left >&2; exit 2
npm error first
npm error no parts left
npm error npm warn Unknown env config "nodedir". This will stop working in the next major version of npm.
npm error Log files were not written due to the config logs-max=0
"""
SILENT = """\
npm ERR! code 3
npm ERR! path /source
npm ERR! command failed
npm ERR! command sh -c exit 3
npm ERR! A complete log of this run can be found in: /logs
"""
NOT_FOUND = """\
npm error code E404
npm error 404 Not Found - GET registry/odd-dependency
npm error 404
npm error 404  The requested resource 'odd-dependency@1.0.0' could not be found or you do not have permission
npm error 404 Note that you can also install from a
npm error 404 tarball, folder, http url, or git url.
npm error Log files were not written due to the config logs-max=0
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (THROWN, "Error: no parts left"),
        (SAID, "no parts left"),
        (SILENT, "command sh -c exit 3"),
        (NOT_FOUND, "404 Not Found - GET registry/odd-dependency"),
        ("Killed\n", ""),
    ],
    ids=["thrown", "said", "silent", "not found", "not npm"],
)
def test_the_line_that_says_why(output: str, expected: str) -> None:
    assert reason(output) == expected
