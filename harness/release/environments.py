"""Virtualenvs: how they are described and made, from the base interpreter, and where their parts are.

What is installed into them is for others.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import TestbedError, UsageError
from harness.release import interpreters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from virtualenv.run.session import Session

NO_SEEDS = ("--no-seed",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """A virtualenv, made or about to be; `base_python` is the interpreter that it is of."""

    directory: Path
    python: Path
    scripts: Path
    site_packages: Path
    base_python: Path
    python_version: str


def plan(
    directory: Path, *, python: str, seeds: Sequence[str], environment: Mapping[str, str], cache: Path
) -> tuple[Environment, Session]:
    """The environment that will be made: virtualenv goes to the base of any interpreter it is given.

    Raises:
        UsageError: there is no such interpreter.
        TestbedError: nothing can be made there.
    """
    # Personal defaults of virtualenv would make other environments on other machines.
    variables = {**environment, "VIRTUALENV_CONFIG_FILE": os.devnull}
    arguments = ["--app-data", str(cache / "virtualenv"), "--no-periodic-update", *seeds]
    arguments += [f"--python={interpreters.find(python) or python or sys.executable}", str(directory)]
    import virtualenv  # noqa: PLC0415 -- heavy, and of several workers one makes the environment

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            session = virtualenv.session_via_cli(arguments, setup_logging=False, env=variables)
    except SystemExit as error:  # virtualenv refuses the directory as argparse refuses an option
        raise TestbedError(f"the environment '{directory}' cannot be made", detail=said.getvalue()) from error
    except RuntimeError as error:
        raise UsageError(
            f"there is no Python '{python}' that an environment can be made from", detail=str(error)
        ) from error
    return _environment(session), session


def create(session: Session) -> None:
    """Make what was planned; TestbedError when that is not possible."""
    try:
        with session:
            session.run()
    except (OSError, RuntimeError) as error:
        place = session.creator.dest
        raise TestbedError(f"the environment '{place}' cannot be made: {error}") from error


def _environment(session: Session) -> Environment:
    creator, interpreter = session.creator, session.interpreter
    return Environment(
        directory=Path(creator.dest),
        python=Path(creator.exe),
        scripts=Path(creator.script_dir),
        site_packages=Path(creator.purelib),
        # A link from elsewhere to an interpreter finds its library only when it points to the real file.
        base_python=Path(interpreter.system_executable or interpreter.executable).resolve(),
        python_version=interpreter.version_str,
    )
