"""The harness in pytest: hooks that watch a session and its cases, thin; the fixtures are in `fixtures`.

A session is a smoke session when it collects from the directory of cases. Only then is there evidence,
a verdict, and an exit code that is the verdict's.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import casereport, collecting, containment, deadruns, interrupts, screen, series
from harness.errors import HarnessError, UsageError
from harness.fixtures import (
    SESSION,
    artifact,
    contract,
    installation,
    invocation,
    network,
    new_sandbox,
    preparation,
    previous,
    sandbox,
    settings,
)
from harness.masking import Mask
from harness.options import add_options, read_settings
from harness.running import isolation, processes
from harness.session import Session
from harness.temporaryfiles import keep_temporary_files
from harness.verdict.archive import Archive, open_archive

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import xdist.workermanage

__all__ = [
    "artifact",
    "contract",
    "installation",
    "invocation",
    "network",
    "new_sandbox",
    "preparation",
    "previous",
    "sandbox",
    "settings",
]

_RUNS_NO_CASE = (
    "collectonly",
    "help",
    "version",
    "markers",
    "showfixtures",
    "show_fixtures_per_test",
    "setupplan",
    "cacheshow",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the smoke."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)  # the JUnit report's place must be known before its plugin looks
def pytest_configure(config: pytest.Config) -> None:
    """Open the evidence of a smoke session; a worker joins that of its controller."""
    for marker in collecting.MARKERS:
        config.addinivalue_line("markers", marker)
    if not _is_smoke(config):
        return
    if config.option.isolation != "environment":
        processes.become_subreaper()
    is_worker = hasattr(config, "workerinput")
    interrupts.heed()
    session = _join(config) if is_worker else _open(config)
    config.stash[SESSION] = session
    config.pluginmanager.register(_Watcher(session, config), "smoke")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Call the release in each way that it has."""
    collecting.parametrize(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem() -> Generator[None, object, object]:
    """Make no case that another stands for."""
    return collecting.without_spare((yield))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases that are not for this session."""
    collecting.choose(config, items)


@pytest.hookimpl(tryfirst=True)  # instead of a session of this process's own
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Smoke a release of several files in a session for each, and each session as isolated as can be."""
    if hasattr(config, "workerinput") or not _is_smoke(config):
        return None
    interrupts.follow()
    try:
        return _smoke_each(config) if series.is_series(config) else containment.smoke(config, _open_archive)
    except pytest.exit.Exception as error:  # which pytest heeds within a session only
        sys.stderr.write(f"Exit: {error.msg}\n")
        return error.returncode


def _smoke_each(config: pytest.Config) -> int:
    try:
        pythons = series.plan(config)
    except UsageError as error:
        raise _refusal(_open_archive(config), config, error) from error
    with _told_apart():
        return series.smoke_each(config, pythons)


class _Watcher:
    """The hooks of a smoke session."""

    def __init__(self, session: Session, config: pytest.Config) -> None:
        self._session = session
        # With workers, the process that the user started collects and runs nothing.
        self._collects = session.worker is not None or not config.getoption("numprocesses", default=None)

    def pytest_report_header(self) -> list[str]:
        """Say what is tested before it takes time."""
        settings = self._session.settings
        lines = [self._session.mask(f"smoke: {settings.reference}")]
        if settings.isolation == "auto" and settings.rung != "kernel" and (why := isolation.obstacle()):
            lines.append(f"no isolation by the kernel: {why}")
        return lines

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Prepare where people see it; workers then read what came of it."""
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        has_cases = bool(session.items) or not self._collects
        if self._session.worker is None and reporter is not None and has_cases and not session.testsfailed:
            screen.prepare(self._session, reporter)
        return (yield)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Say in the JUnit report which promise it is."""
        casereport.describe(item, self._session)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: xdist.workermanage.WorkerController) -> None:
        """Tell a worker where the evidence of this session is."""
        archive = self._session.archive
        node.workerinput["smoke"] = (str(archive.evidence), str(archive.scratch))

    @pytest.hookimpl(tryfirst=True)  # pytest takes its time to say where it was
    def pytest_keyboard_interrupt(self) -> None:
        """Pass an interrupt on, once: xdist would give workers 10 s to end what they are doing."""
        interrupts.ignore()
        for worker in self._session.workers & processes.children():
            os.kill(worker, signal.SIGINT)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: xdist.workermanage.WorkerController, error: object) -> None:
        """Note that a worker died: what it was doing says nothing about the release."""
        if error is not None:
            self._session.note_testbed_fault(f"worker '{node.gateway.id}' died")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Send home which cases were selected."""
        gc.freeze()  # what is loaded by now stays: searching it for garbage again and again takes its time
        if self._collects:
            try:
                self._session.note_selected([casereport.case_id(item.nodeid) for item in session.items])
            except OSError as error:  # the cases will say so as well
                scratch = self._session.archive.scratch
                self._session.note_testbed_fault(f"cannot write to '{scratch}': {error.strerror}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach what happened to the report, and write a failure as a release engineer reads it."""
        report = yield
        casereport.complete(report, item, call, self._session)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the cases, from this process or from the workers."""
        phase = casereport.read(report)
        self._session.add(phase.record, is_call=report.when == "call")
        if phase.testbed_fault:
            self._session.note_testbed_fault(phase.testbed_fault)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Tell cases that do not apply, or could not run, from passed ones."""
        outcome = casereport.read(report).record.outcome
        special = report.when != "teardown" and outcome in {"not-applicable", "not-run"}
        return (outcome, "-", outcome.upper()) if special else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost, so that the verdict is the last line
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        """Judge, write the verdict down, make its exit code this session's, and tell people."""
        try:
            # Fixtures and workers first: what they work in must not vanish beneath them.
            return (yield)
        except OSError as error:  # pytest's own reports have no place on a full disk
            self._session.note_testbed_fault(f"cannot write to '{error.filename or 'disk'}': {error.strerror}")
            return None
        except KeyboardInterrupt:  # in the moment after the last case
            exitstatus = pytest.ExitCode.INTERRUPTED
            return None
        finally:
            if self._session.worker is None:
                interrupts.ignore()
                session.exitstatus = self._session.finish(int(exitstatus))
                reporter = session.config.pluginmanager.get_plugin("terminalreporter")
                if reporter is not None:
                    screen.conclude(self._session, reporter)


