"""Who erred: whoever typed the command, the release under test, or the machine it is tested on.

An `AssertionError` in a case means that the release breaks a promise; everything else that goes
wrong is one of these, so that a red always says whose fault it is.
"""

from __future__ import annotations

from typing import Literal

Stage = Literal["builds", "installs", "starts"]


class HarnessError(Exception):
    """What went wrong, as facts in one line, and the evidence for it (the tail of a log, say)."""

    def __init__(self, message: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; hint: {self.hint}" if self.hint else self.message


class UsageError(HarnessError):
    """The command line, or a file that it names, asks for something that cannot be done."""


class ArtifactError(HarnessError):
    """The release cannot be built, installed or started: the clause of that name is broken."""

    def __init__(self, stage: Stage, message: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(message, detail=detail, hint=hint)
        self.args = (stage, message)  # so that workers can send it to each other
        self.stage: Stage = stage


class TestbedError(HarnessError):
    """The machine, a registry or a tool failed; this says nothing about the release."""

    __test__ = False  # the name starts like a test class's
