"""The README that ships with the package, held against what the command does."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.release.installation import Installation
    from smoke.product import Ktx

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
PROMPTS = "$ "


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A call of the command in a code block of the README; `words` lead to a command, `options` follow."""

    line: int
    text: str
    words: tuple[str, ...]
    options: tuple[str, ...]

    def __str__(self) -> str:
        return f"README line {self.line}: '{self.text}'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Readme:
    """The README that the package brings, and the calls that it shows."""

    text: str
    examples: tuple[Example, ...]

    @property
    def flowing(self) -> str:
        """The text as one line: where its lines break means nothing."""
        return " ".join(self.text.split())


@pytest.mark.required
@pytest.mark.needs("runtime")
def test_readme_shows_every_runtime_command(ktx: Ktx, readme: Readme) -> None:
    """Every `runtime` command of the release is shown in a code block of the README that ships with it."""
    offered = offered_by(ktx, "runtime")
    shown = {example.words for example in readme.examples}

    assert offered, "'runtime --help' lists no command"
    assert [f"{' '.join(words)} is not shown in the README" for words in offered if words not in shown] == []


@pytest.mark.required
@pytest.mark.needs("status", "install", "doctor", "start", "stop", "prune")
def test_readme_shows_every_promised_command(ktx: Ktx, readme: Readme) -> None:
    """The README shows how every `runtime` command of the contract is called."""
    promised = [ktx.contract.commands[name] for name in ("status", "install", "doctor", "start", "stop", "prune")]
    shown = {example.words for example in readme.examples}

    assert [f"'{' '.join(words)}' is not in the README" for words in promised if words not in shown] == []


@pytest.mark.required
@pytest.mark.needs("prune")
def test_readme_shows_how_to_prune(ktx: Ktx, readme: Readme) -> None:
    """The README shows `runtime prune --dry-run` and `runtime prune --yes`."""
    shown = {example.options for example in readme.examples if example.words == ktx.contract.commands["prune"]}

    assert ("--dry-run",) in shown, "the README does not show 'prune --dry-run'"
    assert ("--yes",) in shown, "the README does not show 'prune --yes'"


@pytest.mark.required
@pytest.mark.needs("runtime")
def test_readme_shows_only_what_exists(ktx: Ktx, readme: Readme) -> None:
    """Every call in the README's code blocks exists in the release: its `--help` answers, and knows its options."""
    helps = {words: help_of(ktx, words) for words in {example.words for example in readme.examples}}

    assert readme.examples, "the README shows no call"
    assert [str(example) for example in readme.examples if not exists(example, helps[example.words])] == []


@pytest.mark.required
@pytest.mark.needs("prune")
def test_readme_says_what_prune_does(ktx: Ktx, readme: Readme) -> None:
    """The README says that prune removes the runtimes of older versions after daemons are stopped."""
    assert ktx.message("readme_prune").search(readme.flowing), "the README does not say what prune does, and when"


@pytest.mark.required
@pytest.mark.needs("install")
def test_readme_says_that_uv_is_needed(ktx: Ktx, readme: Readme) -> None:
    """The README says that `uv` must be on `PATH`."""
    assert ktx.message("readme_uv").search(readme.flowing), "the README does not say that uv must be on PATH"


@pytest.fixture
def readme(ktx: Ktx, installation: Installation) -> Readme:
    """The README inside the installed package."""
    text = installation.readme
    return Readme(text=text, examples=tuple(examples_in(text, ktx.contract.executable)))


def examples_in(text: str, executable: str) -> Iterator[Example]:
    """The calls in the code blocks; a line that ends in a backslash goes on in the next."""
    fence, pending, begun = "", "", 0
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif fence:
            begun = begun if pending else number
            pending += line.strip().removesuffix("\\")
            if not line.rstrip().endswith("\\"):
                yield from _example(begun, pending, executable)
                pending = ""


def _example(number: int, text: str, executable: str) -> Iterator[Example]:
    words = shlex.split(text.removeprefix(PROMPTS), comments=True) if executable in text else []
    if words[:1] == [executable]:
        ends = [index for index, word in enumerate(words) if word.startswith("-")]
        end = ends[0] if ends else len(words)
        options = (word.partition("=")[0] for word in words[end:] if word.startswith("-"))
        yield Example(line=number, text=text, words=tuple(words[1:end]), options=tuple(options))


def exists(example: Example, help_text: str) -> bool:
    """Whether the release has the command and the options of an example; its help text is "" if not."""
    known = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", help_text))
    return bool(help_text) and set(example.options) <= known


def help_of(ktx: Ktx, words: Iterable[str]) -> str:
    """What `--help` says of a command; "" where there is no such command, even if a parent's help answers."""
    result = ktx.sandbox.run(*map(str, ktx.executable), *words, "--help")
    call = " ".join((ktx.contract.executable, *words))
    return result.stdout if result.exit_code == 0 and call in result.stdout else ""


def offered_by(ktx: Ktx, group: str) -> list[tuple[str, ...]]:
    """The commands that the help of a group lists."""
    words = ktx.contract.commands[group]
    names = [match["name"] for match in ktx.message("help_names").finditer(help_of(ktx, words))]
    return [(*words, name) for name in names if name != "help"]
