# ruff: noqa: S105 (a password of a test)
"""PostgresCluster and RegionBase as a program registers them: names, order, protection, secrets, outputs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recording, Secret, record
from tests.unit.topology.example import EXAMPLE, with_handovers

PASSWORD = "pa ss/word"
FAILOVER = "{kind: failover, to: us-west-2, accept_loss: 30s}"
REBUILD = "{kind: rebuild, to: us-east-1, incarnation: 2}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "topology.yaml").write_text(EXAMPLE)
    return tmp_path


def provided(region: str, **more: Any) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", region), **more)


def database(region: str = "us-east-1", options: dict[str, Any] | None = None, **arguments: Any) -> Callable[[], None]:
    def program() -> None:
        args: Any = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": region,
            "namespace": "shop",
            "storage": "50Gi",
            "credentials": {"application": {"password": pulumi.Output.secret(PASSWORD)}},
            **arguments,
        }
        orders = hakit.PostgresCluster("orders", args, provided(region, **(options or {})))
        pulumi.export("host", orders.host)
        pulumi.export("secret", orders.secret)
        pulumi.export("database", orders.database)
        pulumi.export("role", orders.role)
        pulumi.export("epoch", orders.epoch)
        pulumi.export("cluster", orders.cluster)

    return program


def base(region: str = "us-east-1", **arguments: Any) -> Callable[[], None]:
    def program() -> None:
        args: Any = {"topology": "topology.yaml", "scope": region, **arguments}
        hakit.RegionBase("base", args, provided(region))

    return program


def children(recording: Recording) -> list[str]:
    return sorted(each.name for each in recording.resources if each.type.startswith("kubernetes:"))


def test_the_children_are_named_after_what_they_are(project: Path) -> None:
    found = record(database(), root=project)
    assert children(found) == [
        "orders-application",
        "orders-backup-g1",
        "orders-cluster-g1",
        "orders-created",
        "orders-monitor",
        "orders-service",
        "orders-store-us-east-1",
        "orders-store-us-west-2",
    ]


def test_a_rebuild_adds_a_cluster_and_keeps_the_urn_of_the_old_one(project: Path) -> None:
    (project / "topology.yaml").write_text(with_handovers(FAILOVER, REBUILD))
    found = record(database(), root=project)
    assert {"orders-cluster-g1", "orders-cluster-g2", "orders-backup-g2"} <= set(children(found))
    kept = next(each for each in found.resources if each.name == "orders-cluster-g1")
    assert kept.protect, "the last copy of some rows"


def test_cluster_and_stores_are_protected_and_stay(project: Path) -> None:
    found = record(database(), root=project)
    data = [each for each in found.resources if each.type.endswith((":Cluster", ":ObjectStore"))]
    assert len(data) == 3
    assert all(each.protect and each.retain_on_delete for each in data)
    created = next(each for each in found.resources if each.name == "orders-created")
    assert (created.protect, created.retain_on_delete) == (False, True), "the guard's memory outlives the stack"


def test_protection_ends_only_with_a_reason(project: Path) -> None:
    found = record(database(without_protection="a preview environment"), root=project)
    data = [each for each in found.resources if each.type.endswith((":Cluster", ":ObjectStore"))]
    assert not any(each.protect or each.retain_on_delete for each in data)
    for option in ("protect", "retain_on_delete"):
        with pytest.raises(HakitError, match=f"{option}=False: the data would go with the stack"):
            record(database(options={option: False}), root=project)


def test_the_cluster_waits_for_its_login_and_its_stores_and_the_record_for_the_cluster(project: Path) -> None:
    found = record(database(), root=project)
    by_name = {each.name: each for each in found.resources}

    def needs(name: str) -> set[str]:
        return {urn.rpartition("::")[2] for urn in by_name[name].depends_on}

    assert {"orders-application", "orders-store-us-east-1", "orders-store-us-west-2"} <= needs("orders-cluster-g1")
    assert "orders-cluster-g1" in needs("orders-created"), "before, the guard would refuse the Cluster"
    assert "orders-cluster-g1" in needs("orders-backup-g1")


def test_the_password_is_a_secret_in_every_field_that_holds_it(project: Path) -> None:
    found = record(database(), root=project, preview=False)
    secret = found.one("kubernetes:core/v1:Secret")
    texts = secret.inputs["stringData"]
    plain = texts.value if isinstance(texts, Secret) else texts
    reveal = {key: value.value if isinstance(value, Secret) else value for key, value in plain.items()}
    assert reveal == {
        "username": "app",
        "password": PASSWORD,
        "host": "orders-rw.shop.svc",
        "port": "5432",
        "dbname": "orders",
        "uri": "postgresql://app:pa%20ss%2Fword@orders-rw.shop.svc:5432/orders",
    }
    assert isinstance(texts, Secret) or all(isinstance(plain[key], Secret) for key in ("password", "uri"))
    assert secret.inputs["type"] == "kubernetes.io/basic-auth"
    labels = {"cnpg.io/reload": "true"}  # or CloudNativePG would not take up another password
    assert secret.inputs["metadata"] == {"name": "orders-app", "namespace": "shop", "labels": labels}
    for each in found.resources:
        if each is not secret:
            assert PASSWORD not in str(each.inputs), each.name


def test_a_secret_that_exists_is_named_and_none_is_created(project: Path) -> None:
    found = record(database(credentials={"application": {"secret": "login"}}), root=project)
    assert "orders-application" not in children(found)
    start = found.one("Cluster").inputs["spec"]["bootstrap"]["initdb"]
    assert start["secret"] == {"name": "login"}


@pytest.mark.parametrize(
    ("entries", "region", "role", "epoch", "cluster"),
    [
        ([], "us-east-1", "active", 0, "orders-g1"),
        ([], "us-west-2", "standby", 0, "orders-g1"),
        ([FAILOVER], "us-east-1", "standby", 10, "orders-g1"),
        ([FAILOVER], "us-west-2", "active", 10, "orders-g1"),
        ([FAILOVER, REBUILD], "us-east-1", "standby", 20, "orders-g2"),
    ],
)
def test_the_outputs_tell_the_role(  # noqa: PLR0917  a table has its columns
    project: Path, entries: list[str], region: str, role: str, epoch: int, cluster: str
) -> None:
    if entries:
        (project / "topology.yaml").write_text(with_handovers(*entries))
    found = record(database(region), root=project, preview=False)
    assert found.exports == {
        "host": "orders-rw.shop.svc",
        "secret": "orders-app",
        "database": "orders",
        "role": role,
        "epoch": epoch,
        "cluster": cluster,
    }


def test_nothing_is_registered_when_an_argument_is_wrong(project: Path) -> None:
    from hakit.testing import Session

    session = Session(project="shop", stack="prod", root=project)
    with pytest.raises(HakitError, match="unknown argument"):
        session.run(database(storag="1Gi"))
    assert children(session.recording()) == []


def test_a_provider_of_another_region_is_refused(project: Path) -> None:
    def program() -> None:
        args: Any = {"topology": "topology.yaml", "pair": "shop", "scope": "us-east-1", "namespace": "shop",
                     "storage": "1Gi", "credentials": {"application": {"secret": "x"}}}  # fmt: skip
        hakit.PostgresCluster("orders", args, provided("us-west-2"))

    with pytest.raises(HakitError, match="the one of region us-west-2"):
        record(program, root=project)


def test_without_a_topology_there_is_no_role(project: Path) -> None:
    wrong: Any = {"storage": "1Gi"}
    with pytest.raises(HakitError, match="topology is missing"):
        record(lambda: hakit.PostgresCluster("orders", wrong), root=project)
    with pytest.raises(HakitError, match="topology is missing"):
        record(lambda: hakit.RegionBase("base", wrong), root=project)


# RegionBase


def test_everything_of_a_region_base_stays_when_the_stack_goes(project: Path) -> None:
    found = record(base(namespaces={"shop": {}}), root=project)
    assert children(found) == [
        "base-binding-hakit-created.shop",
        "base-binding-hakit-epoch.shop",
        "base-binding-hakit-records",
        "base-namespace-hakit-system",
        "base-namespace-shop",
        "base-policy-hakit-created",
        "base-policy-hakit-epoch",
        "base-policy-hakit-records",
        "base-record-shop-orders",
    ]
    assert all(each.retain_on_delete for each in found.resources if each.name in children(found))


def test_the_record_carries_the_epoch_and_comes_before_what_refuses(project: Path) -> None:
    (project / "topology.yaml").write_text(with_handovers(FAILOVER))
    found = record(base(), root=project)
    by_name = {each.name: each for each in found.resources}
    written = by_name["base-record-shop-orders"]
    assert written.inputs["data"] == {"number": "10"}
    assert written.inputs["metadata"]["namespace"] == "hakit-system"
    needs = {urn.rpartition("::")[2] for urn in by_name["base-binding-hakit-epoch.shop"].depends_on}
    assert {"base-record-shop-orders", "base-policy-hakit-epoch"} <= needs


def test_namespaces_carry_their_pod_security(project: Path) -> None:
    found = record(base(namespaces={"shop": {}, "tools": {"pod_security": "privileged"}}), root=project)
    levels = {
        each.inputs["metadata"]["name"]: each.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in found.resources
        if each.type == "kubernetes:core/v1:Namespace"
    }
    assert levels == {"shop": "baseline", "tools": "privileged", "hakit-system": "restricted"}


def test_a_quota_comes_with_what_lets_containers_without_requests_in_and_goes_with_the_program(project: Path) -> None:
    quota = {"pods": 40, "cpu": "20", "memory": "64Gi", "storage": "500Gi"}
    found = record(
        base(namespaces={"shop": {"quota": quota}, "tools": {"quota": {"pods": 5}}, "other": {}}), root=project
    )
    by_name = {each.name: each for each in found.resources}
    assert by_name["base-quota-shop"].inputs["metadata"] == {"name": "hakit", "namespace": "shop"}
    assert by_name["base-quota-shop"].inputs["spec"] == {
        "hard": {"pods": "40", "requests.cpu": "20", "requests.memory": "64Gi", "requests.storage": "500Gi"}
    }
    assert by_name["base-defaults-shop"].inputs["spec"] == {
        "limits": [{"type": "Container", "defaultRequest": {"cpu": "50m", "memory": "64Mi"}}]
    }
    assert by_name["base-quota-tools"].inputs["spec"] == {"hard": {"pods": "5"}}
    limits = {name for name in by_name if name.startswith(("base-quota-", "base-defaults-"))}
    assert limits == {"base-quota-shop", "base-defaults-shop", "base-quota-tools"}, (
        "a number of pods refuses none of them"
    )
    for name in limits:
        assert not by_name[name].retain_on_delete, "left behind it would go on refusing"
        namespace = f"base-namespace-{name.rpartition('-')[2]}"
        assert namespace in {urn.rpartition("::")[2] for urn in by_name[name].depends_on}


OPERATOR = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system}
spec: {template: {spec: {containers: [{name: manager, image: "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0"}]}}}
---
apiVersion: v1
kind: Secret
metadata: {name: config, namespace: cnpg-system}
stringData: {key: a-word-that-stays-here}
---
apiVersion: v1
kind: Namespace
metadata: {name: cnpg-system}
"""


