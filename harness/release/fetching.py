"""Tells installers at work from what they run for a release: its build, its scripts."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

_INSTALLERS = {"npm", "pip", "pipx", "uv", "venv"}
_ITS_WORDS = 5  # of a command line those that name the program, after options of an interpreter


def are_fetching(members: Sequence[psutil.Process]) -> bool:
    """Whether of a tree of processes those that wait for no other are all installers."""
    lines = {member.pid: _line(member) for member in members}
    parents = {_parent(member) for member in members}
    working = [line for pid, line in lines.items() if pid not in parents and line]
    return bool(working) and all(map(_is_installer, working))


def _is_installer(line: Sequence[str]) -> bool:
    words = " ".join(line[:_ITS_WORDS]).split()  # npm makes one word of all
    return any(_INSTALLERS & {PurePath(word).stem, *PurePath(word).parts[-2:]} for word in words[:_ITS_WORDS])


def _line(member: psutil.Process) -> Sequence[str]:
    try:
        return [] if member.status() == psutil.STATUS_ZOMBIE else member.cmdline()
    except psutil.Error:
        return []


def _parent(member: psutil.Process) -> int:
    try:
        return member.ppid()
    except psutil.Error:
        return 0
