"""What of the disk a session on the rung `kernel` needs: to read, though it lies in a hidden place, and to write.

It is all that the harness itself reads and writes by the user's settings; a release gets nothing besides.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness import deadruns, ramdisk, standins
from harness.errors import TestbedError, UsageError
from harness.options import references_of
from harness.release.building import demand_writable
from harness.release.npmpackage import is_source
from harness.release.registry import parse
from harness.running.environment import installer_environment
from harness.running.isolation import View
from harness.toolcaches import cache_directory, tool_caches

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from harness.verdict.archive import Archive

# Settings and credentials of the installers, and what git needs to know whose a checkout is.
_SETTINGS = (
    ".config/git",
    ".config/pip",
    ".config/uv",
    ".gitconfig",
    ".local/share/uv/python",
    ".netrc",
    ".npmrc",
    ".pip",
    ".pyenv",
)


class Places:
    """The directories of one session; `dist` is where the user wants what is built."""

    def __init__(self, config: pytest.Config, archive: Archive) -> None:
        self._config = config
        self._archive = archive
        self._invoked_in = Path(config.invocation_params.dir)
        option = config.option
        reference = self._invoked_in / (option.one_of_release or references_of(config)[0])
        others = [option.previous, option.contract]
        self._given = [reference, *(self._invoked_in / other for other in others if other)]
        self._builds = reference.is_dir()
        self._is_published_on_npm = False
        with suppress(UsageError):  # which the session will tell
            spec = parse(option.one_of_release or references_of(config)[0])
            self._is_published_on_npm = spec is not None and spec.scheme == "npm"
        self.dist = self._invoked_in / option.dist_dir
        self._made = [self.dist] if self._builds and not self.dist.exists() else []
        self._stage = archive.scratch / standins.DIRECTORY / "dist"
        self.temporary = archive.scratch / standins.DIRECTORY / "session"

    def view(self) -> View:
        """Make the directories that are missing, and the view.

        Raises:
            UsageError: nothing can be written where the user wants what is built.
            OSError: a directory cannot be made.
        """
        for place in (self.temporary, self._stage):
            place.mkdir(parents=True)
        for place in self._made:
            deadruns.note_made(self._archive.scratch, place)  # a run that is killed cannot forget it
        readable = [path for path in self._readable() if os.path.exists(path)]  # noqa: PTH110 -- that of a path may raise
        return View(
            hidden=standins.furnish(self._archive.scratch, {self._config.rootpath.resolve()}),
            readable=readable,
            writable={place.resolve(): content for place, content in self._writable()},
            in_memory=self._in_memory(),
        )

    def _in_memory(self) -> tuple[Path, ...]:
        """Of what the session makes, all that nobody needs afterwards; a machine-learning library is too large."""
        places = () if self._config.option.local_embeddings else ramdisk.places(self._archive)
        for place in places:
            place.mkdir()
        return places

    def built(self) -> tuple[Path, ...]:
        """The files that the session left for the user."""
        return tuple(path for path in sorted(self._stage.glob("*")) if path.is_file() and not path.is_symlink())

    def forget(self) -> None:
        """Remove what was made for the view, and nobody has used."""
        for place in self._made:
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()

    def _readable(self) -> Iterator[Path]:
        yield self._config.rootpath
        yield self._invoked_in
        for path in self._given:
            yield path
            # Beside a file lie its manifest and the other files of its release.
            yield _repository(path) if path.is_dir() else path.parent
        yield from map(Path, (sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(None, sys.path)))
        yield from (home / name for home in standins.homes() for name in _SETTINGS)
        yield from self._of_python()
        yield from self._of_environment()
        if self._config.option.sign_key:
            yield self._invoked_in / self._config.option.sign_key

    def _of_python(self) -> Iterator[Path]:
        """The interpreter that was asked for by its path, with what it is of."""
        program = self._invoked_in / self._config.option.python
        if self._config.option.python and program.is_file():
            yield from (program.parent.parent, program.resolve().parent.parent)

    @staticmethod
    def _of_environment() -> Iterator[Path]:
        """What the settings of the installers name: certificates, directories of wheels, where programs are."""
        for value in installer_environment(os.environ).values():
            yield from (Path(word) for word in value.split(os.pathsep) if os.path.isabs(word))  # noqa: PTH117 -- a word may be anything

    def _writable(self) -> Iterator[tuple[Path, Path]]:
        own = [self._archive.scratch, self._archive.evidence, *self._caches(), *self._reports(), *self._signing()]
        yield from ((place, place) for place in own)
        if self._builds:
            demand_writable(self.dist)
            # What lies there already is none of the release's business, unless it is a place of the harness's own.
            is_apart = not any(place.is_relative_to(self.dist) for place in (self._config.rootpath, *own))
            signs = self._config.option.sign_key
            yield self.dist, self._stage if is_apart and not signs else self.dist

    def _caches(self) -> Iterator[Path]:
        """Of the harness, of pytest and of the installers: those that are there, and those that will be needed."""
        environment = installer_environment(os.environ)
        try:
            _, caches = tool_caches(environment)
        except TestbedError:  # which the session will meet as well
            caches = {}
        settings = {name.lower(): value for name, value in environment.items()}
        npm = Path(settings.get("npm_config_cache") or Path("~/.npm").expanduser())
        is_npm = self._given[0].name.endswith(".tgz") or is_source(self._given[0]) or self._is_published_on_npm
        needed = [cache_directory(), *self._cache_of_pytest()]
        needed += [caches[name] for name in ("UV_CACHE_DIR",) if name in caches]
        needed += [caches["PIP_CACHE_DIR"]] if self._config.option.installer == "pip" and caches else []
        needed += [npm] if is_npm else []
        for place in needed:
            with suppress(OSError):  # who cannot do without will say so
                place.mkdir(parents=True, exist_ok=True)
        yield from {place for place in (*needed, *caches.values(), npm) if place.is_dir()}

    def _cache_of_pytest(self) -> Iterator[Path]:
        """Where pytest will keep its own, if it does: under tox that is another place."""
        with suppress(ValueError, OSError):  # who switched it off has no such setting; and it can do without
            place = self._config.rootpath / os.path.expandvars(self._config.getini("cache_dir"))
            if not place.exists():
                place.mkdir(parents=True)
                (place / ".gitignore").write_text("# Made by the smoke, for pytest.\n*\n", encoding="utf-8")
            yield place

    def _reports(self) -> Iterator[Path]:
        """Files that are written outside of the evidence."""
        if self._config.option.xmlpath:
            report = self._invoked_in / self._config.option.xmlpath
            report.parent.mkdir(parents=True, exist_ok=True)
            report.touch()
            yield report
        for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
            if os.environ.get(name) and Path(os.environ[name]).is_file():
                yield Path(os.environ[name])

    def _signing(self) -> Iterator[Path]:
        """What a signed statement needs: its directory, and the lock that runs share."""
        if self._config.option.sign_key:
            lock = self._config.rootpath / ".smoke" / "statements.lock"
            lock.parent.mkdir(exist_ok=True)
            lock.touch()
            yield lock
            if self._given[0].is_file():
                yield self._given[0].parent


def _repository(source: Path) -> Path:
    """The repository that a source is in, which its build may look into, or the source itself."""
    above = (source.resolve(), *source.resolve().parents)
    return next((directory for directory in above if (directory / ".git").exists()), source)
