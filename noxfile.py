"""The menu: what can be run, each in an environment of its own."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["smoke"]

PROJECT = nox.project.load_toml("pyproject.toml")
# nox is quick to kill; pytest needs a moment to end what it started.
INTERRUPT_TIMEOUT, TERMINATE_TIMEOUT = 10.0, 5.0


@nox.session
def smoke(session: nox.Session) -> None:
    """Build ktx, install it in a throwaway virtualenv, and prove what it promises (arguments go to pytest)."""
    install(session, "smoke")
    run(session, "pytest", "smoke", *workers(session), *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Test the harness itself, with coverage: also that it fails releases that break a promise."""
    install(session, "mutate")  # the self-tests of mutation testing do some
    session.run("coverage", "erase")
    run(session, "coverage", "run", "-m", "pytest", "harness/tests", *workers(session), *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def prove(session: nox.Session) -> None:
    """Prove that broken releases are caught and harmless ones are not: every entry of fixtures/broken and harmless."""
    install(session, "tests")
    run(session, "python", "-m", "harness.proving", *session.posargs)


@nox.session
def mutate(session: nox.Session) -> None:
    """Change the pure modules of the harness in small ways and see their self-tests fail (arguments: modules)."""
    install(session, "mutate")
    run(session, "python", "-m", "harness.proving.mutants", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "types")
    session.run("mypy")
    session.run("mypy", "fixtures/ktx/src")


def install(session: nox.Session, group: str) -> None:
    """Install a dependency group of the project file."""
    session.install(*nox.project.dependency_groups(PROJECT, group))


def workers(session: nox.Session) -> tuple[str, ...]:
    """One worker a core, unless the arguments say otherwise."""
    chosen = any(argument.startswith(("-n", "--numprocesses")) for argument in session.posargs)
    return () if chosen else ("--numprocesses", "logical", "--maxprocesses", "8", "--dist", "worksteal")


def run(session: nox.Session, *command: str) -> None:
    """Run a command that gets the time to tidy up when it is interrupted."""
    session.run(*command, interrupt_timeout=INTERRUPT_TIMEOUT, terminate_timeout=TERMINATE_TIMEOUT)
