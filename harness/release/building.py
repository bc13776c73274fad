"""Source tree to sdist and wheel, with pypa/build, as releases are built; packages of npm are for `packing`.

Building once a run, whatever the number of workers, is the caller's; so is the choice of
directories. What the files are is for `artifact`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.errors import ArtifactError, UsageError
from harness.release import npmpackage
from harness.release.blaming import perform
from harness.release.installers import index_of_uv
from harness.release.steps import Surroundings, writing_failed
from harness.wholefile import forget_unfinished

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GIT_SECONDS = 30.0

_FRONTEND = Path(__file__).with_name("frontend.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source tree; `revision` and `dirty` are None where no repository tracks it."""

    directory: Path
    revision: str | None
    dirty: bool | None
    is_npm: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """What one build made."""

    sdist: Path
    wheel: Path


def inspect(directory: Path) -> Source:
    """Describe a source tree; UsageError when it cannot be one."""
    if not directory.is_dir():
        raise UsageError(f"'{directory}' is not a directory" if directory.exists() else f"there is no '{directory}'")
    is_npm = npmpackage.is_source(directory)
    if not is_npm and not (directory / "pyproject.toml").is_file():
        raise UsageError(f"'{directory}' has neither pyproject.toml nor package.json, so it cannot be built")
    directory = directory.resolve()
    # A tree that its repository ignores or does not know yet is not what the revision says.
    tracked = _git(directory, "ls-files", "--", npmpackage.FILE_NAME if is_npm else "pyproject.toml")
    revision = _git(directory, "rev-parse", "--verify", "HEAD") if tracked else None
    if revision is None:
        return Source(directory=directory, revision=None, dirty=None, is_npm=is_npm)
    status = _git(directory, "--no-optional-locks", "status", "--porcelain", "--", ".")
    return Source(directory=directory, revision=revision.strip(), dirty=status != "", is_npm=is_npm)


def build(directory: Path, destination: Path, *, environment: Mapping[str, str], timeout: float, log: Path) -> Built:
    """Build the sdist, then the wheel from it; `destination` is new or empty, `timeout` in seconds.

    Raises:
        ArtifactError: the source does not build, or not in time.
        TestbedError: the package index is silent or the disk is full.
    """
    _run_build("both", directory, destination, environment=environment, timeout=timeout, log=log)
    return Built(sdist=_only(destination, "*.tar.gz"), wheel=_only(destination, "*.whl"))


def build_wheel(sdist: Path, destination: Path, *, environment: Mapping[str, str], timeout: float, log: Path) -> Path:
    """Build the wheel that users of an sdist get; errors as of `build`."""
    with tempfile.TemporaryDirectory() as unpacked:
        with tarfile.open(sdist, "r:gz") as archive:
            _unpack(archive, Path(unpacked))
        source = next(Path(unpacked).glob("*/pyproject.toml"), None)
        if source is None:
            raise ArtifactError("builds", f"'{sdist.name}' has no pyproject.toml, so it cannot be built")
        _run_build("wheel", source.parent, destination, environment=environment, timeout=timeout, log=log)
    return _only(destination, "*.whl")


def build_wheel_of_tree(
    directory: Path, destination: Path, *, environment: Mapping[str, str], timeout: float, log: Path
) -> Path:
    """Build the wheel alone, straight from a source tree; errors as of `build`."""
    _run_build("wheel", directory, destination, environment=environment, timeout=timeout, log=log)
    return _only(destination, "*.whl")


def publish(files: Iterable[Path], directory: Path) -> tuple[Path, ...]:
    """Copy files into a directory such that a reader never sees half a file."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return tuple(_publish(file, directory) for file in files)
    except OSError as error:
        raise writing_failed(error, directory) from error


def demand_writable(directory: Path) -> None:
    """Make a directory in which files will be published; errors as of `publish`."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise writing_failed(error, directory) from error


def _git(directory: Path, *arguments: str) -> str | None:
    """What git prints, or None where there is no git, no repository or no commit."""
    # Within a git hook, variables name the repository of the hook.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=GIT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", errors="replace")


def _run_build(  # noqa: PLR0913  (what, of what, where to, in which surroundings)
    kind: Literal["both", "wheel"],
    directory: Path,
    destination: Path,
    *,
    environment: Mapping[str, str],
    timeout: float,
    log: Path,
) -> None:
    destination.mkdir(parents=True, exist_ok=True)
    # Isolated, or a directory `build` of the working directory could stand in for the package.
    program = (sys.executable, "-I", str(_FRONTEND))
    perform(
        (*program, kind, str(directory.resolve()), str(destination.resolve())),
        stage="builds",
        supply=index_of_uv(Path(sys.executable)),
        surroundings=Surroundings(environment=environment, timeout=timeout, log=log),
        directory=destination,
    )


def _only(directory: Path, pattern: str) -> Path:
    found = sorted(directory.resolve().glob(pattern))
    if len(found) != 1:
        raise ArtifactError("builds", f"the build made {len(found)} files {pattern} where it must make one")
    return found[0]


def _unpack(archive: tarfile.TarFile, directory: Path) -> None:
    # Pythons before 3.11.4 and 3.10.12 know no filters; `artifact.identify` refuses what this one would.
    archive.extraction_filter = getattr(tarfile, "data_filter", None)
    archive.extractall(directory)  # noqa: S202  (see above)


def _publish(file: Path, directory: Path) -> Path:
    target = directory / file.name
    forget_unfinished(target)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=directory)
    os.close(descriptor)
    temporary = Path(name)
    try:
        shutil.copyfile(file, temporary)
        temporary.chmod(0o644)  # a temporary file is private, a published one is not
        return temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
