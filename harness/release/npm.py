"""How npm is called, and what it says when it fails.

Its settings (registry, proxy, cache) are the user's own and come with the environment; which Node it runs
on is for `node`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.release.node import Node

NAME = "npm"
REGISTRY = "npm registry"  # what its failures are about

# A package that every registry has.
_KNOWN_PACKAGE = "npm"
_QUIET = ("--no-update-notifier", "--no-audit", "--no-fund", "--no-progress", "--no-color", "--logs-max=0")
_ERROR = re.compile(r"^npm (?:error|ERR!) ?")
_AROUND = re.compile(r"^(?:(?:code|path|syscall|errno|command) |Log files were not written|A complete log of this run)")
_EXCEPTION = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception)(?: \[\w+\])?: \S.*$")


def pack(node: Node, destination: Path) -> tuple[str, ...]:
    """The command that packs the package of the directory that it runs in."""
    return _npm(node, "pack", "--pack-destination", str(destination))


def install(node: Node, file: Path, prefix: Path) -> tuple[str, ...]:
    """The command that installs a file as `npm install --global` does, but below `prefix`."""
    return _npm(node, "install", "--global", "--prefix", str(prefix), str(file))


def uninstall(node: Node, name: str, prefix: Path) -> tuple[str, ...]:
    """The command that removes a package from below `prefix`."""
    return _npm(node, "uninstall", "--global", "--prefix", str(prefix), name)


def probe(node: Node) -> tuple[str, ...]:
    """The command that asks the registry for a package that it surely has, past the cache."""
    # npm falls back on what is in its cache when a registry is silent, whatever it is told to prefer.
    return _npm(node, "view", _KNOWN_PACKAGE, "version", "--cache", "probe", "--fetch-retries=0")


def reason(output: str) -> str:
    """The line of a failure that says best why; "" where none does."""
    told = list(_told(output))
    raised = [match[0] for line in told if (match := _EXCEPTION.search(line))]
    from_script = "npm error command failed" in output or "npm ERR! command failed" in output
    candidates = raised[-1:] or (told[-1:] if from_script else told[:1])
    return " ".join("".join(candidates).split())


def _told(output: str) -> Iterator[str]:
    """What npm gives as an error, without its marks."""
    for line in output.splitlines():
        text = _ERROR.sub("", line).strip()
        if _ERROR.match(line) and text and text != "command failed" and not _AROUND.match(text):
            yield text


def _npm(node: Node, command: str, *arguments: str) -> tuple[str, ...]:
    return (str(node.program), str(node.npm / "bin" / "npm-cli.js"), command, *_QUIET, *arguments)
