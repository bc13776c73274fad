"""Attests what a session found: from its verdict to a signed statement beside the artifact.

Checks the key before anything is built, and keeps it from where things get published. What a statement
says is for `verdict.attestation`, how it is signed for `verdict.envelope`.
"""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from filelock import FileLock

from harness.errors import UsageError
from harness.verdict.attestation import Configuration, NotAttestedError, statement
from harness.verdict.configuration import digest_of_file, digest_of_harness
from harness.verdict.envelope import add, file_beside, seal
from harness.verdict.keys import load_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.options import Settings
    from harness.preparation import Preparation
    from harness.release.contract import Contract
    from harness.verdict.archive import Archive
    from harness.verdict.document import Document


class Attestor:
    """Signs with the key that the user named."""

    def __init__(self, settings: Settings, archive: Archive) -> None:
        """Read the key.

        Raises:
            UsageError: there is no key, it is none of ours, or it lies where it would be published.
        """
        assert settings.sign_key is not None  # noqa: S101 -- for the type checker
        self._settings = settings
        self._signer = load_private(settings.sign_key)
        self._harness = digest_of_harness(settings.checkout / "smoke")  # now: a run may outlast an edit
        key = settings.sign_key.resolve()
        for published in (archive.evidence, settings.dist, settings.invoked_in / settings.reference):
            if key.is_relative_to(published.resolve()):
                raise UsageError(f"key '{settings.sign_key}' lies in '{published}', which may get published")

    def attest(self, document: Document, preparation: Preparation) -> str:
        """Write the statement, and say in one line where it is or why there is none.

        Raises:
            OSError: the directory of the artifact cannot be written.
        """
        if preparation.artifact is None or preparation.contract is None:
            return "none: the run did not get as far as an artifact and its contract"
        try:
            made = statement(document, self._configuration(document, preparation.contract), url=run_url(os.environ))
        except NotAttestedError as error:
            return f"none: {error}"
        path = file_beside(preparation.artifact.path)
        lock = self._settings.checkout / ".smoke" / "statements.lock"  # beside artifacts, it would get published
        lock.parent.mkdir(exist_ok=True)
        with FileLock(lock):
            add(path, seal(made, self._signer))
        return str(path)

    def _configuration(self, document: Document, contract: Contract) -> Configuration:
        installation = document["installation"]
        asked_for = self._settings.python or platform.python_version()
        return Configuration(
            contract=contract.path.name,
            contract_sha256=digest_of_file(contract.path),
            harness=self._harness,
            installer=self._settings.installer,
            invocation=self._settings.invocation,
            python=installation["python"] if installation is not None else asked_for,
            platform=platform.platform(),
        )


def run_url(environment: Mapping[str, str]) -> str:
    """Where the log of this run can be read, if a forge runs it."""
    parts = [environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*parts) if all(parts) else ""
