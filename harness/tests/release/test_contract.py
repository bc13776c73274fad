"""Self-tests of reading contract files and of choosing one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.release.artifact import Artifact
from harness.release.contract import choose, load
from harness.tests.values import assert_plain

CONTRACT = """\
[release]
distributions = ["Odd_Tool"]
versions = ">=1.0.dev0,<2"
executable = "odd"
runtime_root_variable = "ODD_ROOT"

[commands]
version = ["--version"]
clean = ["cache", "clean"]

[messages]
traceback = '^Traceback'
cleaned = '^cleaned (?P<count>\\d+)$'

[features]
module = "odd"
"""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A directory of contracts that holds two."""
    directory = tmp_path / "contracts"
    directory.mkdir()
    (directory / "odd-1.toml").write_text(CONTRACT)
    (directory / "odd-2.toml").write_text(CONTRACT.replace(">=1.0.dev0,<2", ">=2"))
    return directory


def artifact(name: str = "odd-tool", version: str = "1.5") -> Artifact:
    """A release."""
    return Artifact(
        path=Path("odd.whl"), kind="wheel", name=name, version=version, sha256="", size=0, requires_python=""
    )


def refusal(path: Path, text: str) -> str:
    """What reading a contract of this text is refused with."""
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        load(path)
    return str(raised.value).replace(str(path), "FILE")


def test_a_contract_holds_the_words(shipped: Path) -> None:
    contract = load(shipped / "odd-1.toml")

    assert contract.name == "odd-1"
    assert contract.executable == "odd"
    assert contract.runtime_root_variable == "ODD_ROOT"
    assert contract.commands["clean"] == ("cache", "clean")
    assert contract.messages["cleaned"].search("first\ncleaned 3\nlast")
    assert contract.lacks(("clean", "module", "teleport")) == ("teleport",)
    assert_plain(contract)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[features]", "[feature]", "contract 'FILE' has an unknown key 'feature'; hint: did you mean 'features'?"),
        (
            "executable",
            "exectuable",
            "contract 'FILE' has an unknown key 'exectuable'; hint: did you mean 'executable'?",
        ),
        ('executable = "odd"\n', "", "contract 'FILE' lacks the key 'executable'"),
        ("version = [", "versions = [", "contract 'FILE' lacks the key 'version' of 'commands'"),
        ("traceback =", "crash =", "contract 'FILE' lacks the key 'traceback' of 'messages'"),
        ("'^Traceback'", "'(unclosed'", "contract 'FILE': the pattern of message 'traceback' does not compile: "),
        ('["--version"]', '"--version"', "contract 'FILE': 'version' must be a list of strings"),
        ('["cache", "clean"]', "[1]", "contract 'FILE': 'clean' must be a list of strings"),
        ('module = "odd"', "module = true", "contract 'FILE': 'module' must be a string"),
        (">=1.0.dev0,<2", "about one", "contract 'FILE' is not valid: Invalid specifier: 'about one'"),
        ("[release]", "[release", "contract 'FILE' is not valid: "),
    ],
    ids=lambda value: "" if "contract" in value else None,
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in CONTRACT
    assert refusal(tmp_path / "odd.toml", CONTRACT.replace(old, new, 1)).startswith(complaint)


def test_a_table_must_be_one(tmp_path: Path) -> None:
    assert refusal(tmp_path / "odd.toml", 'release = "odd"\n') == "contract 'FILE': 'release' must be a table"
    assert refusal(tmp_path / "odd.toml", "") == "contract 'FILE' lacks the key 'distributions'"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(UsageError, match="is not valid: 'utf-8' codec"):
        load(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("version", "name"), [("1.0.dev3", "odd-1"), ("1.9", "odd-1"), ("2.0", "odd-2"), ("3.0rc1", "odd-2")]
)
def test_the_version_chooses(shipped: Path, tmp_path: Path, version: str, name: str) -> None:
    assert choose(shipped, artifact(version=version), None, stands_in=tmp_path).name == name


@pytest.mark.parametrize(
    ("version", "name"),
    [("1.0.0-rc.0", "odd-1"), ("1.5.0-next.3", "odd-1"), ("1.5.0-a-b+c.7", "odd-1"), ("2.0.0+c-7", "odd-2")],
)
def test_a_version_of_npm_chooses_as_well(shipped: Path, tmp_path: Path, version: str, name: str) -> None:
    assert choose(shipped, artifact(version=version), None, stands_in=tmp_path).name == name


def test_a_pre_release_of_npm_is_not_of_the_line_before_it(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no contract is for 'odd-tool' 2\.0\.0-next\.1"):
        choose(shipped, artifact(version="2.0.0-next.1"), None, stands_in=tmp_path)


def test_the_user_chooses_by_name(shipped: Path, tmp_path: Path) -> None:
    assert choose(shipped, artifact(), "odd-2", stands_in=tmp_path).name == "odd-2"


def test_the_user_chooses_by_file(shipped: Path, tmp_path: Path) -> None:
    place = tmp_path / "where" / "the user"
    place.mkdir(parents=True)
    (place / "own.toml").write_text(CONTRACT)

    assert choose(shipped, artifact(), "own.toml", stands_in=place).path == place / "own.toml"
    assert choose(shipped, artifact(), str(place / "own.toml"), stands_in=tmp_path).name == "own"
    with pytest.raises(UsageError):
        choose(shipped, artifact(), "own.toml", stands_in=tmp_path)


def test_no_such_contract(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^no contract 'odd-3'; hint: there is 'odd-1', 'odd-2', or give a file$"):
        choose(shipped, artifact(), "odd-3", stands_in=tmp_path)


@pytest.mark.parametrize(("name", "version"), [("odd-tool", "0.9"), ("even-tool", "1.0")])
def test_no_contract_for_it(shipped: Path, tmp_path: Path, name: str, version: str) -> None:
    listed = "hint: there is 'odd-1', 'odd-2', or give a file with --contract"
    with pytest.raises(UsageError, match=f"^no contract is for '{name}' {version}; {listed}$"):
        choose(shipped, artifact(name, version), None, stands_in=tmp_path)
