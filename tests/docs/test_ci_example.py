"""examples/ci asks for what there is: commands, stacks and regions; and no job may do more than it needs.

GitHub does not run it here. What permissions, environments and concurrency do is taken from its documentation:
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax.
"""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.topology import load, names
from tests.docs.test_documentation import ROOT
from tests.docs.test_operate_runbooks import accepted

FOLDER = ROOT / "examples" / "ci" / ".github"
FILES = sorted(FOLDER.rglob("*.yml"))
TOPOLOGY = load(ROOT / "stacks" / "topology.prod.yaml")
STACKS = [names.stack("prod", scope) for scope in names.scopes(TOPOLOGY)]


def workflow(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))


def trigger(name: str) -> Any:
    return workflow(name)[True]  # YAML 1.1 reads `on` as a boolean, and so does PyYAML


def jobs(name: str) -> dict[str, dict[str, Any]]:
    return workflow(name)["jobs"]


def steps_of(path: Path) -> list[dict[str, Any]]:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "runs" in data:
        return data["runs"]["steps"]
    return [step for job in data["jobs"].values() for step in job["steps"]]


def runs(job: dict[str, Any]) -> list[str]:
    """The job's commands, line by line, for each stack of its matrix."""
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    stacks = job.get("strategy", {}).get("matrix", {}).get("stack", [""])
    return [line.replace('"$STACK"', stack) for stack in stacks for line in lines]


def commands(program: str) -> list[str]:
    return [
        line
        for name in ("preview", "deploy", "handover")
        for job in jobs(name).values()
        for line in runs(job)
        if line.startswith(f"{program} ")
    ]


def test_there_are_three_workflows_and_two_actions() -> None:
    assert [path.relative_to(FOLDER).as_posix() for path in FILES] == [
        *("actions/install/action.yml", "actions/sign-in/action.yml"),
        *("workflows/deploy.yml", "workflows/handover.yml", "workflows/preview.yml"),
    ]


def test_every_command_of_hakit_is_one() -> None:
    lines = commands("hakit")
    assert {line.split()[1] for line in lines} == {
        *("preview", "status", "runbook", "switchover", "failover", "failback"),
    }
    for line in lines:
        words = shlex.split(line.partition(" >>")[0])[1:]
        typed = {"$OPERATION": "switchover", "$TO": "us-west-2", "$ACCEPT_DATA_LOSS": "30s"}
        accepted([typed.get(word, word) for word in words])


def test_a_handover_by_ci_asks_nobody_and_a_failover_says_what_may_be_lost() -> None:
    for line in runs(jobs("handover")["run"]):
        if line.startswith("hakit"):
            assert line.endswith("--yes")
            assert ("--accept-data-loss" in line) == ("failover" in line)


def test_every_choice_of_a_handover_has_exactly_one_step() -> None:
    inputs = trigger("handover")["workflow_dispatch"]["inputs"]
    assert inputs["to"]["options"] == list(TOPOLOGY.regions)
    found = {
        step["if"]: step["run"].split()[:2]
        for step in jobs("handover")["run"]["steps"]
        if "hakit" in step.get("run", "")
    }
    assert found == {
        f"inputs.operation == '{kind}'": ["hakit", kind] for kind in ("switchover", "failover", "failback")
    }
    assert inputs["operation"]["options"] == ["switchover", "failover", "failback"]


def test_every_stack_is_previewed_and_deployed_in_the_order_of_a_first_deployment() -> None:
    lines = [line for job in jobs("preview").values() for line in runs(job) if line.startswith("pulumi")]
    assert lines == [f"pulumi preview --stack {stack} --diff --non-interactive" for stack in STACKS]
    deploy = jobs("deploy")
    assert {name: job.get("needs") for name, job in deploy.items()} == {
        "shared": None,
        "regions": "shared",
        "traffic": "regions",
    }
    done = [line.split()[3] for job in deploy.values() for line in runs(job) if line.startswith("pulumi up --stack ")]
    assert sorted(done) == sorted(STACKS)
    assert (done[0], done[-1]) == (STACKS[0], STACKS[-1])
    assert deploy["regions"]["strategy"]["max-parallel"] == 1, "never two regions at once"
    assert deploy["regions"]["strategy"]["fail-fast"] is True, "not the second one when the first failed"


def test_only_what_pushes_may_write_and_only_what_signs_in_has_an_identity() -> None:
    granted = {
        (name, job): {**workflow(name)["permissions"], **content.get("permissions", {})}
        for name in ("preview", "deploy", "handover")
        for job, content in jobs(name).items()
    }
    read, signed = {"contents": "read"}, {"contents": "read", "id-token": "write"}
    assert granted == {
        ("preview", "hakit"): read,
        ("preview", "pulumi"): signed,
        ("deploy", "shared"): signed,
        ("deploy", "regions"): signed,
        ("deploy", "traffic"): signed,
        ("handover", "runbook"): read,
        ("handover", "run"): {"contents": "write", "id-token": "write"},
    }
    for (name, job), rights in granted.items():
        uses = [step.get("uses", "") for step in jobs(name)[job]["steps"]]
        assert ("./.github/actions/sign-in" in uses) == ("id-token" in rights) == ("environment" in jobs(name)[job])


def test_a_handover_waits_for_a_reviewer_who_could_read_its_runbook() -> None:
    run = jobs("handover")["run"]
    assert (run["needs"], run["environment"]) == ("runbook", "handover")
    assert "environment" not in jobs("handover")["runbook"]


def test_a_pull_request_of_a_fork_gets_no_credentials() -> None:
    assert trigger("preview") == {"pull_request": None}, "pull_request_target would run a fork's program with secrets"
    condition = jobs("preview")["pulumi"]["if"]
    assert condition == "github.event.pull_request.head.repo.full_name == github.repository"
    assert "secrets" not in str(jobs("preview")["hakit"])


def test_a_deployment_takes_the_branch_and_one_runs_at_a_time() -> None:
    for name in ("deploy", "handover"):
        assert workflow(name)["concurrency"] == {"group": name, "cancel-in-progress": False}
        for job in jobs(name).values():
            assert job["steps"][0]["with"]["ref"] == "${{ github.ref_name }}", "docs/handovers-in-git.md says why"
    assert jobs("handover")["run"]["steps"][0]["with"]["fetch-depth"] == 0, "hakit compares the branch with its remote"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name if path.name != "action.yml" else path.parent.name)
def test_every_action_is_pinned_and_no_script_has_what_a_person_typed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for line in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"\./\.github/actions/[a-z-]+|[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    for step in steps_of(path):
        assert "${{" not in step.get("run", ""), "what is put into a script is run: take it from `env`"
        if step.get("uses", "").startswith("./"):
            assert (FOLDER.parent / step["uses"] / "action.yml").is_file()


def test_the_page_names_every_workflow_and_what_it_needs() -> None:
    page = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    needed = {*re.findall(r"(?:vars|secrets)\.(\w+)", text), *re.findall(r"environment: (\w+)", text)}
    assert needed == {"AWS_ROLE", "PULUMI_BACKEND_URL", "CLOUDFLARE_API_TOKEN", "preview", "production", "handover"}
    assert [word for word in needed if f"`{word}`" not in page] == []
    for link in re.findall(r"\]\(([^)]+)\)", page):
        assert (FOLDER.parent / link).exists(), link
