"""Command-line options to one frozen value."""

from __future__ import annotations

import argparse
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from harness.errors import UsageError
from harness.release import invocations
from harness.release.installers import INSTALLERS
from harness.release.npmpackage import is_source
from harness.release.registry import Registry, check_index, parse
from harness.running.isolation import HAS_SUBREAPER, RUNGS, Rung

if TYPE_CHECKING:
    from collections.abc import Collection

    import pytest

    from harness.release.registry import Spec

DEFAULT_REFERENCE = "fixtures/ktx"
ALL_PYTHONS = "all"
_KINDS = ("wheel", "sdist", "both")
_REFERENCES = "a source directory, a .whl, a .tar.gz, a .tgz, pypi:NAME==VERSION or npm:NAME@VERSION"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the user asked for; paths are absolute, times in seconds. `beside` are other files of the same release."""

    reference: str
    beside: tuple[Path, ...]
    checkout: Path
    invoked_in: Path
    build: Literal["wheel", "sdist"]
    dist: Path
    installer: str
    invocation: str
    python: str
    node: str
    reuse_installation: bool
    install_timeout: float
    command_timeout: float
    evidence: Path | None
    contract: str | None
    expect_version: str | None
    previous: str | None
    registry: Registry
    local_embeddings: bool
    strict: bool
    sign_key: Path | None
    isolation: str
    isolated_in: Path | None

    @property
    def rung(self) -> Rung:
        """The isolation that the session has."""
        if self.isolated_in is not None:
            return "kernel"
        return "processes" if self.isolation != "environment" and HAS_SUBREAPER else "environment"

    @property
    def installer_of_reference(self) -> str:
        """What installs the reference, as far as that can be told from its name."""
        path = self.invoked_in / self.reference
        if self.published is not None:
            return "npm" if self.published.scheme == "npm" else self.installer
        return "npm" if path.name.endswith(".tgz") or is_source(path) else self.installer

    @property
    def published(self) -> Spec | None:
        """The published version that the reference names, if it names one; UsageError when it only looks like one."""
        return parse(self.reference)

    @property
    def invocations(self) -> tuple[str, ...]:
        """The ways in which a release of this kind is called."""
        return invocations.OF_NPM if self.installer_of_reference == "npm" else invocations.OF_PYTHON


def add_options(parser: pytest.Parser) -> None:
    """Declare the options. Values are checked later, so that a wrong one gets a verdict as well."""
    group = parser.getgroup("smoke", "release smoke")
    group.addoption(
        "--artifact",
        metavar="REF",
        action="append",
        help=f"what to smoke: {_REFERENCES}; several times for the files of one release (default: {DEFAULT_REFERENCE})",
    )
    group.addoption(
        "--build",
        metavar="KIND",
        default="wheel",
        help="which file of a source, or of a version on a Python package index: wheel (default), sdist or both",
    )
    # A release of several files is smoked file by file, each in a session that is started with this.
    group.addoption("--one-of-release", metavar="REF", help=argparse.SUPPRESS)
    group.addoption("--dist-dir", metavar="DIR", default="dist", help="where built files land (default: dist)")
    group.addoption("--installer", metavar="NAME", default="uv", help=f"one of {', '.join(INSTALLERS)} (default: uv)")
    group.addoption(
        "--invocation",
        metavar="NAME",
        default=invocations.DEFAULT,
        help="how the command is called: console (default), module (of Python), npx or global (of npm)",
    )
    group.addoption(
        "--python",
        metavar="VERSION|PATH|all",
        default="",
        help="interpreter to install for (default: the one that runs this); all: each that is found and that the "
        "release admits, one after the other",
    )
    group.addoption(
        "--node",
        metavar="VERSION",
        default="",
        help="Node for a package of npm (default: the newest that the package accepts)",
    )
    group.addoption(
        "--reuse-installation",
        action="store_true",
        help="keep the installation for the next run on the same file, and use one that is there if nobody changed it",
    )
    group.addoption(
        "--install-timeout", metavar="SECONDS", default="600", help="deadline of build and of install (600)"
    )
    group.addoption("--command-timeout", metavar="SECONDS", default="60", help="deadline of each command (60)")
    group.addoption("--evidence", metavar="DIR", help="where the evidence lands (default: .smoke/<time>-<pid>)")
    group.addoption(
        "--contract", metavar="NAME|FILE", help="hold the artifact to this contract (default: the one for it)"
    )
    group.addoption("--expect-version", metavar="V", help="require that this is what the artifact and the command say")
    group.addoption(
        "--previous",
        metavar="REF",
        help=f"the release before the artifact, to upgrade from: {_REFERENCES} "
        f"(default: for {DEFAULT_REFERENCE} the same source at an older version, else none)",
    )
    group.addoption(
        "--index",
        metavar="URL",
        help="the registry to download published versions from, and nothing else (default: as pip and npm are set up)",
    )
    group.addoption(
        "--wait",
        metavar="SECONDS",
        default="0",
        help="how long to wait for a published version that is not there yet (0)",
    )
    group.addoption(
        "--local-embeddings",
        action="store_true",
        help="smoke the feature of that name as well, which installs packages of hundreds of megabytes",
    )
    group.addoption(
        "--isolation",
        metavar="RUNG",
        default="auto",
        help="environment, processes or kernel (default: auto, the highest that this machine offers)",
    )
    # A session in namespaces of its own is started with this: where it works, which others keep.
    group.addoption("--isolated-in", metavar="DIR", help=argparse.SUPPRESS)
    group.addoption("--sign-key", metavar="FILE", help="sign a statement of the verdict, beside the artifact")


def read_settings(config: pytest.Config) -> Settings:
    """Check the options and make one value of them.

    Raises:
        UsageError: a value is not of its kind.
    """
    option = config.option
    invoked_in = config.invocation_params.dir
    references = references_of(config)
    reference = option.one_of_release or references[0]
    others = [invoked_in / other for other in references if other != reference]
    return Settings(
        reference=reference,
        beside=tuple(path for path in others if path.is_file()),
        checkout=config.rootpath,
        invoked_in=invoked_in,
        build=cast("Literal['wheel', 'sdist']", _one_of("--build", option.build, _KINDS)),
        dist=invoked_in / option.dist_dir,
        installer=_one_of("--installer", option.installer, tuple(INSTALLERS)),
        invocation=_one_of("--invocation", option.invocation, invocations.EVERY),
        python=option.python,
        node=option.node,
        reuse_installation=_reuse_installation(config),
        install_timeout=_seconds("--install-timeout", option.install_timeout),
        command_timeout=_seconds("--command-timeout", option.command_timeout),
        evidence=invoked_in / option.evidence if option.evidence else None,
        contract=option.contract,
        expect_version=option.expect_version,
        previous=_existing("--previous", _previous(config), invoked_in),
        registry=_registry(config, reference),
        local_embeddings=bool(option.local_embeddings),
        strict=bool(option.strict),
        sign_key=invoked_in / option.sign_key if option.sign_key else None,
        isolation=_one_of("--isolation", option.isolation, ("auto", *RUNGS)),
        isolated_in=Path(option.isolated_in) if option.isolated_in else None,
    )


def references_of(config: pytest.Config) -> tuple[str, ...]:
    """What to smoke, as it was typed."""
    return tuple(config.option.artifact or [str(config.rootpath / DEFAULT_REFERENCE)])


def is_given(config: pytest.Config, option: str) -> bool:
    """Whether cases that run only with this option are to run: it was given, or has a default for this reference."""
    return bool(_previous(config) if option == "--previous" else config.getoption(option))


def _previous(config: pytest.Config) -> str | None:
    """The reference to the previous release; that of the default source is the source itself, aged."""
    option = config.option
    default = config.rootpath / DEFAULT_REFERENCE
    reference = config.invocation_params.dir / option.artifact[0] if option.artifact else default
    is_default = default.is_dir() and reference.resolve() == default.resolve()
    return option.previous or (str(default) if is_default else None)


def _reuse_installation(config: pytest.Config) -> bool:
    option = config.option
    if option.reuse_installation and option.sign_key:
        raise UsageError("--reuse-installation is for work in progress: --sign-key signs what was installed anew")
    return bool(option.reuse_installation)


def _one_of(name: str, value: str, known: Collection[str]) -> str:
    if value in known:
        return value
    nearest = difflib.get_close_matches(value, known, n=1)
    hint = f"did you mean '{nearest[0]}'?" if nearest else ""
    raise UsageError(f"{name} takes {' or '.join(map(repr, known))}, got '{value}'", hint=hint)


def _existing(name: str, reference: str | None, invoked_in: Path) -> str | None:
    if reference is None or parse(reference) is not None or (invoked_in / reference).exists():
        return reference
    raise UsageError(f"{name} takes a directory or a file, there is no '{reference}'")


def _registry(config: pytest.Config, reference: str) -> Registry:
    """Where published versions come from; an option on that is a mistake where nothing is published."""
    option = config.option
    asked = Registry(index=check_index(option.index), wait=_seconds("--wait", option.wait, least=0))
    published = [each for each in (reference, option.previous) if each and parse(each)]
    if asked != Registry() and not published:
        name = "--index" if asked.index else "--wait"
        raise UsageError(f"{name} is for a published version, and '{reference}' is none")
    return asked


def _seconds(name: str, text: str, *, least: float | None = None) -> float:
    """A number of seconds: positive, or not below the `least`."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if (seconds > 0 if least is None else seconds >= least) and seconds < float("inf"):
        return seconds
    kind = "a positive number of seconds" if least is None else f"a number of seconds from {least:g} on"
    raise UsageError(f"{name} takes {kind}, got '{text}'")
