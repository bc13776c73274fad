"""Scripts in a kept sandbox, for whoever looks into a failure: one runs a command there, one all of the case's.

A value that holds a secret is not written down: the scripts take it from the environment of whoever runs them.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from harness.masking import Mask
from harness.running.result import REPLAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.running.result import CommandResult

REPLAY_ALL = "replay.sh"

_OTHER_NETWORK = """\
# In the case it saw no network but a loopback of its own; here it sees the machine's.
# Where you may, `unshare --net` in front of this script comes close.
"""
_ALL_HEAD = """\
#!/bin/sh
# The commands of the case, in their order, in the sandbox as the case left it; a dialogue is held with you.
# What the case itself did between them (files it made, processes it started) is not done again.
"""


def write_scripts(
    directory: Path, working: Path, environment: Mapping[str, str], results: Sequence[CommandResult]
) -> None:
    """Write both into a sandbox; the commands run in the directory `working`."""
    runner = directory / REPLAY
    mask = Mask.of(environment)
    variables = " ".join(_assignment(name, value, mask) for name, value in sorted(environment.items()))
    remark = _OTHER_NETWORK if any(result.network == "loopback" for result in results) else ""
    _write(runner, f'#!/bin/sh\n{remark}cd {shlex.quote(str(working))} || exit\nexec env -i {variables} "$@"\n')
    commands = [_command(runner, result, environment, mask) for result in results]
    _write(directory / REPLAY_ALL, _ALL_HEAD + "".join(commands))


def _command(runner: Path, result: CommandResult, environment: Mapping[str, str], mask: Mask) -> str:
    """One command: what it is, what it did then, and the lines that run it."""
    changes = list(_changes(environment, result.environment, mask))
    words = [shlex.quote(str(runner)), *(["/usr/bin/env", *changes] if changes else [])]
    shown = shlex.join(result.completed.argv)
    line = " ".join((*words, shown))
    return f"\nprintf '%s\\n' {shlex.quote(f'$ {shown}')}\n{line}\necho \"exit code $? (it was: {result.ending})\"\n"


def _changes(base: Mapping[str, str], own: Mapping[str, str], mask: Mask) -> Iterator[str]:
    """How a command's environment differs from the one that the runner gives."""
    yield from (f"-u {shlex.quote(name)}" for name in sorted(base.keys() - own.keys()))
    yield from (_assignment(name, own[name], mask) for name in sorted(own) if base.get(name) != own[name])


def _assignment(name: str, value: str, mask: Mask) -> str:
    return f'{name}="${{{name}?holds a secret, so set it yourself}}"' if mask.hides(value) else _quoted(name, value)


def _quoted(name: str, value: str) -> str:
    return shlex.quote(f"{name}={value}")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
