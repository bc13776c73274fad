"""Something between an installer and a healthy registry that spoils what passes, as networks and mirrors do."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.tests.registries import OPENER, SECONDS, Answer, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _one_byte_changed(answer: Answer) -> Answer:
    middle = len(answer.body) // 2
    changed = bytes([answer.body[middle] ^ 1])
    return replace(answer, body=answer.body[:middle] + changed + answer.body[middle + 1 :])


FAULTS: Mapping[str, Callable[[Answer], Answer]] = {
    "never answers": lambda answer: replace(answer, hangs=True),
    "a byte a second": lambda answer: replace(answer, pause=1.0),
    "half of it": lambda answer: replace(answer, sent=len(answer.body) // 2),
    "status 503": lambda _: Answer(status=503),
    "one byte changed": _one_byte_changed,
    "less than announced": lambda answer: replace(answer, surplus=100),
}


@dataclass(kw_only=True)
class Relay(Site):
    """A site that asks the registry at `upstream`, and has the `fault` of that name in answers to matching paths."""

    upstream: str
    fault: str = ""
    spoils: str = ""

    def answer(self, path: str, authorization: str) -> Answer:
        """What the registry says, or what becomes of it on the way."""
        self.asked.append(path)
        said = self._ask(path, authorization)
        is_spoilt = self.fault and re.search(self.spoils, path)
        return FAULTS[self.fault](said) if is_spoilt else said

    def _ask(self, path: str, authorization: str) -> Answer:
        host = self.address.split("/")[2]  # a registry of npm names itself in its answers as it was asked
        headers = {"Host": host} | ({"Authorization": authorization} if authorization else {})
        request = urllib.request.Request(self.upstream.rstrip("/") + path, headers=headers)  # noqa: S310 -- on loopback
        try:
            with OPENER.open(request, timeout=SECONDS) as answer:
                body, kind = answer.read(), answer.headers.get("Content-Type", "application/octet-stream")
        except urllib.error.HTTPError as error:
            return Answer(status=error.code)
        # As the large registries do: a page may be kept for some minutes, a file for ever.
        is_file = path.endswith((".whl", ".gz", ".tgz"))
        keep = "max-age=365000000, immutable, public" if is_file else "max-age=600, public"
        return Answer(body=body, kind=kind, headers={"Cache-Control": keep})