def _open(config: pytest.Config) -> Session:
    """Open the evidence; a command line that makes no sense gets its verdict here."""
    archive = _open_archive(config)
    if config.option.isolated_in is None:
        config.add_cleanup(keep_temporary_files(archive.scratch / "session"))
    try:
        settings = read_settings(config)
        session = Session(cases=_directory_of_cases(config), settings=settings, archive=archive, worker=None)
    except UsageError as error:
        raise _refusal(archive, config, error) from error
    config.add_cleanup(session.close)
    config.option.force_short_summary = True  # on CI, pytest would print each failure a second time, whole
    config.option.xmlpath = config.option.xmlpath or str(archive.junit)
    return session


def _open_archive(config: pytest.Config) -> Archive:
    wanted, scratch = config.option.evidence, config.option.isolated_in
    with _told_apart():
        evidence = config.invocation_params.dir / wanted if wanted else None
        return open_archive(
            config.rootpath, evidence, deadruns.join(Path(scratch)) if scratch else deadruns.new_scratch()
        )


def _refusal(archive: Archive, config: pytest.Config, error: UsageError) -> pytest.UsageError:
    """What pytest says of a command line that makes no sense; its verdict is written first."""
    Session.refuse(archive, config.option.artifact, str(error))
    return pytest.UsageError(Mask.of(os.environ)(str(error)))


@contextmanager
def _told_apart() -> Iterator[None]:
    """End pytest with the exit code of whoever erred before there was a session."""
    try:
        yield
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    except HarnessError as error:
        pytest.exit(f"testbed-fault: {error}", returncode=7)


def _join(config: pytest.Config) -> Session:
    worker_input = getattr(config, "workerinput")  # noqa: B009 -- of xdist, and no type checker knows it
    evidence, scratch = map(Path, worker_input["smoke"])
    return Session(
        cases=_directory_of_cases(config),
        settings=read_settings(config),
        archive=Archive(evidence=evidence, scratch=scratch),
        worker=str(worker_input["workerid"]),
    )


def _is_smoke(config: pytest.Config) -> bool:
    """Whether cases will run: some argument is, holds, or lies in their directory."""
    option = config.option
    if any(getattr(option, name, False) for name in _RUNS_NO_CASE):
        return False
    cases = _directory_of_cases(config)
    arguments = (argument.partition("::")[0] for argument in config.args)
    paths = [(config.invocation_params.dir / argument).resolve() for argument in arguments]
    return any(path.is_relative_to(cases) or cases.is_relative_to(path) for path in paths)


def _directory_of_cases(config: pytest.Config) -> Path:
    return config.rootpath.resolve() / "smoke"
