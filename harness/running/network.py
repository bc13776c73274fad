"""The network that a case's commands, its daemons and its own requests see: the machine's, or one of the case's own.

One of its own holds nothing but loopback, so that nobody outside is reached, and no other case's services are, or
in the way: two cases may listen on the same port. It takes a session on the rung `kernel`, which may make
network namespaces (see `launching`).
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from harness.errors import TestbedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kind = Literal["outer", "loopback"]
Made = TypeVar("Made")

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_SET_FLAGS, _UP = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP
_INTERFACE = "16sh14x"  # struct ifreq, of which flags are used
_DROP_FROM_BOUNDS, _AMBIENT, _CLEAR = 24, 47, 4  # of prctl(2)
_POWERS = (12, 21)  # CAP_NET_ADMIN, CAP_SYS_ADMIN: of the session, for this and nothing else
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Network:
    """The machine's network."""

    kind: Kind = "outer"

    def within(self, make: Callable[[], Made]) -> Made:
        """Call a function that starts a program or opens a socket: what it makes is in this network for good."""
        return make()


class Loopback(Network):
    """A network of its own, for as long as the `with` block of `loopback`, and what was started in it.

    Linux gives each thread a network, and a child that of the thread which starts it; so this is a thread.
    It outlives the programs that it starts, since some ask to die with whoever started them.
    """

    kind: Kind = "loopback"

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread

    def within(self, make: Callable[[], Made]) -> Made:
        """Call it in the thread."""
        return self._thread.submit(make).result()


OUTER = Network()


def keep_powers() -> None:
    """Have what this process starts from now on get none of its powers over networks."""
    if _LIBC is not None:  # pragma: no branch - only Linux gets to the tests' hosts
        _LIBC.prctl(_AMBIENT, _CLEAR, 0, 0, 0)
        for number in _POWERS:
            _LIBC.prctl(_DROP_FROM_BOUNDS, number, 0, 0, 0)


@contextmanager
def loopback() -> Iterator[Loopback]:
    """Make a network.

    Raises:
        TestbedError: the kernel refuses.
    """
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network")
    try:
        _prepare(thread)
        yield Loopback(thread)
    finally:
        thread.shutdown(wait=False)


def _prepare(thread: ThreadPoolExecutor) -> None:
    try:
        thread.submit(_enter).result()
    except OSError as error:
        raise TestbedError(f"no network namespace: {error.strerror}") from error


def _enter() -> None:
    """Have this thread, and what it starts, be in a new network."""
    import fcntl  # noqa: PLC0415 -- not available on Windows

    assert _LIBC is not None  # noqa: S101 -- for the type checker
    if _LIBC.unshare(_NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack(_INTERFACE, b"lo", _UP))
