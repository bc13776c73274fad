"""A file and its statements to yes or no: pure, a list of refusals, which is empty when nothing speaks against it.

Every statement must be good, not only one: a failure counts wherever it stands, and so does a line that
nobody can explain. Reading files and telling people is for `__main__`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from itertools import product
from typing import TYPE_CHECKING

from securesystemslib.exceptions import VerificationError

from harness.verdict.attestation import Attested, MalformedError, read
from harness.verdict.envelope import unseal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    from harness.gate.policy import Acceptance, Part, Policy
    from harness.release.contract import Contract
    from harness.verdict.clause import Clause

_CLOCKS_MAY_DIFFER = timedelta(minutes=5)
_SHOWN = 3


class RefusedError(Exception):
    """Why a statement does not count, in one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedKey:
    """A public key as it was read, what it is called, and its last day (UTC)."""

    key: SSlibKey
    name: str
    expires: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Demands:
    """What the repository demands now of a statement on one artifact."""

    contract: str
    contract_sha256: str
    harness: str
    required: frozenset[str]
    advisory: frozenset[str]


def demands(contract: Contract, contract_sha256: str, harness: str, clauses: Sequence[Clause]) -> Demands:
    """The clauses that every run on an artifact of this contract must have an outcome for."""
    applicable = [clause for clause in clauses if not clause.opt_in and not contract.lacks(clause.needs)]
    return Demands(
        contract=contract.name,
        contract_sha256=contract_sha256,
        harness=harness,
        required=frozenset(clause.id for clause in applicable if clause.level == "required"),
        advisory=frozenset(clause.id for clause in applicable if clause.level == "advisory"),
    )


def authentic(  # noqa: PLR0913 -- the file, whom to believe, and when
    line: bytes, *, name: str, sha256: str, trusted: Sequence[TrustedKey], now: datetime, max_age: timedelta | None
) -> Attested:
    """The statement that a line holds, if it is a trusted and recent one on the very file.

    Raises:
        RefusedError: it is not.
    """
    try:
        envelope = unseal(line)
        _verify(envelope, trusted, now)
        attested = read(envelope.payload)
    except MalformedError as error:
        raise RefusedError(str(error)) from error
    if attested.sha256 != sha256:
        raise RefusedError(f"is on other bytes: sha256 {attested.sha256}, the file's is {sha256}")
    if attested.file != name:
        raise RefusedError(f"is on a file of another name, '{attested.file}'")
    age = now - attested.started_at
    if age < -_CLOCKS_MAY_DIFFER:
        raise RefusedError(f"is from the future: {attested.started_at.isoformat()}")
    if max_age is not None and age > max_age:
        raise RefusedError(f"is too old: {attested.started_at.isoformat()} is more than {max_age} ago")
    return attested


def objections(attested: Attested, demanded: Demands, policy: Policy, today: date) -> Iterator[str]:
    """What speaks against an authentic statement."""
    used = attested.configuration
    if attested.result == "FAILED":
        yield f"says FAILED: {_named(attested.failed)}"
        return
    if used.contract_sha256 != demanded.contract_sha256:
        yield f"was made under another contract than '{demanded.contract}' as it is now"
    if used.harness != demanded.harness:
        yield "was made by another harness, or other cases, than there are now"
    if missing := (demanded.required | demanded.advisory) - attested.passed - attested.warned - attested.not_applicable:
        yield f"lacks clauses that there are now: {_named(missing)}"
    if broken := attested.warned - demanded.advisory:
        yield f"only warns of what is not advisory: {_named(broken)}"
    for clause in sorted(attested.warned & demanded.advisory):
        yield from _unaccepted(clause, policy.accepted, today)


def uncovered(statements: Sequence[Attested], policy: Policy) -> Iterator[str]:
    """The settings that must have been smoked, and no statement is on."""
    smoked = [attested.setting[:2] for attested in statements]
    for python, installer in product(policy.pythons or ("",), policy.installers or ("",)):
        if not any(python in {"", used[0]} and installer in {"", used[1]} for used in smoked):
            setting = (f"on Python {python}" if python else "", f"with {installer}" if installer else "")
            yield f"was not smoked {' '.join(filter(None, setting))}"


def incoherent(files: Sequence[tuple[Part, str]], parts: Collection[Part]) -> Iterator[str]:
    """What is wrong with files as one release; each comes as what it is and its version."""
    if not parts:
        return
    given = {part for part, _ in files}
    for part in parts:
        if part not in given:
            yield f"lacks the {part}"
    for surplus in sorted(map(str, given.difference(parts))):
        yield f"has a {surplus}, which is no part of it"
    versions = sorted({version for _, version in files})
    if len(versions) > 1:
        yield f"mixes versions: {', '.join(versions)}"


def _verify(envelope: Envelope, trusted: Sequence[TrustedKey], now: datetime) -> None:
    (signed_by,) = envelope.signatures
    known = [each for each in trusted if each.key.keyid == signed_by]
    if not known:
        raise RefusedError(f"is signed by a key that is not trusted: {signed_by}")
    try:
        envelope.verify([known[0].key], 1)
    except VerificationError as error:
        raise RefusedError(f"has a signature that is not by '{known[0].name}', as it says") from error
    last_day = max(each.expires for each in known)
    if now.astimezone(timezone.utc).date() > last_day:
        raise RefusedError(f"is signed by '{known[0].name}', which was trusted until {last_day}")


def _unaccepted(clause: str, accepted: Sequence[Acceptance], today: date) -> Iterator[str]:
    meant = [each for each in accepted if each.clause in {"", clause}]
    if not meant:
        yield f"misses an advisory clause that nobody accepted: {clause}"
    elif (last_day := max(each.expires for each in meant)) < today:
        yield f"misses an advisory clause that was accepted until {last_day}: {clause}"


def _named(clauses: Collection[str]) -> str:
    shown = ", ".join(sorted(clauses)[:_SHOWN])
    return shown if len(clauses) <= _SHOWN else f"{shown} and {len(clauses) - _SHOWN} more"
