"""What the stacks want of a region: of the reference system, by its preview, and of programs that are not as tidy."""

from pathlib import Path

import pytest

from hakit.preflight.wanted import Wanted, wanted_of
from hakit.preview import PreviewDocument, preview
from hakit.preview.document import StackDocument
from hakit.preview.totals import total_of
from hakit.topology import Topology, load
from tests.unit.preflight.given import GIB, amount

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def document() -> PreviewDocument:
    found = preview(ROOT, ["prod-us-east-1", "prod-us-west-2"])
    assert [each["error"] for each in found["stacks"]] == [None, None]
    return found


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load(ROOT / "stacks" / "topology.prod.yaml")


def of(document: PreviewDocument, topology: Topology, name: str) -> Wanted:
    others = [region for other, region in topology.regions.items() if other != name]
    return wanted_of(document["stacks"], topology.region(name), others)


def test_room_is_what_the_preview_counts_and_what_a_failover_would_bring(
    document: PreviewDocument, topology: Topology
) -> None:
    # 6 of 0.25 and 256Mi, 4 of 0.2 and 256Mi, 3 of 0.5 and 512Mi, 3 of 1 and 2Gi; in the standby 2, 2, 0, 3
    east, west = (of(document, topology, name) for name in ("us-east-1", "us-west-2"))
    assert east.asked == amount(16, "6.8", 10)
    assert west.asked == amount(7, "3.9", 7)
    assert east.after_failover == amount(0, "0", 0), "it is the active side"
    assert west.after_failover == amount(9, "2.9", 3)


def test_pods_are_known_by_what_keeps_them_and_by_whether_they_can_move(
    document: PreviewDocument, topology: Topology
) -> None:
    active = [
        ("Deployment/storefront", 6, 1, False),
        ("Deployment/warehouse-api", 4, 1, False),
        ("Deployment/warehouse-worker", 3, 1, False),
        ("Cluster/orders-g1", 3, 0, True),
    ]
    east, west = (of(document, topology, name) for name in ("us-east-1", "us-west-2"))
    assert [(each.title, each.pods, each.surge, each.zonal) for each in east.workloads] == active
    assert sorted((each.title, each.pods, each.surge, each.zonal) for each in west.then) == sorted(active)


def test_kinds_namespaces_classes_and_plugins(document: PreviewDocument, topology: Topology) -> None:
    east = of(document, topology, "us-east-1")
    own = {(each.kind, each.by) for each in east.objects if "." in each.api_version.partition("/")[0]}
    assert {("Cluster", "pulumi"), ("ObjectStore", "pulumi"), ("PodMonitor", "pulumi")} <= own
    assert ("Deployment", "helm") in {(each.kind, each.by) for each in east.objects}
    assert east.namespaces == {"shop", "hakit-system"}
    assert east.levels == {"shop": "baseline", "hakit-system": "restricted"}
    assert east.claims == {("gp3", "Cluster/orders-g1")}
    assert east.features == {"barman-cloud.cloudnative-pg.io"}
    assert [name for kind, name in east.guard if kind == "ValidatingAdmissionPolicyBinding"] == [
        "hakit-created.shop",
        "hakit-epoch.shop",
        "hakit-records",
    ]


def test_a_region_that_no_stack_deploys_to_is_asked_for_nothing(document: PreviewDocument, topology: Topology) -> None:
    alone: list[StackDocument] = [each for each in document["stacks"] if each["stack"] == "prod-us-east-1"]
    west = wanted_of(alone, topology.region("us-west-2"), [topology.region("us-east-1")])
    assert (west.objects, west.asked, west.after_failover) == (frozenset(), amount(0, "0", 0), amount(0, "0", 0))


PROGRAM = """\
import pulumi, pulumi_kubernetes as k8s
east = pulumi.ResourceOptions(provider=k8s.Provider("one", context="there"))
west = pulumi.ResourceOptions(provider=k8s.Provider("two", context="elsewhere"))
pod = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [
    {"name": "x", "image": "x", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]}}
spec = {"selector": {"match_labels": {"app": "x"}}, "template": pod}
claim = {"metadata": {"name": "data"}, "spec": {"access_modes": ["ReadWriteOnce"]}}
zonal = {**claim, "spec": {**claim["spec"], "resources": {"requests": {"storage": "1Gi"}}}}
shared = {**zonal, "spec": {**zonal["spec"], "storage_class_name": "share"}}
k8s.apps.v1.DaemonSet("agent", metadata={"name": "agent", "namespace": "node"}, spec=spec, opts=east)
k8s.apps.v1.StatefulSet("queue", metadata={"name": "queue"}, spec={
    **spec, "service_name": "queue", "replicas": 3, "volume_claim_templates": [zonal]}, opts=east)
k8s.apps.v1.StatefulSet("files", metadata={"name": "files"}, spec={
    **spec, "service_name": "files", "replicas": 2, "volume_claim_templates": [shared]}, opts=east)
k8s.apps.v1.Deployment("other", metadata={"name": "other"}, spec={**spec, "replicas": 9}, opts=west)
k8s.apiextensions.CustomResource("thing", api_version="example.com/v1", kind="Thing", metadata={"name": "t"}, opts=east)
k8s.apiextensions.v1.CustomResourceDefinition("things", metadata={"name": "things.example.com"}, spec={
    "group": "example.com", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"}, "versions": []},
    opts=east)
"""


def test_a_mariadb_counts_as_its_pods_and_volumes_do() -> None:
    stacks = preview(ROOT / "examples" / "data-stores")["stacks"]
    east = wanted_of(stacks, load(ROOT / "examples" / "data-stores" / "topology.yaml").region("us-east-1"))
    (database,) = [each for each in east.workloads if each.kind == "MariaDB"]
    assert (database.pods, database.zonal) == (3, True)
    assert ("gp3", database.title) in east.claims
    (stack,) = [each for each in stacks if each["stack"] == "prod-us-east-1"]
    (one,) = [one for each in stack["resources"] for one in each["objects"] if one["kind"] == "MariaDB"]
    assert total_of(one).storage == 3 * 20 * GIB


def test_a_program_for_two_clusters_is_told_apart_by_their_contexts(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: any\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    stacks = preview(tmp_path)["stacks"]
    assert [stack["error"] for stack in stacks] == [None]
    from tests.unit.preflight.given import region

    want = wanted_of(stacks, region())
    assert {(each.title, each.pods, each.zonal, each.per_node) for each in want.workloads} == {
        ("DaemonSet/agent", 0, False, True),
        ("StatefulSet/queue", 3, True, False),
        ("StatefulSet/files", 2, False, False),
    }
    assert want.asked == amount(5, "2.5", 5), "the daemon comes off every node instead"
    assert want.claims == {("", "StatefulSet/queue"), ("share", "StatefulSet/files")}
    assert want.brought == {("example.com", "Thing")}
    there = wanted_of(stacks, region(cluster={"context": "elsewhere"}))
    assert [each.title for each in there.workloads] == ["Deployment/other"]
