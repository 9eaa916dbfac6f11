"""The command without clusters: which topology, how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOPOLOGY = """\
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  east: {zones: [a, b], kubernetes: "1.34", cluster: {context: e, pod_identity: true}, storage: {zonal: disk}}
  west: {zones: [a, b], kubernetes: "1.34", cluster: {context: w, pod_identity: true}, storage: {zonal: disk}}
pairs:
  shop:
    mode: active-passive
    founded: east
    databases: [orders]
    objectives: {rto: 5m, rpo: 30s}
    handovers: []
"""
#: One region whose context does not exist, and one whose server says nothing at all.
KUBECTL = """\
#!/bin/sh
case "$*" in *--context=e*) echo 'error: context does not exist' >&2; exit 1;; esac
exec sleep 600
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: any\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("raise ValueError('no program runs')\n")
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    return tmp_path


def run(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hakit.cli", "status", *arguments],
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "HAKIT_KUBECTL": str(project / "kubectl"), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_dead_regions_are_told_within_the_seconds_that_are_given(project: Path) -> None:
    """The second one's kubectl would go on for ten minutes; `run` waits for two."""
    done = run(project, "--seconds", "2")
    assert done.returncode == 1, done.stderr
    assert done.stdout == (
        "east  e · no answer: context does not exist\n"
        "west  w · no answer: no answer within 2 s\n"
        "room for a failover: not asked (--room)\n"
        "\n"
        "shop  active-passive, active in east · RTO 5m, RPO 30s\n"
        "  orders, epoch 0\n"
        "    region  copy  role                       epoch  ready  behind    archived  backup  proven  certificate\n"
        "    east    -     unknown, declared primary  ?      ?      ?                           ?\n"
        "    west    -     unknown, declared replica  ?      ?      ?                           ?\n"
        "\n"
        "HK100 error   region east: it does not answer\n"
        "      context e · context does not exist\n"
        "      mend the context or the way to the cluster; of a region that is lost, see docs/interrupted.md\n"
        "HK100 error   region west: it does not answer\n"
        "      context w · no answer within 2 s\n"
        "      mend the context or the way to the cluster; of a region that is lost, see docs/interrupted.md\n"
        "\n"
        "0 of 2 regions answered, 2 errors, 0 warnings\n"
    )


def test_as_json_for_whatever_watches(project: Path) -> None:
    done = run(project, "topology.yaml", "--format", "json", "--seconds", "1")
    document = json.loads(done.stdout)
    assert (done.returncode, document["version"]) == (1, 1)
    assert [each["problem"] for each in document["regions"]] == ["context does not exist", "no answer within 1 s"]
    assert document["pairs"][0]["databases"][0]["copies"][0]["role"] == "unknown"


def test_what_cannot_be_asked_at_all_ends_with_2(project: Path) -> None:
    (project / "kubectl").unlink()
    done = run(project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no kubectl" in done.stderr
    assert run(project, "nothing.yaml").returncode == 2


def test_a_program_that_fails_costs_the_room_for_a_failover_and_nothing_else(project: Path) -> None:
    (project / "Pulumi.prod-east.yaml").write_text("")
    (project / "__main__.py").write_text("raise ValueError('broken')\n")
    done = run(project, "--seconds", "1", "--room")
    assert done.returncode == 1, done.stderr
    for region in ("east", "west"):
        assert f"room for a failover to {region}: not known: what stack prod-east wants is not known" in done.stdout
    assert "2 errors, 0 warnings" in done.stdout, "each is told of its region that does not answer, as without it"


def test_without_a_stack_of_its_regions_nobody_knows_what_is_needed(project: Path) -> None:
    done = run(project, "--seconds", "1", "--room", "--format", "json")
    (east, _) = json.loads(done.stdout)["regions"]
    assert east["failover"]["needed"] is None
    assert "no stack deploys a region of this topology" in east["failover"]["problem"]


def test_a_region_that_is_dead_has_no_known_room(project: Path) -> None:
    for name in ("prod-east", "prod-west"):
        (project / f"Pulumi.{name}.yaml").write_text("")
    (project / "__main__.py").write_text("")
    done = run(project, "--seconds", "1", "--room")
    assert "room for a failover to east: not known: context does not exist\n" in done.stdout, done.stderr
    assert "room for a failover to west: not known: no answer within 1 s\n" in done.stdout


def test_watching_and_asking_for_room_are_not_done_together(project: Path) -> None:
    done = run(project, "--watch", "--room")
    assert (done.returncode, done.stdout) == (2, "")
    assert "one of the two" in done.stderr
