"""`python -m harness.gate`: exits 0 only when each of the files may be released.

Then, and only then, standard output lists them as `sha256sum` does, for whoever uploads them. Refusals go to
standard error, one line each.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.gate import policy as policies
from harness.gate.checks import incoherent
from harness.gate.inspection import Gate, Passed, trusted_keys
from harness.verdict.clause import clauses_of
from harness.verdict.keys import write_pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.gate.policy import Acceptance, Policy
    from harness.verdict.clause import Clause

CHECKOUT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None, *, checkout: Path = CHECKOUT) -> int:
    """Judge the files; 0 when all may be released, 1 when one may not, 4 when the question makes no sense."""
    options = _parser().parse_args(arguments)
    os.chdir(options.directory)
    try:
        if options.new_key is not None:
            _tell(f"the public key is in '{write_pair(options.new_key)}', keep '{options.new_key}' to yourself")
            return 0
        gate = _gate(options, checkout)
    except UsageError as error:
        _tell(str(error))
        return 4
    return _judge(gate, options.files)


def _judge(gate: Gate, files: Sequence[Path]) -> int:
    passed: list[Passed] = []
    refusals = 0
    for file in files:
        found = gate.inspect(file)
        if isinstance(found, Passed):
            passed.append(found)
            _tell(f"accepted: {found}")
            continue
        refusals += len(found)
        for refusal in found:
            _tell(f"refused: {file}: {refusal}")
    if not refusals:
        for complaint in incoherent([(each.part, each.version) for each in passed], gate.policy.parts):
            refusals += 1
            _tell(f"refused: the release {complaint}")
    if refusals:
        _tell(f"gate: closed, {refusals} refusal{'s' if refusals > 1 else ''}")
        return 1
    for each in passed:
        sys.stdout.write(f"{each.sha256}  {each.file}\n")
    _tell(f"gate: open, {len(passed)} file{'s' if len(passed) > 1 else ''} may be released")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.gate", description=__doc__, allow_abbrev=False)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="what is to be released")
    parser.add_argument(
        "--trust", action="append", default=[], type=Path, metavar="K.pub", help="whose signature counts"
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="what a release must have (default: pyproject.toml, if it says)"
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="warned[:CLAUSE]",
        help="accept that an advisory clause is missed: this one, or any",
    )
    parser.add_argument("--max-age", metavar="AGE", help="refuse older statements: 90m, 36h, 7d")
    parser.add_argument(
        "--contract", metavar="NAME|FILE", help="what the artifact was held to (default: the one for it)"
    )
    parser.add_argument("-C", dest="directory", default=".", metavar="DIR", help="stand in this directory, as git does")
    parser.add_argument("--new-key", type=Path, metavar="K", help="make a pair of keys, K and K.pub, and nothing else")
    return parser


def _gate(options: argparse.Namespace, checkout: Path) -> Gate:
    if not options.files:
        raise UsageError("no file to judge")
    policy = _policy(options.policy or policies.find(Path()), options.allow)
    clauses = clauses_of(checkout / "smoke")
    for acceptance in policy.accepted:
        _check_advisory(acceptance, clauses)
    if not (keys := trusted_keys(policy, options.trust)):
        raise UsageError("nobody is trusted", hint="--trust K.pub, or 'trusted-keys' in a policy")
    ages = [age for age in (policy.max_age, options.max_age and policies.duration(options.max_age)) if age]
    return Gate(
        policy=policy,
        trusted=keys,
        max_age=min(ages, default=None),
        clauses=clauses,
        cases=checkout / "smoke",
        contract=options.contract,
        now=datetime.now(timezone.utc),
    )


def _policy(path: Path | None, allowed: Sequence[str]) -> Policy:
    if path is None:
        return policies.Policy(accepted=tuple(_allowed(text) for text in allowed))
    if allowed:
        raise UsageError(f"--allow, where the policy '{path}' says what is accepted")
    _tell(f"policy: {path}")
    return policies.load(path)


def _allowed(text: str) -> Acceptance:
    verdict, colon, clause = text.partition(":")
    if verdict != "warned" or (colon and not clause):
        raise UsageError(f"--allow takes 'warned' or 'warned:CLAUSE', got '{text}'")
    return policies.Acceptance(clause=clause, reason="--allow", expires=date.max)


def _check_advisory(acceptance: Acceptance, clauses: Sequence[Clause]) -> None:
    advisory = [clause.id for clause in clauses if clause.level == "advisory"]
    if acceptance.clause in {"", *advisory}:
        return
    if any(clause.id == acceptance.clause for clause in clauses):
        raise UsageError(f"the clause '{acceptance.clause}' is required, and cannot be missed")
    nearest = difflib.get_close_matches(acceptance.clause, advisory, n=1, cutoff=0)
    hint = f"did you mean '{nearest[0]}'?" if nearest else ""
    raise UsageError(f"no advisory clause is called '{acceptance.clause}'", hint=hint)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
