"""Loads what every trial needs: importing this makes a process warm, and trials are forked from it.

Importing pytest with its plugins, the harness, the cases and the tools takes longer than most smokes. Nothing
depends on it: where processes cannot be forked, each trial imports what it needs itself.
"""

from __future__ import annotations

import contextlib
import gc
import os
from pathlib import Path

import pytest
import virtualenv

from harness.proving.trial import CHECKOUT, QUIET, forget_pytest
from harness.verdict import document, html


def _warm_up() -> None:
    forget_pytest()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        # Collecting is what loads plugins and cases as pytest wants them, with their assertions rewritten.
        pytest.main(["--collect-only", *QUIET, f"--rootdir={CHECKOUT}", str(CHECKOUT / "smoke")])
    virtualenv.session_via_cli(["--no-seed", str(CHECKOUT / ".smoke" / "never-made")], setup_logging=False)
    html.render(document.refusal(reference="", reason="", started_at=0.0))  # compiles its templates
    gc.freeze()  # what all trials share is no garbage of theirs


_warm_up()
