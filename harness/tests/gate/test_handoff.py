"""Self-tests of the hand-off that the README shows: real nox, real git, real twine, a real registry on loopback."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from harness.tests.gate.releases import add_machinery, block_of_readme, surroundings
from harness.tests.registries import serve_wheels
from harness.tests.sessions.checkouts import Checkout, pack_odd_wheel
from harness.verdict.keys import write_pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = """\
artifacts = [{ kind = "wheel", name = "odd" }]
max-age = "1h"

[[trusted-keys]]
file = "release.key.pub"
"""
IDENTITY = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}

ANYBODY = {"TWINE_USERNAME": "anybody", "TWINE_PASSWORD": "anything"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A project whose wheel was smoked and signed, in a repository of its own, and its registry."""

    directory: Path
    wheel: Path
    smoke: Path
    registry: str
    published: Path

    def release(self) -> subprocess.CompletedProcess[str]:
        """Run the script of the README."""
        return subprocess.run(
            ["bash", "release.sh", "1.0", "dist/odd-1.0-py3-none-any.whl"],
            cwd=self.directory,
            env=surroundings(KTX_SMOKE=self.smoke, TWINE_REPOSITORY_URL=self.registry, **ANYBODY),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    @property
    def tags(self) -> list[str]:
        """What is tagged."""
        return git(self.directory, "tag").split()


def git(directory: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=directory, env=surroundings(**IDENTITY), capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a registry that takes everything, and where it puts it."""
    packages = tmp_path / "packages"
    packages.mkdir()
    with serve_wheels(packages) as address:
        yield address, packages


@pytest.fixture
def project(tmp_path: Path, registry: tuple[str, Path]) -> Project:
    """Ready to be released."""
    checkout = Checkout(tmp_path)
    add_machinery(checkout.directory)
    directory = tmp_path / "project"
    (directory / "dist").mkdir(parents=True)
    wheel = pack_odd_wheel(directory / "dist" / "odd-1.0-py3-none-any.whl")
    write_pair(tmp_path / "release.key")
    (tmp_path / "release.key.pub").rename(directory / "release.key.pub")
    run = checkout.run("smoke", "--artifact", wheel, "--sign-key", tmp_path / "release.key")
    assert run.verdict == "passed", run.output
    (directory / "release-policy.toml").write_text(POLICY)
    (directory / "release.sh").write_text(block_of_readme("bash", "#!/usr/bin/env bash\n# release.sh"))
    git(directory, "init", "--quiet")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    address, packages = registry
    return Project(directory=directory, wheel=wheel, smoke=checkout.directory, registry=address, published=packages)


def test_gate_then_tag_then_upload(project: Project) -> None:
    done = project.release()

    assert done.returncode == 0, done.stdout + done.stderr
    assert "gate: open, 1 file may be released" in done.stderr
    assert project.tags == ["v1.0"]
    (uploaded,) = [path for path in project.published.iterdir() if path.is_file()]
    assert (uploaded.name, uploaded.read_bytes()) == (project.wheel.name, project.wheel.read_bytes())


def test_a_closed_gate_leaves_no_tag_and_nothing_uploaded(project: Project) -> None:
    with project.wheel.open("ab") as stream:
        stream.write(b"\0")

    done = project.release()

    assert done.returncode == 1
    assert "statement 1 is on other bytes" in done.stderr
    assert project.tags == []
    assert [path for path in project.published.iterdir() if path.is_file()] == []
