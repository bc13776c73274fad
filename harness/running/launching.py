"""Runs a program in a user namespace of its own: it may make network namespaces there, and has power over no mount.

A script, which `isolation` has bubblewrap start, and which becomes the program: `python -I -S launching.py PROGRAM
ARGUMENT...`. Whoever bubblewrap shows the disk to is not to change that view, so that the powers are those of a
further namespace, which owns nothing but what is made in it. Users and groups are in it who they are outside.

Imports only what starts at once.
"""

from __future__ import annotations

import ctypes
import os
import sys

_NEW_USER = 0x10000000  # CLONE_NEWUSER
_DROP_FROM_BOUNDS, _AMBIENT, _RAISE = 24, 47, 2  # of prctl(2)
_CAPABILITY_VERSION = 0x20080522
# By their numbers, which are the same everywhere.
_NET_ADMIN, _SYS_ADMIN = 12, 21
_OVER_FILES = (0, 1, 2, 3, 8)  # of root alone: those that `isolation` leaves it
_LAST = 63
_INTERRUPTED = 130  # as shells say it


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


_LIBC = ctypes.CDLL(None, use_errno=True)


def main(argv: list[str]) -> None:
    """Become the program.

    Raises:
        OSError: the kernel allows no such namespace, or the program cannot be started.
    """
    is_root = os.geteuid() == 0
    _enter(is_root=is_root)
    keep = (_NET_ADMIN, _SYS_ADMIN, *(_OVER_FILES if is_root else ()))
    for number in set(range(_LAST + 1)).difference(keep):
        _LIBC.prctl(_DROP_FROM_BOUNDS, number, 0, 0, 0)  # beyond the last that the kernel knows it fails
    if not is_root:
        _inherit(keep)  # root gets all within its bounds when it becomes a program
    os.execv(argv[0], argv)  # noqa: S606 -- a program and its arguments is what there is


def _enter(*, is_root: bool) -> None:
    """Enter the namespace; a process that stays behind says who is who in it, since from within only one could be."""
    kinds = {kind: _ranges(f"/proc/self/{kind}_map") for kind in ("uid", "gid")}
    awaited, made = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(made)
        os.read(awaited, 1)
        os._exit(_introduce(os.getppid(), kinds, is_root=is_root))
    _demand(_LIBC.unshare(_NEW_USER) == 0)
    os.close(made)
    os.close(awaited)
    if os.waitpid(pid, 0)[1]:
        raise PermissionError("no users in a user namespace")


def _ranges(path: str) -> str:
    """The users who are in this namespace, as a map of each to itself."""
    with open(path, encoding="ascii") as lines:  # noqa: PTH123 -- pathlib takes its time to load
        found = [line.split() for line in lines]
    return "".join(f"{first} {first} {count}\n" for first, _, count in found)


def _introduce(pid: int, kinds: dict[str, str], *, is_root: bool) -> int:
    """Write the maps of a process's namespace; gives the exit code."""
    try:
        if not is_root:  # whoever has no power over groups must give up changing them first
            _write(f"/proc/{pid}/setgroups", "deny")
        for kind, ranges in kinds.items():
            _write(f"/proc/{pid}/{kind}_map", ranges)
    except OSError:
        return 1
    return 0


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())  # a map counts as one write, and is refused in parts
    os.close(descriptor)


def _inherit(capabilities: tuple[int, ...]) -> None:
    """Have these of an ordinary user's outlast the start of a program, and no others."""
    bits = sum(1 << number for number in capabilities)
    sets = (_Sets * 2)(_Sets(bits, bits, bits), _Sets(0, 0, 0))
    _demand(_LIBC.capset(ctypes.byref((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)), sets) == 0)
    for number in capabilities:
        _demand(_LIBC.prctl(_AMBIENT, _RAISE, number, 0, 0) == 0)


def _demand(succeeded: bool) -> None:  # noqa: FBT001 -- it is the answer of the kernel
    if not succeeded:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"no namespace of its own: {error}")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
