"""The menu: what can be run, each in an environment of its own."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["smoke"]

PROJECT = nox.project.load_toml("pyproject.toml")
BROWSER_TESTS = "harness/tests/browser"
SELF_TESTS = ("harness/tests", f"--ignore={BROWSER_TESTS}")
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# nox is quick to kill; pytest needs a moment to end what it started.
INTERRUPT_TIMEOUT, TERMINATE_TIMEOUT = 10.0, 5.0


@nox.session
def smoke(session: nox.Session) -> None:
    """Build ktx, install it in a throwaway virtualenv, and prove what it promises (arguments go to pytest)."""
    smoke_with(session)


@nox.session(name="smoke-all")
def smoke_all(session: nox.Session) -> None:
    """The same on every Python that is found, of those that the release admits."""
    smoke_with(session, "--python", "all")


def smoke_with(session: nox.Session, *options: str) -> None:
    """Smoke with these options and those that were given; on any Python the harness runs where it always does."""
    install(session, "smoke")
    if any(argument.startswith("--sign-key") for argument in session.posargs):
        install(session, "attest")
    # Half of what cases do is wait: for a package index, for a daemon, for a process to end.
    # Whatever ends nox ends the smoke, also what gives it no time to pass that on.
    started_by = {"SMOKE_STARTED_BY": str(os.getpid())}
    run(session, "pytest", "smoke", *workers(session, per_core=2), *options, *session.posargs, env=started_by)


for version in PYTHONS:

    @nox.session(name=f"smoke-{version}", tags=["matrix"])
    def smoke_version(session: nox.Session, version: str = version) -> None:
        """The same on this Python, which must be there."""
        smoke_with(session, "--python", version)


@nox.session
def gate(session: nox.Session) -> None:
    """Let files be released, or not: each needs a signed statement that it was smoked and is good."""
    install(session, "gate")
    # Files and policy are of the project that is released, where the user stands.
    command = ("python", "-m", "harness.gate", "-C", str(session.invoked_from))
    session.run(*command, *session.posargs, stderr=None)  # nox would pour refusals into the list of accepted files


@nox.session
def tests(session: nox.Session) -> None:
    """Test the harness itself, with coverage: also that it fails releases that break a promise."""
    install(session, "mutate")  # the self-tests of mutation testing do some
    install(session, "bench")  # and those of the benchmark measure
    session.run("coverage", "erase")
    run(session, "coverage", "run", "-m", "pytest", *SELF_TESTS, *workers(session), *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def browser(session: nox.Session) -> None:
    """Show the report to a real browser, which must be on the machine: Chromium, or BROWSER_PROGRAM names it."""
    install(session, "browser")
    run(session, "pytest", BROWSER_TESTS, *session.posargs)


@nox.session
def prove(session: nox.Session) -> None:
    """Prove that broken releases are caught and harmless ones are not: every entry of fixtures/broken and harmless."""
    install(session, "tests")
    run(session, "python", "-m", "harness.proving", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Smoke 200 times with faults of the machine, and count wrong verdicts and what is left (arguments: --runs N)."""
    install(session, "tests")
    run(session, "python", "-m", "harness.soak", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the smoke beside what people would do without it (arguments: rows, --rounds, --table)."""
    install(session, "bench")
    run(session, "python", "-m", "harness.benching", *session.posargs)


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
    session.run("zizmor", "--offline", "--no-progress", ".github")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "types")
    session.run("mypy")
    session.run("mypy", "fixtures/ktx/src")


def install(session: nox.Session, group: str) -> None:
    """Install a dependency group of the project file."""
    session.install(*nox.project.dependency_groups(PROJECT, group))


def workers(session: nox.Session, *, per_core: int = 1) -> tuple[str, ...]:
    """So many workers a core, but no more than eight, unless the arguments say otherwise."""
    if any(argument.startswith(("-n", "--numprocesses")) for argument in session.posargs):
        return ()
    number = min(8, per_core * (os.cpu_count() or 1))
    return ("--numprocesses", str(number), "--dist", "worksteal")


def run(session: nox.Session, *command: str, env: dict[str, str] | None = None) -> None:
    """Run a command that gets the time to tidy up when it is interrupted."""
    # Bytecode is kept in the session's own environment: many images have Python keep none beside its
    # sources, and three processes would compile pytest, the harness and the cases anew each time.
    bytecode = {"PYTHONPYCACHEPREFIX": str(Path(session.virtualenv.location, "bytecode").absolute())}
    session.run(
        *command,
        env={"PYTHONDONTWRITEBYTECODE": "", **bytecode, **(env or {})},
        interrupt_timeout=INTERRUPT_TIMEOUT,
        terminate_timeout=TERMINATE_TIMEOUT,
    )