def test_operators_come_after_the_guard_stage_by_stage_and_stay(project: Path) -> None:
    (project / "pg.yaml").write_text(OPERATOR)
    (project / "own.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, namespace: shop}\n")
    operators = {
        "own": {"manifest": "own.yaml"},
        "cloudnative-pg": {"manifest": "pg.yaml"},
        "cert-manager": {"provided": "an add-on of the cloud"},
    }
    found = record(base(namespaces={"shop": {}}, operators=operators), root=project)
    brought = {each.name: each for each in found.resources if each.name.startswith("base-operator-")}
    chain = [
        "base-operator-cloudnative-pg-Namespace-cnpg-system",
        "base-operator-cloudnative-pg-Secret-cnpg-system-config",
        "base-operator-cloudnative-pg-Deployment-cnpg-system-cnpg-controller-manager",
        "base-operator-own-ConfigMap-shop-own",
    ]
    assert sorted(brought) == sorted(chain)
    for earlier, later in zip(["base-binding-hakit-records", *chain], chain, strict=False):
        assert earlier in {urn.rpartition("::")[2] for urn in brought[later].depends_on}, f"{later} after {earlier}"
    assert all(each.retain_on_delete for each in brought.values()), "databases stay, and need their operator"
    assert brought[chain[1]].inputs["stringData"] == Secret({"key": "a-word-that-stays-here"})
    assert brought[chain[2]].type == "kubernetes:apps/v1:Deployment"


