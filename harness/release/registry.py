"""References to published versions: `pypi:NAME==VERSION` and `npm:NAME@VERSION`, and the registry that has them.

Owns what can be asked for and where. Fetching it is for `downloading`.
"""

from __future__ import annotations

import base64
import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.errors import UsageError
from harness.release import semver

if TYPE_CHECKING:
    from collections.abc import Mapping

Scheme = Literal["pypi", "npm"]
SHAPES: Mapping[Scheme, str] = {"pypi": "pypi:NAME==VERSION", "npm": "npm:NAME@VERSION or npm:NAME@TAG"}
NEWEST = "latest"  # the tag that npm takes where none is named

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?!//)")  # a drive of Windows has one letter
_PYTHON_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_NPM_NAME = re.compile(r"(?:@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """A published version; of npm, `version` may be a tag."""

    scheme: Scheme
    name: str
    version: str

    @property
    def requirement(self) -> str:
        """What the installer of the registry calls it."""
        return f"{self.name}{'==' if self.scheme == 'pypi' else '@'}{self.version}"

    def __str__(self) -> str:
        return f"{self.scheme}:{self.requirement}"

    def is_met_by(self, name: str, version: str) -> bool:
        """Whether a release of this name and version is what was asked for."""
        if self.scheme == "npm":
            return name == self.name and (version == self.version or not semver.is_version(self.version))
        return canonicalize_name(name) == canonicalize_name(self.name) and Version(version) == Version(self.version)


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """Where to ask, None for where the user's settings say; and the seconds to `wait` for what is not there yet."""

    index: str | None = None
    wait: float = 0.0

    def settings_of_pip(self) -> dict[str, str]:
        """The variables that make it pip's only source; certificates and proxies stay the user's."""
        if self.index is None:
            return {}
        # pip ignores an empty value, so that a configuration file's would hold: these say nothing more, but win.
        return {
            "PIP_INDEX_URL": self.index,
            "PIP_EXTRA_INDEX_URL": self.index,
            "PIP_FIND_LINKS": ".",
            "PIP_NO_INDEX": "0",
        }

    def settings_of_npm(self, name: str) -> dict[str, str]:
        """The variables that make it npm's only source for a package; credentials go where npm looks for them."""
        if self.index is None:
            return {}
        parts = urlsplit(self.index)
        host = parts.netloc.rpartition("@")[2]
        path = parts.path.rstrip("/")
        address = f"{parts.scheme}://{host}{path}/"
        scope = name.partition("/")[0] if name.startswith("@") else ""
        settings = {"npm_config_registry": address}
        if scope:
            settings[f"npm_config_{scope}:registry"] = address
        if parts.password is not None:
            place = f"npm_config_//{host}{path}/"
            password = base64.b64encode(unquote(parts.password).encode()).decode()
            settings |= {f"{place}:username": unquote(parts.username or ""), f"{place}:_password": password}
        return settings


def parse(reference: str) -> Spec | None:
    """The published version that a reference names; None for a path, or what could be one.

    Raises:
        UsageError: it starts like one and is none.
    """
    matched = _SCHEME.match(reference)
    if matched is None:
        return None
    scheme, rest = matched["scheme"], reference[matched.end() :]
    if scheme not in SHAPES:
        nearest = difflib.get_close_matches(scheme.lower(), SHAPES, n=1, cutoff=0.5)
        if not nearest:
            return None
        raise UsageError(f"there is no registry '{scheme}:'", hint=f"did you mean '{nearest[0]}:{rest}'?")
    spec = _of_python(rest) if scheme == "pypi" else _of_npm(rest)
    if spec is None:
        shape = SHAPES[cast("Scheme", scheme)]
        raise UsageError(f"'{reference}' names no published version; it must be like {shape}")
    return spec


def check_index(index: str | None) -> str | None:
    """The address of a registry; UsageError when it cannot be one."""
    if index is None or (re.match(r"https?://[^\s/]", index) and not re.search(r"\s", index)):
        return index
    raise UsageError(f"--index takes the address of a registry (https://...), got '{index}'")


def _of_python(rest: str) -> Spec | None:
    name, equals, version = rest.partition("==")
    try:
        Version(version)
    except InvalidVersion:
        return None
    if not equals or not _PYTHON_NAME.fullmatch(name):
        return None
    return Spec(scheme="pypi", name=name, version=version)


def _of_npm(rest: str) -> Spec | None:
    at = rest.find("@", 1)
    name, version = (rest, NEWEST) if at < 0 else (rest[:at], rest[at + 1 :])
    is_tag = bool(_TAG.fullmatch(version)) and not semver.is_range(version)
    if not _NPM_NAME.fullmatch(name) or not (semver.is_version(version) or is_tag):
        return None
    return Spec(scheme="npm", name=name, version=version)
