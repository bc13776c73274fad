"""Self-tests of the action: its only step, run as a runner would, and what a linter of workflows says."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.tests.gate.releases import add_machinery, block_of_readme, surroundings
from harness.tests.registries import serve_wheels
from harness.tests.sessions.checkouts import CONTRACT, REPOSITORY, Checkout, pack_odd_wheel

ACTION = REPOSITORY / ".github" / "actions" / "smoke" / "action.yml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """How the step ended."""

    exit_code: int
    output: str
    outputs: dict[str, str]


class Workflow:
    """A workspace with a wheel and a contract, and the action in a checkout of its own."""

    def __init__(self, directory: Path) -> None:
        self.checkout = Checkout(directory)
        add_machinery(self.checkout.directory)
        (self.checkout.directory / "smoke" / "contracts" / "odd-1.toml").unlink()
        self.workspace = directory / "workspace"
        (self.workspace / "dist").mkdir(parents=True)
        (self.workspace / "odd.toml").write_text(CONTRACT)
        self.wheel = pack_odd_wheel(self.workspace / "dist" / "odd-1.0-py3-none-any.whl")

    def run(self, **inputs: str) -> Step:
        """Run the step with these inputs as variables; the others are empty, as a runner leaves them."""
        outputs, temporary = self.workspace.with_name("outputs"), self.workspace.with_name("runner")
        temporary.mkdir(exist_ok=True)
        outputs.write_text("")
        action = self.checkout.directory / ".github" / "actions" / "smoke"
        (script,) = re.findall(r"(?m)^      run: (.+)$", ACTION.read_text())
        variables = dict.fromkeys(re.findall(r"(?m)^        ([A-Z]+): \$\{\{ inputs\.", ACTION.read_text()), "")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.workspace,
            env=surroundings(
                **(variables | {"STRICT": "false"} | inputs),
                GITHUB_ACTION_PATH=action,
                GITHUB_WORKSPACE=self.workspace,
                GITHUB_OUTPUT=outputs,
                RUNNER_TEMP=temporary,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        said = dict(line.split("=", maxsplit=1) for line in outputs.read_text().splitlines())
        return Step(exit_code=done.returncode, output=done.stdout, outputs=said)


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """One for all tests, since a runner installs its tools once as well."""
    return Workflow(tmp_path_factory.mktemp("workflow"))


def test_a_published_version_passes(workflow: Workflow) -> None:
    with serve_wheels(workflow.wheel.parent) as address:
        step = workflow.run(ARTIFACT="pypi:odd==1.0", CONTRACT="odd.toml", INDEX=f"{address}simple/", WAIT="1")

    assert step.exit_code == 0, step.output
    assert step.outputs["verdict"] == "passed"
    document = json.loads(Path(step.outputs["evidence"], "verdict.json").read_text())
    assert document["artifact"]["reference"] == "pypi:odd==1.0"


def test_a_good_artifact_passes(workflow: Workflow) -> None:
    step = workflow.run(ARTIFACT="dist/*.whl", CONTRACT="odd.toml")

    assert step.exit_code == 0, step.output
    assert step.outputs["verdict"] == "passed"
    document = json.loads(Path(step.outputs["evidence"], "verdict.json").read_text())
    assert document["artifact"]["file"] == str(workflow.wheel)


def test_a_bad_artifact_fails(workflow: Workflow) -> None:
    bad = workflow.wheel.parent / "bad" / workflow.wheel.name
    bad.parent.mkdir()
    pack_odd_wheel(bad, program="def main():\n    return 1\n")

    step = workflow.run(ARTIFACT="dist/bad/odd-1.0-py3-none-any.whl", CONTRACT="odd.toml")

    assert step.exit_code == 1, step.output
    assert step.outputs["verdict"] == "unusable"


@pytest.mark.parametrize(
    ("inputs", "complaint"),
    [
        ({"ARTIFACT": "dist/*.tar.gz"}, "::error::'dist/*.tar.gz' is 0 files, not one to smoke"),
        ({"ARTIFACT": "dist"}, "::error::'dist' is 1 files, not one to smoke"),
        ({"ARTIFACT": "$(touch hacked)"}, "::error::'$(touch hacked)' is 0 files, not one to smoke"),
        ({"ARTIFACT": "dist/*.whl", "STRICT": "yes"}, "::error::strict is 'true' or 'false', not 'yes'"),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_inputs_that_make_no_sense(workflow: Workflow, inputs: dict[str, str], complaint: str) -> None:
    step = workflow.run(**inputs)

    assert (step.exit_code, step.output) == (4, f"{complaint}\n")
    assert not (workflow.workspace / "hacked").exists()


def test_inputs_reach_the_step_as_variables_only() -> None:
    used = [line for line in ACTION.read_text().splitlines() if "inputs." in line]

    assert len(used) == 6
    assert all(re.fullmatch(r"        [A-Z]+: \$\{\{ inputs\.[a-z]+ \}\}", line) for line in used)


def test_actions_are_pinned_as_in_the_workflow() -> None:
    pins = re.findall(r"uses: (actions/\S+)", (REPOSITORY / ".github" / "workflows" / "smoke.yml").read_text())
    shown = re.findall(r"uses: (actions/\S+)", block_of_readme("yaml", "name: release"))

    assert shown
    assert set(shown) <= set(pins)


def test_the_linter_finds_nothing_in_the_workflow_that_the_readme_shows(tmp_path: Path) -> None:
    (tmp_path / "release.yml").write_text(block_of_readme("yaml", "name: release"))

    done = subprocess.run(
        ["zizmor", "--offline", "--no-progress", "release.yml"],
        cwd=tmp_path,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout
