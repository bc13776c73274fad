"""What the superuser may do that a user may not: set aside, where permissions are the point.

Permission bits mean nothing to root, so that a release smoked as root (in a container, say) would never
meet a file that it cannot read or remove.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

from harness.errors import TestbedError

_DAC_OVERRIDE = 1  # the number of that capability
_IGNORES_PERMISSIONS = ("dac_override", "dac_read_search", "fowner")


def is_superuser() -> bool:
    """Whether permission bits do not bind this process: in a container, root may be like anybody else."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return False
    with contextlib.suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        effective = next(line for line in status if line.startswith("CapEff:")).split()[1]
        return bool(int(effective, 16) & 1 << _DAC_OVERRIDE)
    return True


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
