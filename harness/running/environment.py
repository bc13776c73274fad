"""The environment of a child process, built from nothing: a short allowlist, a reason beside each entry.

A denylist only ever grows; what is not named here does not exist for a child. Directories and markers
are added by whoever starts the child.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# What any program needs to start and to reach a network that the user's machine can reach.
_EVERYWHERE = (
    "SYSTEMROOT",  # Windows: sockets and random numbers do not work without it
    "SYSTEMDRIVE",  # Windows: the same
    "COMSPEC",  # Windows: subprocesses of installers
    "PATHEXT",  # Windows: which files are programs
    "HTTP_PROXY",  # the way out of a company's network
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",  # a company's own certificate authority
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)

# What the build and install steps see beyond that: they are the user's own tools at work.
_INSTALLER_ONLY = (
    "PATH",  # compilers and git, for releases that need them
    "HOME",  # the installers' own configuration files and credentials
    "USERPROFILE",  # Windows: the same
    "APPDATA",  # Windows: the same
    "LOCALAPPDATA",  # Windows: caches
    "XDG_CONFIG_HOME",  # where those configuration files may be instead
    "XDG_CONFIG_DIRS",
    "XDG_CACHE_HOME",  # caches
    "XDG_DATA_HOME",  # interpreters that uv manages
    "TMPDIR",  # room for builds
    "TEMP",
    "TMP",
    "SOURCE_DATE_EPOCH",  # reproducible builds
)
_INSTALLER_PREFIXES = ("PIP_", "UV_", "NPM_CONFIG_")  # indexes, mirrors, trusted hosts, offline mode

# What a product gets of the installers' settings: where packages come from, nothing else.
_PACKAGE_SOURCES = (
    "UV_CONFIG_FILE",
    "UV_CONSTRAINT",  # the builds that a company, or a small machine, settles for
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",  # a directory of wheels instead of an index
    "UV_HTTP_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_NATIVE_TLS",
    "UV_OFFLINE",
    "UV_OVERRIDE",  # the same, where a package insists on another
    "UV_SYSTEM_CERTS",
    "UV_TORCH_BACKEND",  # a CPU build where the default would be gigabytes
)

_SETTINGS_OF_EVERY_CHILD = {
    "LANG": "C.UTF-8",  # one language for messages, one encoding for streams
    "PYTHONUTF8": "1",  # the same on Windows
    "PYTHONDONTWRITEBYTECODE": "1",  # an installation that is used must stay as it is, literally
}


def installer_environment(parent: Mapping[str, str]) -> dict[str, str]:
    """The environment of the build and install steps, from that of the harness."""
    named = _select(parent, _EVERYWHERE + _INSTALLER_ONLY)
    prefixed = {name: value for name, value in parent.items() if name.upper().startswith(_INSTALLER_PREFIXES)}
    return named | prefixed | {"LANG": "C.UTF-8", "PYTHONUTF8": "1"}


def product_environment(parent: Mapping[str, str], *, directories: Mapping[str, Path]) -> dict[str, str]:
    """The environment of the product under test.

    `directories` gives the variables that name private directories (`HOME`, `TMPDIR` …) and the caches
    that are handed in on purpose.
    """
    sources = _select(parent, _EVERYWHERE + _PACKAGE_SOURCES)
    if "UV_CONFIG_FILE" not in sources and (configuration := _uv_configuration(parent)) is not None:
        sources["UV_CONFIG_FILE"] = str(configuration)
    private = {name: str(path) for name, path in directories.items()}
    # Hard links would let a product that edits its own files edit the cache and every other environment.
    installs = {"UV_LINK_MODE": "copy", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    return sources | _SETTINGS_OF_EVERY_CHILD | installs | private


def _select(parent: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    # Proxies are written in both cases, and each program reads its own.
    wanted = {*names, *(name.lower() for name in names)}
    return {name: value for name, value in parent.items() if name in wanted}


def _uv_configuration(parent: Mapping[str, str]) -> Path | None:
    """The user's own uv configuration, which a private home would hide."""
    home = Path(parent.get("HOME") or parent.get("USERPROFILE") or os.path.expanduser("~"))  # noqa: PTH111 -- Path.home() raises where this does not
    configuration = Path(parent.get("XDG_CONFIG_HOME") or home / ".config") / "uv" / "uv.toml"
    return configuration if configuration.is_file() else None
