"""From the settings to an installation that starts: build, identify, install, start, once a run.

Whichever worker comes first does it, holding a lock; the others read what came of it. What went wrong
is part of the result, since it is a finding about the release or the machine, and all workers share it.
"""

from __future__ import annotations

import errno
import os
import pickle
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from filelock import FileLock

from harness import standins
from harness.errors import ArtifactError, HarnessError, Stage, TestbedError, UsageError
from harness.keeping import Kept, Key, install_or_reuse
from harness.release import building, invocations, manifest
from harness.release.artifact import Artifact, identify
from harness.release.contract import Contract, choose
from harness.release.downloading import download
from harness.release.installation import Installation, install
from harness.release.packing import pack
from harness.release.steps import Surroundings
from harness.running.environment import installer_environment
from harness.running.limits import HEAVY, USUAL
from harness.running.result import InvariantBroken
from harness.running.sandbox import Sandbox, Testbed
from harness.temporaryfiles import VARIABLES
from harness.toolcaches import cache_directory, usable_tool_caches
from harness.wholefile import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.options import Settings
    from harness.release.invocations import Invocation
    from harness.release.registry import Spec
    from harness.running.isolation import Rung
    from harness.verdict.archive import Archive

Tell = Callable[[Stage, "float | None"], None]  # a stage, and its seconds once it has ended

_ORDER: tuple[Stage, ...] = ("builds", "installs", "starts")
_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
}


def _tell_nobody(_stage: Stage, _seconds: float | None) -> None:
    """For workers, which have nobody to tell."""


@dataclass(kw_only=True, slots=True)
class Preparation:
    """How far it got: when each stage began (epoch seconds), how long it took, and what ended it all.

    `source` is None for a file that was given. `manifest` is that of the directory which holds the artifact,
    `siblings` are the other files of the same release. `kept` is the installation with its history, `invocation`
    the way to call it that the user chose.
    """

    isolation: Rung = "environment"
    source: building.Source | None = None
    artifact: Artifact | None = None
    manifest: manifest.Manifest | None = None
    siblings: tuple[Path, ...] = ()
    contract: Contract | None = None
    kept: Kept | None = None
    invocation: Invocation | None = None
    testbed: Testbed | None = None
    started: dict[Stage, float] = field(default_factory=dict)
    seconds: dict[Stage, float] = field(default_factory=dict)
    failure: HarnessError | None = None

    @property
    def was_given(self) -> bool:
        """Whether the artifact is a file that somebody else built."""
        return self.source is None and self.artifact is not None

    @property
    def installation(self) -> Installation | None:
        """The environment that holds the artifact, once there is one."""
        return self.kept.installation if self.kept else None

    @property
    def revision(self) -> tuple[str | None, bool | None]:
        """The revision of the source, and whether it had changes: of the source itself, or as its build wrote down."""
        if self.source is not None:
            return self.source.revision, self.source.dirty
        entry = self.manifest.entry_of(self.artifact) if self.manifest and self.artifact else None
        return (entry.source_revision, entry.source_dirty) if entry else (None, None)

    @property
    def broken_stage(self) -> Stage | None:
        """The stage that the release is to blame for."""
        return self.failure.stage if isinstance(self.failure, ArtifactError) else None

    def reached(self, stage: Stage) -> bool:
        """Whether a stage has an outcome: it went well, or it is the one that the release broke."""
        if self.failure is None or self.broken_stage == stage:
            return True
        return self.broken_stage is not None and _ORDER.index(stage) < _ORDER.index(self.broken_stage)


def prepare_once(settings: Settings, archive: Archive, tell: Tell = _tell_nobody) -> Preparation:
    """Prepare, or read what another worker of this run prepared; `tell` hears how it goes."""
    done = archive.scratch / "preparation.pickle"  # our own, in a directory that only this user can write
    with FileLock(archive.scratch / "preparation.lock"):
        if not done.exists():
            write_whole(done, pickle.dumps(_prepare(settings, archive, tell)))
        result = pickle.loads(done.read_bytes())  # noqa: S301 -- the same
        assert isinstance(result, Preparation)  # noqa: S101 -- for the type checker
        return result


def read_if_done(archive: Archive) -> Preparation:
    """What was prepared, if anything was."""
    done = archive.scratch / "preparation.pickle"
    return pickle.loads(done.read_bytes()) if done.exists() else Preparation()  # noqa: S301 -- our own file


def _prepare(settings: Settings, archive: Archive, tell: Tell) -> Preparation:
    result = Preparation(isolation=settings.rung)
    try:
        with _disk_errors():
            _run_stages(result, settings, archive, tell)
    except HarnessError as error:
        result.failure = error
    return result


def _run_stages(result: Preparation, settings: Settings, archive: Archive, tell: Tell) -> None:
    archive.temporary.mkdir(exist_ok=True)  # what a step that is ended leaves there goes with the rest
    environment = installer_environment(os.environ)
    environment |= dict.fromkeys(VARIABLES, str(archive.temporary))
    tools = usable_tool_caches(environment)
    with _timed(result, "builds", tell):
        _resolve(result, settings, archive, environment)
    assert result.artifact is not None  # noqa: S101 -- for the type checker
    contracts = settings.checkout / "smoke" / "contracts"
    result.contract = choose(contracts, result.artifact, settings.contract, stands_in=settings.invoked_in)
    _demand_invocation(settings.invocation, result.contract)
    with _timed(result, "installs", tell):
        result.kept = _install(result.artifact, settings, archive, environment)
        installation = result.kept.installation
        result.invocation = installation.invocation(settings.invocation, result.contract)
    result.testbed = _testbed(installation, result.contract, settings, tools)
    with _timed(result, "starts", tell):
        _start(result.invocation, result.contract, result.testbed, archive.scratch / "start")


