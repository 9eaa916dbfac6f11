"""The command without clusters: which topology, which stacks, what is accepted, how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hakit.preflight.run import PreflightDocument, exit_code
from hakit.preflight.text import preflight_text
from hakit.preview.project import find_topology

TOPOLOGY = """\
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  east: {zones: [a, b], kubernetes: "1.34", cluster: {context: e}, storage: {zonal: disk}}
  west: {zones: [a, b], kubernetes: "1.34", cluster: {context: w}, storage: {zonal: disk}}
"""
# What kubectl says of a context that it does not have; nothing is asked of any cluster here.
KUBECTL = """\
#!/bin/sh
echo 'error: context does not exist' >&2
exit 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: any\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("")
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    for stack in ("prod-east", "prod-west", "other"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text("")
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    return tmp_path


def run(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hakit.cli", "preflight", *arguments],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "HAKIT_KUBECTL": str(project / "kubectl")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_regions_that_do_not_answer_are_findings_and_exit_code_1(project: Path) -> None:
    done = run(project, "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert "other" not in done.stderr, "only the stacks of the topology's regions run"
    assert document["version"] == 1
    assert document["topology"].endswith("topology.yaml")
    assert [(each["region"], each["context"], each["kubernetes"], each["room"]) for each in document["regions"]] == [
        ("east", "e", "", None),
        ("west", "w", "", None),
    ]
    (finding,) = document["regions"][0]["findings"]
    assert (finding["code"], finding["detail"]) == ("HK100", "context does not exist")


def test_an_accepted_finding_is_shown_with_its_reason_and_fails_nothing(project: Path) -> None:
    done = run(project, "topology.yaml", "--region", "west", "--accept", "HK100=it is being rebuilt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == (
        "west  w\n"
        "  accepted: HK100 error   region west: it does not answer\n"
        "        because: it is being rebuilt\n"
        "\n"
        "1 region, 0 errors, 0 warnings, 1 accepted\n"
    )


def test_what_is_accepted_in_one_region_is_not_unused_in_another_and_what_nobody_raises_is(project: Path) -> None:
    done = run(project, "--format", "json", "--accept", "HK100 region east=gone", "--accept", "HK112=reserved")
    codes = [[each["code"] for each in region["findings"]] for region in json.loads(done.stdout)["regions"]]
    assert codes == [["HK033"], ["HK033", "HK100"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--region", "north"), "unknown region"),
        (("--stack", "prod-north"), "no stack is called 'prod-north'"),
        (("nowhere/topology.yaml",), "no such folder"),
        (("topology.prod.yaml",), "topology.prod.yaml"),
        (("--accept", "HK100"), "no reason"),
    ],
)
def test_what_is_wrong_with_the_question_is_said_and_exit_code_2(
    project: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run(project, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_without_kubectl_nothing_can_be_asked(project: Path) -> None:
    (project / "kubectl").unlink()
    done = run(project)
    assert done.returncode == 2
    assert "there is no kubectl" in done.stderr


def test_a_program_that_does_not_run_leaves_it_unknown_what_is_wanted(project: Path) -> None:
    (project / "__main__.py").write_text("raise ValueError('broken here')")
    done = run(project)
    assert done.returncode == 2
    assert "what stack prod-east wants is not known" in done.stderr
    assert "broken here" in done.stderr


def test_of_several_topologies_one_has_to_be_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert find_topology(None)[1].name == "topology.yaml"
    (project / "topology.dev.yaml").write_text(TOPOLOGY)
    done = run(project)
    assert done.returncode == 2
    assert "several topologies" in done.stderr
    assert run(project, "topology.yaml").returncode == 1, "both regions do not answer"


def test_a_topology_whose_regions_no_stack_deploys_has_to_have_them_named(project: Path) -> None:
    for name in ("prod-east", "prod-west"):
        (project / f"Pulumi.{name}.yaml").unlink()
    done = run(project)
    assert done.returncode == 2
    assert "prod-east" in done.stderr
    assert "--stack" in done.stderr
    assert run(project, "--stack", "other").returncode == 1


def test_warnings_fail_only_when_they_are_to() -> None:
    warning = {"code": "HK119", "severity": "warning", "object": "host x", "path": "", "message": "2 days left"}
    finding = {**warning, "where": "", "detail": "", "mend": "renew it"}
    document: PreflightDocument = {
        "version": 1,
        "topology": "t",
        "regions": [],
        "hosts": {"hosts": ["x"], "findings": [finding], "accepted": []},
    }
    assert (exit_code(document), exit_code(document, strict=True)) == (0, 1)
    assert preflight_text(document) == (
        "hosts  x\n  HK119 warning host x: 2 days left\n        renew it\n\n0 regions, 0 errors, 1 warning\n"
    )
