"""What the superuser may do that a user may not: set aside, where permissions are the point.

Permission bits mean nothing to root, so that a release smoked as root (in a container, say) would never
meet a file that it cannot read or remove.
"""

from __future__ import annotations

import os
import shutil
import sys

from harness.errors import TestbedError

_IGNORES_PERMISSIONS = ("dac_override", "dac_read_search", "fowner")


def is_superuser() -> bool:
    """Whether permission bits do not bind this process."""
    return sys.platform != "win32" and os.geteuid() == 0


def prefix_of_ordinary_user() -> tuple[str, ...]:
    """The words before a command that have permission bits bind it; none for an ordinary user.

    Raises:
        TestbedError: this is root, and `setpriv` (util-linux) is not there.
    """
    if not is_superuser():
        return ()
    program = shutil.which("setpriv")
    if program is None:
        raise TestbedError(
            "'setpriv' is missing, so that root cannot be bound by permissions", hint="install util-linux"
        )
    capabilities = ",".join(f"-{name}" for name in _IGNORES_PERMISSIONS)
    return (program, f"--bounding-set={capabilities}", f"--inh-caps={capabilities}", "--")
