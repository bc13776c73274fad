"""A runtime that was installed once for many cases: how it is made, and the proof that nobody changed it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.running import filetree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from harness.running.sandbox import Sandbox
    from smoke.product import Ktx

FEW_CASES = 2  # they are done before compiling for them would be
IMPORT = """
import contextlib, importlib, sys

for name in sys.argv[1:]:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyRuntime:
    """Its sandbox, what `status` called it, and the root as it was then."""

    sandbox: Sandbox
    kind: str
    tree: filetree.Snapshot

    def demand_unchanged(self) -> None:
        """Require that the root is what it was at the start: the next case builds on it."""
        changes = filetree.difference(self.tree, filetree.snapshot(self.sandbox.runtime_root, previous=self.tree))
        assert not changes, f"the shared runtime was changed:\n{changes.render()}"


def install_ready(ktx: Ktx, *, cases: int) -> ReadyRuntime:
    """Install the runtime as a user would, whatever comes of it: that is for each of so many cases to say."""
    ktx.attempt("install", "--yes")
    if cases > FEW_CASES:
        keep_bytecode(ktx.sandbox, ktx.contract.features.get("runtime_modules", "").split())
    said = ktx.attempt("status", "--json").stdout
    kind = json.loads(said)["kind"] if said.startswith("{") else "unknown"
    return ReadyRuntime(sandbox=ktx.sandbox, kind=kind, tree=filetree.snapshot(ktx.root))


def keep_bytecode(sandbox: Sandbox, modules: Iterable[str]) -> None:
    """Have a runtime keep the bytecode of its modules, as it does for users: compiling is half of a command's time."""
    environment = sandbox.environment
    sandbox.environment = environment | {"PYTHONDONTWRITEBYTECODE": ""}
    for python in sandbox.runtime_root.glob("*/.venv/bin/python"):
        sandbox.run(python, "-c", IMPORT, *modules)
    sandbox.environment = environment


@contextmanager
def replaced(path: Path, content: str) -> Iterator[None]:
    """Give a file of it another content for a while."""
    original = path.read_bytes()
    path.write_text(content, encoding="utf-8")
    try:
        yield
    finally:
        path.write_bytes(original)
