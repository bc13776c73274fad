"""What of a text nobody may read: secrets of the environment, and credentials in addresses.

Owns what counts as a secret. Where text leaves for a reader, one place each masks it: reports of cases in
`casereport`, logs of steps in `release.steps`, the verdict in all its forms in `verdict.publish`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASK = "[masked]"

_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|KEY|CREDENTIAL", re.IGNORECASE)
_USERINFO = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<userinfo>[^\s/?#@'\"<>]+)@")
_SHORTEST = 6  # characters; anything shorter is a word, a number or a switch, and stands in every other line


@dataclass(frozen=True, kw_only=True, slots=True)
class Mask:
    """The secrets of one environment, the longest first."""

    secrets: tuple[str, ...]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Mask:
        """Find them: values of variables that are named like a secret, and passwords in addresses."""
        found = {secret for name, value in environment.items() for secret in _secrets(name, value)}
        return cls(secrets=tuple(sorted(found, key=lambda secret: (-len(secret), secret))))

    def __call__(self, text: str) -> str:
        """The text without secrets: neither those of the environment nor any credentials in an address."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return _USERINFO.sub(rf"\g<scheme>{MASK}@", text) if "://" in text else text

    def hides(self, text: str) -> bool:
        """Whether something in the text is a secret."""
        return self(text) != text


def _secrets(name: str, value: str) -> Iterator[str]:
    # A key or a certificate has lines, which reports indent.
    candidates = value.splitlines() if _NAME.search(name) else []
    for userinfo in _USERINFO.finditer(value):
        password = userinfo["userinfo"].partition(":")[2] or userinfo["userinfo"]
        candidates += [password, unquote(password)]
    return (candidate.strip() for candidate in candidates if len(candidate.strip()) >= _SHORTEST)
