"""What the installed command does before there is any runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.fixtures import demand

if TYPE_CHECKING:
    from harness.options import Settings
    from harness.preparation import Preparation
    from smoke.product import Ktx


@pytest.mark.required
def test_installs(request: pytest.FixtureRequest, preparation: Preparation) -> None:
    """The artifact installs into a new environment, with its dependencies and its command."""
    demand(request, preparation, "installs")


@pytest.mark.required
def test_starts(request: pytest.FixtureRequest, preparation: Preparation) -> None:
    """The installed command starts and says its version."""
    demand(request, preparation, "starts")


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("version")
def test_version_is_that_of_the_artifact(ktx: Ktx) -> None:
    """`--version` prints the artifact's name and version, and nothing else."""
    result = ktx.run("version")

    said = ktx.message("version").fullmatch(result.stdout.strip())
    assert said is not None, f"'{result.stdout.strip()}' is not a name and a version"
    assert said["version"] == ktx.version
    assert said["name"] in ktx.contract.distributions
    assert result.stderr == ""


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.opt_in("--expect-version")
@pytest.mark.needs("version")
def test_version_is_the_expected_one(ktx: Ktx, settings: Settings) -> None:
    """The artifact and `--version` say the version that `--expect-version` gives."""
    result = ktx.run("version")

    said = ktx.message("version").fullmatch(result.stdout.strip())
    expected = settings.expect_version
    assert ktx.version == expected, f"the artifact is of version '{ktx.version}', expected was '{expected}'"
    assert said is not None, f"'{result.stdout.strip()}' is not a name and a version"
    assert said["version"] == expected, f"the command says '{said['version']}', expected was '{expected}'"


@pytest.mark.required
@pytest.mark.every_invocation
@pytest.mark.needs("version", "python_module")
def test_decoy_is_not_imported(ktx: Ktx) -> None:
    """A package of the same name in the working directory is never imported."""
    decoy = ktx.sandbox.working / ktx.contract.features["python_module"]
    decoy.mkdir()
    for module in ("__init__.py", "__main__.py"):
        (decoy / module).write_text("raise SystemExit('the decoy was imported')\n", encoding="utf-8")

    assert ktx.version in ktx.run("version").stdout


@pytest.mark.required
@pytest.mark.needs("runtime")
def test_runtime_alone_explains_itself(ktx: Ktx) -> None:
    """`runtime` without a subcommand fails with the usage on stderr, and does nothing."""
    result = ktx.fail("runtime", says="usage")

    assert result.exit_code in {1, 2}
    assert not result.changes


@pytest.mark.required
@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=pytest.mark.needs(name)) for name in ("status", "install", "doctor")]
)
def test_unknown_option_explains_itself(ktx: Ktx, command: str) -> None:
    """An option that a command does not know is named on stderr with the usage, and nothing is done."""
    result = ktx.fail(command, "--no-such-option", says="usage")

    assert "--no-such-option" in result.stderr
    assert result.exit_code in {1, 2}
    assert not result.changes


@pytest.mark.required
@pytest.mark.needs("install")
def test_unknown_feature_explains_itself(ktx: Ktx) -> None:
    """A feature that does not exist is named on stderr with the usage, and nothing is installed."""
    result = ktx.fail("install", "--yes", "--feature", "no-such-feature", says="usage")

    assert "no-such-feature" in result.stderr
    assert not result.changes
