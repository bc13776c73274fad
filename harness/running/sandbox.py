"""One case's private world: its directories, its environment, and every command that it ran there.

Joins the rest of this wing for one case. Judging is left to the cases, except for what holds for every
command whatever the case: those invariants are checked here after each command.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

from harness.running import filetree, processes
from harness.running.command import execute
from harness.running.environment import product_environment
from harness.running.guarding import Guard
from harness.running.limits import USUAL, Limits, Watch, size_of
from harness.running.network import OUTER, Network
from harness.running.privileges import prefix_of_ordinary_user
from harness.running.removal import remove
from harness.running.replay import write_scripts
from harness.running.result import CommandResult, InvariantBroken
from harness.running.terminal import Terminal
from harness.running.treeview import view

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.running.command import CompletedCommand

_EXIT_SECONDS = 0.1  # a child that is on its way out when its parent ends is no leftover
_SETTLE_SECONDS = 5.0  # what a left-behind child gets to do its worst, so that the tree shows it


@dataclass(frozen=True, kw_only=True, slots=True)
class Testbed:
    """What the sandboxes of one run share; `caches` maps variables to directories handed in on purpose."""

    __test__ = False  # the name starts like a test class's

    installation: Path
    programs: Mapping[str, Path]
    caches: Mapping[str, Path]
    runtime_root_variable: str
    crash: re.Pattern[str]
    command_timeout: float
    limits: Limits = USUAL
    canaries: tuple[Path, ...] = ()  # stand in what a command takes for the user's own places


@dataclass(kw_only=True, slots=True)
class Sandbox:
    """The directories, the environment and the commands of one case.

    Everything lies below `directory`; `runtime_root` does not exist until somebody makes it.
    """

    directory: Path
    testbed: Testbed
    runtime_root: Path = field(init=False)
    environment: dict[str, str] = field(init=False)
    results: list[CommandResult] = field(default_factory=list)
    breaches: list[InvariantBroken] = field(default_factory=list)
    writable: list[Path] = field(default_factory=list)
    prefix: tuple[str, ...] = ()
    network: Network = OUTER  # of what is started from now on
    named: bool = False  # a failure tells people to look here
    _others: frozenset[int] = field(default_factory=processes.children)
    _background: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _guard: Guard = field(init=False)
    _tree: filetree.Snapshot | None = None
    _installation: filetree.Snapshot | None = None

    def __post_init__(self) -> None:
        for path in (self.home, self.temporary, self.working, self.programs):
            path.mkdir(parents=True)
        for name, program in self.testbed.programs.items():
            _link(program, self.programs / (name + program.suffix if sys.platform == "win32" else name))
        self.environment = product_environment(os.environ, directories=self._variables())
        self.environment[processes.MARKER] = str(self.directory)
        self.use_root(self.directory / "root")
        others, background = self._others, self._background  # not the sandbox: its trees would live in a circle
        self._guard = Guard(self.directory, self.testbed.limits, lambda: others.union(each.pid for each in background))

    @property
    def home(self) -> Path:
        """What the product takes for the user's home."""
        return self.directory / "home"

    @property
    def temporary(self) -> Path:
        """Where temporary files go; empty again when a command ends."""
        return self.directory / "tmp"

    @property
    def working(self) -> Path:
        """The working directory of commands."""
        return self.directory / "work"

    @property
    def programs(self) -> Path:
        """The directory on `PATH`, alone without `equip`: links to exactly the programs that the product may find."""
        return self.directory / "bin"

    def use_root(self, path: Path, *, setting: str | None = None) -> None:
        """Put the runtime root at `path`; `setting` is how the variable says so, where that differs."""
        self.runtime_root = path
        self.environment[self.testbed.runtime_root_variable] = str(path) if setting is None else setting

    def use_installation(self, directory: Path) -> None:
        """Run what `directory` holds from now on: a case has made it, or changed it, on purpose."""
        self.testbed = replace(self.testbed, installation=directory)
        self._installation = None

    def equip(self, first: Path | None, variables: Mapping[str, str]) -> None:
        """Have commands find the programs of a directory before all others, and see these variables."""
        places = [self.programs] if first is None else [first, self.programs]
        self.environment |= {"PATH": os.pathsep.join(map(str, places)), **variables}

    def hide(self, program: str) -> None:
        """Take a program off `PATH`."""
        (self.programs / program).unlink()

    def drop_privileges(self) -> None:
        """Have permission bits bind the product from now on, even if root runs the smoke."""
        self.prefix = prefix_of_ordinary_user()

    def run(self, *argv: str | Path, leaves_processes: bool = False) -> CommandResult:
        """Run a command to its end, on pipes, and observe what it did; judge nothing but the invariants.

        Raises:
            InvariantBroken: the command did what no command may do.
        """
        words = self.prefix + tuple(map(str, argv))
        with self._observed(self.environment, leaves_processes=leaves_processes) as (watch, finished):
            finished(
                execute(
                    words,
                    cwd=self.working,
                    environment=self.environment,
                    timeout=self.testbed.command_timeout,
                    watch=watch,
                    network=self.network,
                )
            )
        return self.results[-1]

    @contextmanager
    def on_terminal(self, *argv: str | Path, leaves_processes: bool = False) -> Iterator[Terminal]:
        """Hold a dialogue with a command on a pseudo-terminal; the result is in `results` afterwards."""
        words = self.prefix + tuple(map(str, argv))
        environment = self.environment | {"TERM": "xterm-256color"}
        with (
            self._observed(environment, leaves_processes=leaves_processes) as (watch, finished),
            Terminal(
                words,
                cwd=self.working,
                environment=environment,
                timeout=self.testbed.command_timeout,
                watch=watch,
                network=self.network,
            ) as terminal,
        ):
            yield terminal
            finished(terminal.finish())

    def start_background(self, *argv: str | Path) -> subprocess.Popen[bytes]:
        """Start a process of the case's own; it is not the product's, and ends with the sandbox."""
        process = self.network.within(
            lambda: subprocess.Popen(
                [*self.prefix, *map(str, argv)],
                cwd=self.working,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )
        self._background.append(process)
        return process

    def close(self, *, keep: bool) -> tuple[processes.Leftover, ...]:
        """End what still runs and, unless it is to be kept for inspection, remove the directory.

        It is kept as well when a failure has named it, or now will. Returns what the product had left running, without
        the background processes of the case; raises `InvariantBroken` where it took too much, and no command has told.
        """
        excess = self._guard.end()
        for process in self._background:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        left = processes.find(str(self.directory), ignore=self._others)
        processes.end(left)
        if keep or left or self.named or excess:
            write_scripts(self.directory, self.working, self.environment, self.results)
        elif self.directory.exists():
            remove(self.directory)
        return left if not excess else self._breach("stays_within_limits", excess)

    @contextmanager
    def _observed(
        self, environment: Mapping[str, str], *, leaves_processes: bool
    ) -> Iterator[tuple[Watch, Callable[[CompletedCommand], None]]]:
        """Frame one command: the tree before, what still runs, the tree after, the invariants."""
        before = self._snapshot()
        watch = Watch(limits=self.testbed.limits, directory=self.directory, already=size_of(before))
        installed = self._installation or filetree.snapshot(self.testbed.installation)
        canaries = self._canaries()
        running = processes.children()
        completed: list[CompletedCommand] = []
        yield watch, completed.append
        left = processes.settle(str(self.directory), _EXIT_SECONDS, ignore=running)
        if left:
            self._guard.follow(watch.already)
        if left and not leaves_processes:
            processes.end(processes.settle(str(self.directory), _SETTLE_SECONDS, ignore=running))
        self._installation = filetree.snapshot(self.testbed.installation, previous=installed)
        after = self._snapshot()
        self._guard.allow(after)
        result = CommandResult(
            completed=completed[0],
            sandbox=self.directory,
            environment=dict(environment),
            network=self.network.kind,
            changes=filetree.difference(before, after),
            tree=view(before, after, closed={self.programs.name}),
            left_running=left,
            installation_changes=filetree.difference(installed, self._installation),
        )
        self.results.append(result)
        if excess := result.completed.excess or watch.judge(after) or self._guard.take_excess():
            self._breach("stays_within_limits", excess)
        if gone := sorted(map(str, canaries - self._canaries())):
            self._breach("nothing_written_elsewhere", f"deleted, outside its sandbox: {', '.join(gone)}")
        self._check(result, leaves_processes=leaves_processes)

    def _check(self, result: CommandResult, *, leaves_processes: bool) -> None:
        """Raise for the first invariant that is broken; the order is that of how much it explains."""
        elsewhere = result.changes.outside(*self._allowed())
        if result.left_running and not leaves_processes:
            self._breach("nothing_left_running", "left running: " + "; ".join(map(str, result.left_running)))
        if result.installation_changes:
            self._breach("installation_unchanged", f"changed its installation:\n{result.installation_changes.render()}")
        if elsewhere:
            self._breach("nothing_written_elsewhere", f"changed on disk, outside its root:\n{elsewhere.render()}")
        if any(map(self.testbed.crash.search, (result.stdout, result.stderr))):
            self._breach("no_traceback", "printed a traceback")

    def _breach(self, clause: str, what: str) -> NoReturn:
        breach = InvariantBroken(clause, what)
        self.breaches.append(breach)
        raise breach

    def _allowed(self) -> tuple[str, ...]:
        """Where a command may write, relative to the sandbox."""
        base = self.directory.resolve()
        places = [path.resolve() for path in (self.runtime_root, *self.writable)]
        return tuple(path.relative_to(base).as_posix() for path in places if path.is_relative_to(base))

    def _snapshot(self) -> filetree.Snapshot:
        self._tree = filetree.snapshot(self.directory, previous=self._tree)
        return self._tree

    def _canaries(self) -> set[Path]:
        return {path for path in self.testbed.canaries if path.exists()}

    def _variables(self) -> dict[str, Path]:
        """The variables that name a private directory, on every platform, and the shared caches."""
        return {
            "PATH": self.programs,
            "HOME": self.home,
            "USERPROFILE": self.home,  # Windows
            "APPDATA": self.home / "AppData" / "Roaming",  # Windows
            "LOCALAPPDATA": self.home / "AppData" / "Local",  # Windows
            "XDG_CONFIG_HOME": self.home / ".config",
            "XDG_CACHE_HOME": self.home / ".cache",
            "XDG_DATA_HOME": self.home / ".local" / "share",
            "XDG_STATE_HOME": self.home / ".local" / "state",
            "XDG_RUNTIME_DIR": self.temporary,
            "TMPDIR": self.temporary,
            "TEMP": self.temporary,  # Windows
            "TMP": self.temporary,  # Windows
            **self.testbed.caches,
        }


def _link(program: Path, name: Path) -> None:
    try:
        name.symlink_to(program)
    except OSError:  # pragma: no cover -- Windows without the privilege to make links
        shutil.copy2(program, name)