def _demand_invocation(name: str, contract: Contract) -> None:
    if lacking := contract.lacks(invocations.NEEDS.get(name, ())):
        reason = f"the contract '{contract.name}' has no '{lacking[0]}'"
        raise UsageError(f"--invocation {name} cannot be: {reason}", hint=f"it has '{invocations.DEFAULT}'")


def _resolve(result: Preparation, settings: Settings, archive: Archive, environment: dict[str, str]) -> None:
    """Find the file to smoke: the one that was given or published, or one just built, which lies in `dist` as well."""
    path = settings.invoked_in / settings.reference
    if settings.published is not None:
        result.artifact = identify(_download(settings.published, settings, archive, environment))
    elif path.is_file():
        result.artifact = identify(path)
        result.manifest = manifest.read(path.parent)
    else:
        result.source = building.inspect(path)
        built = _build(result.source, settings, archive, environment)
        result.manifest = manifest.write(settings.dist, built, result.source)
        result.artifact = next(artifact for artifact in built if artifact.kind in {settings.build, "npm"})
    result.siblings = settings.beside or (result.manifest.others(result.artifact) if result.manifest else ())


def _download(spec: Spec, settings: Settings, archive: Archive, environment: dict[str, str]) -> Path:
    """The published file, which stays with the verdict on it."""
    log, timeout = archive.evidence / "download.log", settings.install_timeout
    file = download(
        spec,
        archive.scratch / "downloaded",
        registry=settings.registry,
        kind=settings.build,
        python=settings.python,
        node=settings.node,
        cache=cache_directory(),
        surroundings=Surroundings(environment=environment, timeout=timeout, log=log),
    )
    return building.publish((file,), archive.evidence / "downloaded")[0]


def _build(
    source: building.Source, settings: Settings, archive: Archive, environment: dict[str, str]
) -> tuple[Artifact, ...]:
    place, log, timeout = archive.scratch / "built", archive.evidence / "build.log", settings.install_timeout
    if source.is_npm:
        files: tuple[Path, ...] = (
            pack(
                source,
                place,
                python=settings.python,
                node=settings.node,
                environment=environment,
                timeout=timeout,
                cache=cache_directory(),
                log=log,
            ),
        )
    else:
        built = building.build(source.directory, place, environment=environment, timeout=timeout, log=log)
        files = (built.sdist, built.wheel)
    return tuple(map(identify, building.publish(files, settings.dist)))


def _install(artifact: Artifact, settings: Settings, archive: Archive, environment: dict[str, str]) -> Kept:
    """Install into a throwaway environment, or use a kept one if the user wants that."""

    def make(directory: Path) -> Installation:
        return install(
            artifact,
            directory,
            installer=settings.installer,
            python=settings.python,
            node=settings.node,
            environment=environment,
            timeout=settings.install_timeout,
            cache=cache_directory(),
            log=archive.evidence / "install.log",
        )

    if not settings.reuse_installation:
        return Kept(installation=make(archive.scratch / "installation"))
    installer = "npm" if artifact.kind == "npm" else settings.installer
    key = Key(sha256=artifact.sha256, installer=installer, python=settings.python, node=settings.node)
    return install_or_reuse(key, cache_directory() / "installations", make)


def _testbed(
    installation: Installation, contract: Contract, settings: Settings, tools: tuple[Path, dict[str, Path]]
) -> Testbed:
    uv, caches = tools
    runtimes = {"python3": installation.base_python, "python": installation.base_python, "uv": uv}
    return Testbed(
        installation=installation.directory,
        programs={**runtimes, **installation.programs},
        caches=caches,
        runtime_root_variable=contract.runtime_root_variable,
        crash=contract.messages["traceback"],
        command_timeout=settings.command_timeout,
        limits=HEAVY if settings.local_embeddings else USUAL,
        canaries=standins.canaries() if settings.isolated_in else (),
    )


def _start(invocation: Invocation, contract: Contract, testbed: Testbed, directory: Path) -> None:
    """Have the product say its version; whether that is the right one is for a clause of its own."""
    sandbox = Sandbox(directory=directory, testbed=testbed)
    sandbox.equip(invocation.path, invocation.variables)
    words = (*invocation.words, *contract.commands["version"])
    try:
        with suppress(InvariantBroken):  # a matter for the clauses on invariants
            sandbox.run(*words)
    except OSError as error:
        raise ArtifactError("starts", f"'{invocation.title}' does not start: {error.strerror}") from error
    finally:
        sandbox.close(keep=False)
    result = sandbox.results[-1]
    if result.exit_code != 0:
        command = " ".join((invocation.title, *contract.commands["version"]))
        raise ArtifactError("starts", f"'{command}' does not start: {result.ending}", detail=str(result))


@contextmanager
def _timed(result: Preparation, stage: Stage, tell: Tell) -> Iterator[None]:
    result.started[stage] = time.time()
    started = time.monotonic()
    tell(stage, None)
    try:
        yield
    finally:
        result.seconds[stage] = time.monotonic() - started
        tell(stage, result.seconds[stage])


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Say whose fault it is when a file cannot be written or read."""
    try:
        yield
    except OSError as error:
        reason = _DISK_ERRORS.get(error.errno or 0, error.strerror or str(error))
        raise TestbedError(f"{reason}: '{error.filename}'" if error.filename else reason) from error
