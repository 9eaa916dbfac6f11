"""What pods and workloads ask for, worked out by hand from Kubernetes' documentation, and file names."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hakit import HakitError
from hakit.charts.requests import pod_request
from hakit.preview.document import ReportDocument, ResourceDocument, failed
from hakit.preview.manifests import check_folder, stack_files, write_manifests
from hakit.preview.objects import find_objects
from hakit.preview.table import totals_table
from hakit.preview.totals import Total, stack_totals, totals_document
from hakit.preview.tree import short_type


def container(cpu: str | None, **more: Any) -> dict[str, Any]:
    return {"name": "c", "resources": {} if cpu is None else {"requests": {"cpu": cpu}}, **more}


def resource(kind: str, name: str, version: str = "apps/v1", provider: str = "", **manifest: Any) -> ResourceDocument:
    metadata = {"name": name, "namespace": "shop"}
    return {
        "urn": f"urn::{version}:{kind}::{name}::{provider}",
        "type": f"kubernetes:{version}:{kind}",
        "name": name,
        "parent": "",
        "provider": provider,
        "custom": True,
        "remote": False,
        "read": False,
        "protect": False,
        "retain_on_delete": False,
        "depends_on": [],
        "inputs": {"apiVersion": version, "kind": kind, "metadata": metadata, **manifest},
        "outputs": None,
        "objects": [],
    }


def total(*resources: ResourceDocument) -> dict[str, Any]:
    find_objects(resources)
    (document,) = totals_document(stack_totals(resources))
    return dict(document)


def test_containers_add_up():
    assert pod_request({"containers": [container("1"), container("500m"), container(None)]}, "cpu", "x") == Decimal(
        "1.5"
    )


def test_the_largest_init_container_counts_when_it_needs_more():
    pod = {"containers": [container("1")], "initContainers": [container("2"), container("1500m")]}
    assert pod_request(pod, "cpu", "x") == 2


def test_a_sidecar_counts_beside_containers_and_beside_later_init_containers():
    # https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    sidecar = container("500m", restartPolicy="Always")
    assert pod_request({"containers": [container("1")], "initContainers": [sidecar]}, "cpu", "x") == Decimal("1.5")
    pod = {"containers": [container("1")], "initContainers": [sidecar, container("2")]}
    assert pod_request(pod, "cpu", "x") == Decimal("2.5")
    before = {"containers": [container("1")], "initContainers": [container("2"), sidecar]}
    assert pod_request(before, "cpu", "x") == 2, "what starts before the sidecar runs without it"


def test_a_limit_alone_is_a_request_and_overhead_comes_on_top():
    pod = {"containers": [{"name": "c", "resources": {"limits": {"cpu": "2"}}}], "overhead": {"cpu": "250m"}}
    assert pod_request(pod, "cpu", "x") == Decimal("2.25")


def test_jobs_and_standalone_claims_have_their_own_figures():
    job = resource(
        "Job", "migrate", "batch/v1", spec={"parallelism": 2, "template": {"spec": {"containers": [container("1")]}}}
    )
    claim = resource("PersistentVolumeClaim", "data", "v1", spec={"resources": {"requests": {"storage": "5Gi"}}})
    document = total(job, claim)
    assert (document["cpu"], document["jobs_cpu"], document["storage"], document["pods"]) == ("0", "2", "5Gi", 0)


def test_zero_replicas_ask_for_nothing():
    idle = resource("Deployment", "web", spec={"replicas": 0, "template": {"spec": {"containers": [container("1")]}}})
    find_objects([idle])
    assert stack_totals([idle]) == {}


def test_what_is_unknown_or_nonsense_is_named_not_dropped():
    pods = {"template": {"spec": {"containers": [container("1")]}}}
    unknown = resource("Deployment", "web", spec={"replicas": "[unknown]", **pods})
    nonsense = resource("Deployment", "api", spec={"template": {"spec": {"containers": [container("1 core")]}}})
    whole = resource("StatefulSet", "db", spec="[unknown]")
    assert total(unknown, nonsense, whole)["unknown"] == [
        "Deployment/api: '1 core' is not a Kubernetes quantity",
        "Deployment/web: [unknown] replicas",
        "StatefulSet/db: [unknown] replicas",
    ]


def test_a_patch_of_somebody_elses_object_is_not_counted():
    patch = resource("Deployment", "web", spec={"template": {"spec": {"containers": [container("1")]}}})
    patch["type"] += "Patch"
    find_objects([patch])
    assert patch["objects"] == []


def test_objects_that_would_share_a_file_get_their_group_or_provider():
    same = [resource("Cluster", "db", "postgresql.cnpg.io/v1"), resource("Cluster", "db", "clusters.example.org/v1")]
    twice = [resource("ConfigMap", "a", "v1", "use1"), resource("ConfigMap", "a", "v1", "usw2")]
    odd = [resource("ConfigMap", "../../etc/passwd", "v1")]
    find_objects([*same, *twice, *odd])
    stack = {**failed("dev", "", ""), "resources": [*same, *twice, *odd]}
    assert sorted(stack_files(stack)) == [
        "dev/shop/Cluster-db.clusters.example.org.yaml",
        "dev/shop/Cluster-db.postgresql.cnpg.io.yaml",
        "dev/shop/ConfigMap-_._.._etc_passwd.yaml",
        "dev/shop/ConfigMap-a.a.use1.yaml",
        "dev/shop/ConfigMap-a.a.usw2.yaml",
    ]


def test_a_folder_of_ours_loses_what_is_gone_and_is_refused_once_somebody_adds_to_it(tmp_path: Path):
    out = tmp_path / "out"
    one = resource("ConfigMap", "a", "v1")
    find_objects([one])
    write_manifests([{**failed("dev", "", ""), "resources": [one]}], out)
    write_manifests([{**failed("prod", "", ""), "resources": [one]}], out)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.yaml")) == ["prod/shop/ConfigMap-a.yaml"]
    (out / "prod" / "mine.txt").write_text("keep")
    with pytest.raises(HakitError, match=r"prod/mine\.txt for one"):
        check_folder(out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("token", "short"),
    [
        ("aws:s3/bucketV2:BucketV2", "aws:s3:BucketV2"),
        ("kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:Deployment"),
        ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v3:Release"),
        ("hakit:index:ZonalApp", "hakit:ZonalApp"),
        ("pulumi:providers:aws", "pulumi:providers:aws"),
        ("random:index/randomId:RandomId", "random:RandomId"),
    ],
)
def test_types_are_shown_as_pulumi_shows_them(token: str, short: str):
    assert short_type(token) == short


# --- what a failover needs on top -----------------------------------------------------------------------------------


def standby(app: str, **more: Any) -> ReportDocument:
    """The report of an application in a standby: four more pods of half a core and 512Mi."""
    failover = {"pods": 4, "cpu": "2", "memory": "2Gi"}
    return {
        "app": app,
        "region": "us-west-2",
        "role": "standby",
        "summary": "",
        "open": [],
        "accepted": [],
        "mended": [],
        "failover": failover,
        "reserved": [],
        **more,
    }  # ty: ignore


def test_what_each_application_needs_for_a_failover_adds_up():
    (document,) = totals_document(stack_totals([], [standby("web"), standby("api")]))
    assert (document["failover_pods"], document["failover_cpu"], document["failover_memory"]) == (8, "4", "4Gi")
    assert totals_table([document])[-1] == "us-west-2 needs room for 8 more pods to become active: 4 cpu, 4Gi memory"


@pytest.mark.parametrize(
    ("reserved", "line"),
    [
        (["4", "4Gi"], "us-west-2 has 4 cpu and 4Gi memory reserved, enough for 4 and 4Gi"),
        (["3500m", "8Gi"], "us-west-2 has 3.5 cpu and 8Gi memory reserved, too little for 4 and 4Gi"),
        (["8", "3Gi"], "us-west-2 has 8 cpu and 3Gi memory reserved, too little for 4 and 4Gi"),
    ],
)
def test_what_a_region_has_counts_once_and_is_compared_with_the_sum(reserved: list[str], line: str):
    reports = [standby("web", reserved=reserved), standby("api", reserved=reserved)]
    assert totals_table(totals_document(stack_totals([], reports)))[-1] == line


def test_what_runs_already_counts_beside_what_is_needed_on_top():
    running = totals_document(
        {("us-west-2", "standby"): Total(pods=2, cpu=Decimal(1), reserved_cpu=Decimal(1), reserved_memory=Decimal(1))}
    )
    assert totals_table(running)[-1].endswith("reserved, enough for 1 and 0")


def test_an_active_region_needs_nothing_on_top():
    report = standby("web", role="active", failover={})
    assert totals_document(stack_totals([], [report])) == []
