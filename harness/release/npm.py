"""How npm is called, and what it says when it fails.

Its settings (registry, proxy, cache) are the user's own and come with the environment; which Node it runs
on is for `node`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from harness.release.blaming import Supply

if TYPE_CHECKING:
    from pathlib import Path

    from harness.release.node import Node

NAME = "npm"
REGISTRY = "npm registry"  # what its failures are about

# A package that every registry has.
_KNOWN_PACKAGE = "npm"
_QUIET = ("--no-update-notifier", "--no-audit", "--no-fund", "--no-progress", "--no-color", "--logs-max=0")
# A registry that is down ends a run soon: a minute at most, not npm's three tries of five.
_PATIENCE = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000")
_ABSENT = re.compile(r"^npm (?:error|ERR!) code (?:E404|ETARGET|ENOVERSIONS)$", re.MULTILINE)
# What npm says of the registry or the way to it, or of what came from there.
_OUTAGE = re.compile(
    r"^npm (?:error|ERR!) code (?P<code>E5\d\d|E401|E403|E407|E429|EINTEGRITY|ECONN\w+|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|"
    r"EHOSTUNREACH|ENETUNREACH|EIDLETIMEOUT|EPROTO|ERR_\w+|FETCH_ERROR|Z_\w+|TAR_BAD_ARCHIVE|TAR_ENTRY_\w+)$",
    re.MULTILINE,
)
_TARBALL = re.compile(r"^npm warn tarball tarball data for \S+@(?P<place>https?://\S+) ", re.MULTILINE)
_ERROR = re.compile(r"^npm (?:error|ERR!) ?")
_SCRIPT = re.compile(r"command sh -c .*")
_AROUND = re.compile(
    r"(?:code|path|syscall|errno|command|npm warn|npm notice) |Log files were not written|A complete log of this run"
)
_EXCEPTION = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception)(?: \[\w+\])?: \S.*$")


def pack(node: Node, destination: Path) -> tuple[str, ...]:
    """The command that packs the package of the directory that it runs in."""
    return _npm(node, "pack", "--pack-destination", str(destination))


def download(node: Node, requirement: str, destination: Path) -> tuple[str, ...]:
    """The command that puts the file of a published version into a directory, as the registry has it."""
    # A cache of its own, in the directory that it runs in: what npm has cached may be older than what was published.
    options = ("--ignore-scripts", "--pack-destination", str(destination), "--cache", "cache", *_PATIENCE)
    return _npm(node, "pack", requirement, *options)


def install(node: Node, file: Path, prefix: Path) -> tuple[str, ...]:
    """The command that installs a file as `npm install --global` does, but below `prefix`."""
    return _npm(node, "install", "--global", "--prefix", str(prefix), str(file))


def uninstall(node: Node, name: str, prefix: Path) -> tuple[str, ...]:
    """The command that removes a package from below `prefix`."""
    return _npm(node, "uninstall", "--global", "--prefix", str(prefix), name)


def npx(node: Node, program: str, cache: Path) -> tuple[str, ...]:
    """The words that have npx run a program of what is installed, with nothing fetched; `cache` is a directory."""
    options = (*_QUIET, "--offline", "--no", "--cache", str(cache))
    shell = () if os.name == "nt" else ("--script-shell", "/bin/sh")  # which need not be on PATH
    return (str(node.program), str(node.cli("npx")), *options, *shell, "--", program)


def registry(node: Node) -> Supply:
    """Where npm gets packages from."""
    # npm falls back on what is in its cache when a registry is silent, whatever it is told to prefer.
    probe = _npm(node, "view", _KNOWN_PACKAGE, "version", "--cache", "probe", "--fetch-retries=0")
    return Supply(probe=probe, name=REGISTRY, reason=reason, outage=outage)


def is_absent(output: str) -> bool:
    """Whether it failed because the registry has no such package, version or tag."""
    return _ABSENT.search(output) is not None


def outage(output: str) -> str:
    """What the registry did not deliver, and why; "" for failures that are none of its own."""
    matched, tarball = _OUTAGE.search(output), _TARBALL.search(output)
    if matched is None:
        return ""
    return f"{matched['code']}: {reason(output)}" + (
        f" ('{tarball['place']}' seems to be corrupted)" if tarball else ""
    )


def reason(output: str) -> str:
    """The line of a failure that says best why; "" where none does."""
    lines = output.splitlines()
    marked = [_ERROR.sub("", line).strip() for line in lines if _ERROR.match(line)]
    raised = [match[0] for line in lines if (match := _EXCEPTION.search(line))]
    scripts = [match[0] for line in marked if (match := _SCRIPT.match(line))]
    told = [line for line in marked if line and not _AROUND.match(line)]
    # What a script said comes last, what npm itself finds first.
    candidates = raised[-1:] or (told[-1:] if scripts else told[:1]) or scripts
    return " ".join("".join(candidates).split())


def _npm(node: Node, command: str, *arguments: str) -> tuple[str, ...]:
    return (str(node.program), str(node.cli("npm")), command, *_QUIET, *arguments)