@pytest.mark.parametrize("content", [None, "a: [", "- text", "kind: 3\n", "\xff"])
def test_an_operators_manifest_that_cannot_be_read_is_refused_before_anything_is_made(
    project: Path, content: str | None
) -> None:
    if content is not None:
        (project / "pg.yaml").write_bytes(content.encode("latin-1"))
    with pytest.raises(HakitError, match=r"operators\.cloudnative-pg: its manifest cannot be read"):
        record(base(operators={"cloudnative-pg": {"manifest": "pg.yaml"}}), root=project)


@pytest.mark.parametrize("handed", ["", FAILOVER])
def test_a_quota_is_the_same_whatever_role_the_region_has(project: Path, handed: str) -> None:
    (project / "topology.yaml").write_text(with_handovers(handed) if handed else EXAMPLE)
    found = record(base(namespaces={"shop": {"quota": {"pods": 9}}}), root=project)
    assert found.one("kubernetes:core/v1:ResourceQuota").inputs["spec"] == {"hard": {"pods": "9"}}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"namespaces": {"shop": {"quota": {}}}}, "quota: empty"),
        ({"namespaces": {"shop": {"quota": {"cpus": "2"}}}}, "namespaces.shop.quota.cpus: unknown argument"),
        ({"namespaces": {"shop": {"quota": {"cpu": "two"}}}}, "not a Kubernetes quantity"),
        ({"namespaces": {"shop": {"quota": {"cpu": "0"}}}}, "namespaces.shop.quota.cpu: nothing could run"),
        ({"namespaces": {"shop": {"quota": {"memory": 64}}}}, "namespaces.shop.quota.memory: wrong type"),
        ({"namespaces": {"shop": {"quota": {"pods": 0}}}}, "namespaces.shop.quota.pods: wrong value"),
        ({"scope": "us-east-2"}, "scope: unknown region"),
        ({"namespaces": {"kube-system": {}}}, "not an application's"),
        ({"namespaces": {"Shop": {}}}, "not a Kubernetes name"),
        ({"namespaces": {"shop": {"pod_security": "none"}}}, "unknown word"),
        ({"operator": {}}, "unknown argument"),
    ],
)
def test_a_region_base_refuses_wrong_input(project: Path, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(HakitError, match=words):
        record(base(**arguments), root=project)


def test_region_base_first_and_the_database_after_it_in_one_program(project: Path) -> None:
    def program() -> None:
        cluster = k8s.Provider("use1", context="x", cluster_identifier="x")
        opts = pulumi.ResourceOptions(provider=cluster)
        first: Any = {"topology": "topology.yaml", "scope": "us-east-1", "namespaces": {"shop": {}}}
        made = hakit.RegionBase("base", first, opts)
        args: Any = {"topology": "topology.yaml", "pair": "shop", "scope": "us-east-1", "namespace": "shop",
                     "storage": "1Gi", "credentials": {"application": {"secret": "x"}}}  # fmt: skip
        hakit.PostgresCluster("orders", args, pulumi.ResourceOptions(provider=cluster, depends_on=[made]))

    found = record(program, root=project)
    for name in ("orders-cluster-g1", "orders-store-us-east-1", "orders-created", "orders-service"):
        (child,) = [each for each in found.resources if each.name == name]
        waits_for = {urn.rpartition("::")[2] for urn in child.depends_on}
        assert "base-record-shop-orders" in waits_for, f"{name} waits for what its component depends on"


ADOPT: dict[str, Any] = {
    "image": "ghcr.io/cloudnative-pg/postgresql:16.4",
    "instances": 3,
    "credentials": {"application": {"secret": "shop-cluster-app"}},
}


def test_an_adopted_cluster_is_imported_in_its_own_region_and_never_created(project: Path) -> None:
    for step, ignored in ((True, ("metadata", "spec")), (False, ())):
        adopt = {"cluster": "shop-cluster", "as_it_is": step}
        cluster = record(database(adopt=adopt, **ADOPT), root=project).one("Cluster")
        assert (cluster.name, cluster.import_id) == ("orders-cluster-g1", "shop/shop-cluster")
        assert cluster.ignore_changes == ignored, "the first step takes it as it is"
        assert cluster.protect
        assert cluster.retain_on_delete
    there = record(database("us-west-2", adopt={"cluster": "shop-cluster"}, **ADOPT), root=project).one("Cluster")
    assert there.import_id == "", "the other region's copy is a new one"


def test_without_adopt_nothing_is_imported(project: Path) -> None:
    assert {each.import_id for each in record(database(), root=project).resources} == {""}
