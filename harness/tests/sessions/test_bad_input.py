"""Self-tests of bad input: one line that says whose fault it is, the exit code, a verdict, nothing left."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from harness.release.building import build
from harness.tests.release.projects import pack_odd, pack_wheel, write_odd
from harness.tests.sessions.checkouts import PROGRAM, REPOSITORY, pack_odd_wheel
from harness.tests.sessions.endings import assert_ended, assert_orderly, assert_refused

if TYPE_CHECKING:
    from pathlib import Path

    from harness.tests.sessions.checkouts import Checkout

COUNTED = """
    import pathlib, shutil
    pathlib.Path({count!r}).open("a").write("built\\n")
    return shutil.copy({wheel!r}, directory) and "odd-1.0-py3-none-any.whl"
"""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--artifact", "nowhere.whl"), "there is no 'nowhere.whl' to smoke"),
        (("--artifact", "smoke"), "'smoke' has neither pyproject.toml nor package.json, so it cannot be built"),
        (("--artifact", "conftest.py"), "'conftest.py' is neither a directory nor a .whl, a .tar.gz or a .tgz"),
        (("--artifact", ""), "--artifact is empty"),
        (("--artifact", "a.whl", "--artifact", "b.whl"), "there is no file .*a.whl"),
        (
            ("--artifact", ".", "--installer", "pipp"),
            "--installer takes 'uv' or .* or 'uv-tool', got 'pipp'.*mean 'pip",
        ),
        (("--artifact", ".", "--build", "egg"), "--build takes 'wheel' or 'sdist' or 'both', got 'egg'"),
        (("--artifact", ".", "--command-timeout", "soon"), "--command-timeout takes a positive number.*'soon'"),
        (("--artifact", ".", "--install-timeout", "-1"), "--install-timeout takes a positive number.*'-1'"),
        (("--artifact", ".", "--previous", "nowhere"), "--previous takes a directory or a file, there is no 'nowhere'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_line_that_makes_no_sense(checkout: Checkout, arguments: tuple[str, ...], complaint: str) -> None:
    run = checkout.run("smoke", *arguments)

    assert_refused(run, checkout, complaint)
    assert run.verdict == "usage-error"
    assert re.search(complaint, str(run.document["reason"]))


def test_an_evidence_directory_that_cannot_be_written(checkout: Checkout) -> None:
    run = checkout.smoke("--evidence", "conftest.py/evidence")

    assert_refused(run, checkout, "evidence directory '.*conftest.py/evidence' cannot be written: Not a directory")
    assert not (checkout.directory / ".smoke").exists()


def test_a_default_evidence_directory_that_cannot_be_written(checkout: Checkout) -> None:
    (checkout.directory / ".smoke").write_text("a file\n")
    run = checkout.smoke()

    assert run.exit_code == 7, run.output
    assert len(run.lines("Exit: testbed-fault: evidence directory ")) == 1, run.output
    assert_orderly(run)
    assert checkout.left_behind == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--contract", "even-1"), "no contract 'even-1'; hint: there is 'odd-1', or give a file"),
        (("--python", "2.4"), "there is no Python '2.4' that an environment can be made from"),
    ],
    ids=["contract", "python"],
)
def test_an_option_that_proves_wrong_later(checkout: Checkout, options: tuple[str, ...], complaint: str) -> None:
    run = checkout.smoke(*options)

    assert_ended(run, checkout, "usage-error", 4, complaint)


def test_an_artifact_that_no_contract_is_for(checkout: Checkout) -> None:
    (checkout.directory / "smoke" / "contracts" / "odd-1.toml").rename(checkout.directory / "odd-1.toml")
    run = checkout.smoke()
    given = checkout.smoke("--contract", "odd-1.toml")

    assert_ended(run, checkout, "usage-error", 4, "no contract is for 'odd' 1.0")
    assert (given.verdict, given.exit_code) == ("passed", 0), given.output


def random_bytes(checkout: Checkout) -> Path:
    checkout.wheel.write_bytes(bytes(range(256)) * 9)
    return checkout.wheel


def truncated(checkout: Checkout) -> Path:
    checkout.wheel.write_bytes(checkout.wheel.read_bytes()[:-200])
    return checkout.wheel


def leads_out(checkout: Checkout) -> Path:
    return pack_wheel(checkout.wheel, {"../../evil.py": "evil"})


def no_script(checkout: Checkout) -> Path:
    return pack_odd_wheel(checkout.wheel, script="even")


def other_python(checkout: Checkout) -> Path:
    return pack_odd_wheel(checkout.wheel, "Requires-Python: >=4")


def no_such_dependency(checkout: Checkout) -> Path:
    return pack_odd_wheel(checkout.wheel, "Requires-Dist: odd-dependency-that-nobody-released==1.0")


def failing_sdist(checkout: Checkout) -> Path:
    return pack_odd(checkout.directory, 'raise ValueError("no parts left")')


def failing_source(checkout: Checkout) -> Path:
    return write_odd(checkout.directory / "source", 'raise ValueError("no parts left")')


def fails_at_version(checkout: Checkout) -> Path:
    return pack_odd_wheel(checkout.wheel, program=PROGRAM.replace('print("odd 1.0")', "return 1"))


def foreign_interpreter(checkout: Checkout) -> Path:
    return pack_wheel(checkout.wheel, {"odd-1.0.data/scripts/odd": "#!/nowhere/interpreter\n"})


def hangs_at_version(checkout: Checkout) -> Path:
    return pack_odd_wheel(checkout.wheel, program=PROGRAM.replace('print("odd 1.0")', "time.sleep(600)"))


@pytest.mark.parametrize(
    ("make", "stage", "complaint"),
    [
        (random_bytes, "installs", r"'odd-1.0-py3-none-any.whl' is not a wheel or is damaged"),
        (truncated, "installs", r"'odd-1.0-py3-none-any.whl' is not a wheel or is damaged"),
        (leads_out, "installs", "holds a member that is not safe to unpack: '../../evil.py'"),
        (no_script, "installs", "the artifact has no 'odd' script; it offers 'even'"),
        (other_python, "installs", "it requires Python >=4, this is 3"),
        (no_such_dependency, "installs", "does not install: .*odd-dependency-that-nobody-released"),
        (failing_sdist, "installs", "does not install: .*no parts left"),
        (failing_source, "builds", "the source does not build: ValueError: no parts left"),
        (fails_at_version, "starts", "'odd --version' does not start: exit code 1"),
        (foreign_interpreter, "starts", "'odd' does not start: No such file or directory"),
        (hangs_at_version, "starts", "'odd --version' does not start: hung: ended at its deadline after"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_an_artifact_that_cannot_be_used(checkout: Checkout, make: object, stage: str, complaint: str) -> None:
    assert callable(make)
    run = checkout.run("smoke", "--artifact", make(checkout), "--command-timeout", "2")

    assert_ended(run, checkout, "unusable", 6, complaint)
    assert run.outcomes[stage] == "failed"
    assert run.outcomes["says_its_version"] == "not-run"


def test_a_source_is_built_once_whatever_the_number_of_workers(checkout: Checkout, tmp_path: Path) -> None:
    count = tmp_path / "count"
    body = COUNTED.format(count=str(count), wheel=str(checkout.wheel))
    source = write_odd(checkout.directory / "source", body)
    run = checkout.run("smoke", "--artifact", source, "-n", "2")

    assert (run.verdict, run.exit_code) == ("passed", 0), run.output
    assert count.read_text() == "built\n"
    assert (checkout.directory / "dist" / "odd-1.0-py3-none-any.whl").read_bytes() == checkout.wheel.read_bytes()


def test_a_record_that_lies_is_told_by_its_clause(
    tmp_path: Path, environment: dict[str, str], checkout: Checkout
) -> None:
    log = tmp_path / "build.log"
    source = REPOSITORY / "fixtures" / "ktx"
    wheel = build(source, tmp_path / "built", environment=environment, timeout=120, log=log).wheel
    lying = tmp_path / wheel.name
    replace_in_wheel(
        wheel, lying, member="/RECORD", old=b"kaelio_ktx/cli.py,sha256=", new=b"kaelio_ktx/cli.py,sha256=A"
    )
    checkout.directory = REPOSITORY
    evidence = tmp_path / "evidence"
    process = checkout.start("smoke", "--artifact", lying, "--evidence", evidence, "-k", "record_is_true")
    run = checkout.finish(process, evidence)

    assert (run.verdict, run.exit_code) == ("failed", 1), run.output
    assert run.outcomes["record_is_true"] == "failed"
    assert "kaelio_ktx/cli.py: its content is not what RECORD says" in run.stdout
    assert checkout.left_behind == []


def replace_in_wheel(wheel: Path, copy: Path, *, member: str, old: bytes, new: bytes) -> None:
    """Copy a wheel with one change in the members that end like this."""
    with zipfile.ZipFile(wheel) as original, zipfile.ZipFile(copy, "w") as changed:
        for entry in original.infolist():
            content = original.read(entry)
            changed.writestr(entry, content.replace(old, new) if entry.filename.endswith(member) else content)
