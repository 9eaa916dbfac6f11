"""`delivery="objects"`: what is registered. What it does in a cluster is in tests/lab/test_delivery.py."""

from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recorded, Recording, Secret, record

ROOT = Path(__file__).parents[2]
ORDERS: dict[str, Any] = {
    "chart": "tests/lab/programs/charts/orders",
    "namespace": "shop",
    "zones": ["a", "b", "c"],
    "replicas": 3,
    "values": {"tag": "1"},
    "delivery": "objects",
}
STOREFRONT: dict[str, Any] = {
    "chart": "examples/charts/storefront",
    "namespace": "shop",
    "zones": ["a", "b", "c"],
    "replicas": 6,
    "delivery": "objects",
    "values": {"image": {"tag": "2.4.1"}, "session": {"key": "a-plain-key"}},
}


TOPOLOGY = """\
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  us-east-1: {zones: [a, b, c], kubernetes: "1.34", storage: {zonal: gp3}, cluster: {context: prod-use1}}
  us-west-2: {zones: [d, e, f], kubernetes: "1.34", storage: {zonal: gp3}, cluster: {context: prod-usw2}}
pairs:
  shop: {mode: active-passive, founded: us-east-1, objectives: {rto: 5m, rpo: 30s}}
"""


def warehouse(tmp_path: Path, region: str, **active: str) -> dict[str, Any]:
    """Two workloads, a nightly job, and a migration that is a hook; us-east-1 is active."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY, encoding="utf-8")
    return {
        "topology": "topology.yaml",
        "pair": "shop",
        "scope": region,
        "chart": "examples/charts/warehouse",
        "namespace": "shop",
        "workloads": {
            "warehouse-api": {"active": {"replicas": 4}, "standby": {"replicas": 2}},
            "warehouse-worker": {"active": {"replicas": 3}, "standby": {"replicas": 0}},
        },
        "delivery": "objects",
        **({"active": active} if active else {}),
    }


def run(tmp_path: Path, name: str, args: dict[str, Any]) -> Recording:
    def made(value: Any) -> Any:
        """Outputs belong to the program's own loop."""
        if isinstance(value, dict):
            return {key: made(item) for key, item in value.items()}
        return value() if callable(value) else value

    def program() -> None:
        cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
        hakit.ZonalApp(name, made(args), pulumi.ResourceOptions(provider=cluster))  # ty: ignore

    for part in ("tests", "examples"):
        if not (tmp_path / part).exists():
            (tmp_path / part).symlink_to(ROOT / part)
    return record(program, root=tmp_path)


def found(recording: Recording) -> dict[str, Recorded]:
    return {each.name: each for each in recording.resources if each.type.startswith("kubernetes:")}


def annotations(one: Recorded) -> dict[str, str]:
    return one.inputs["metadata"]["annotations"]


def test_each_object_is_a_resource_named_by_its_kind_and_name_and_there_is_no_release(tmp_path: Path) -> None:
    recording = run(tmp_path, "orders", ORDERS)
    assert {name: each.type for name, each in found(recording).items()} == {
        "orders-delivery": "kubernetes:core/v1:ConfigMap",
        "orders-orders.example.org": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
        "orders-customresourcedefinition-shelves.example.org": (
            "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
        ),
        "orders-persistentvolumeclaim-orders": "kubernetes:core/v1:PersistentVolumeClaim",
        "orders-deployment-web": "kubernetes:apps/v1:Deployment",
        "orders-poddisruptionbudget-web": "kubernetes:policy/v1:PodDisruptionBudget",
    }
    app = recording.one("hakit:index:ZonalApp")
    assert {each.parent for each in found(recording).values()} == {app.urn}
    assert app.outputs is not None
    assert app.outputs["replicas"] == {"Deployment/web": 3}


def test_the_objects_are_the_hardened_ones_in_the_releases_namespace(tmp_path: Path) -> None:
    deployment = found(run(tmp_path, "orders", ORDERS))["orders-deployment-web"].inputs
    assert deployment["metadata"]["namespace"] == "shop", "else the provider's own default would be taken"
    assert deployment["spec"]["replicas"] == 3
    keys = [each["topologyKey"] for each in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]]
    assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    definition = found(run(tmp_path, "orders", ORDERS))["orders-customresourcedefinition-shelves.example.org"].inputs
    assert "namespace" not in definition["metadata"]


def test_claims_and_definitions_stay_and_claims_are_protected(tmp_path: Path) -> None:
    resources = found(run(tmp_path, "orders", ORDERS))
    assert {name for name, each in resources.items() if each.retain_on_delete} == {
        "orders-orders.example.org",
        "orders-customresourcedefinition-shelves.example.org",
        "orders-persistentvolumeclaim-orders",
    }
    assert {name for name, each in resources.items() if each.protect} == {"orders-persistentvolumeclaim-orders"}


def test_a_set_with_claims_is_protected_because_the_provider_would_replace_it(tmp_path: Path) -> None:
    chart = "tests/charts/traps/volume-per-pod/trap"
    workload = {"db": {"replicas": 3, "clustered": True}}
    args = {key: value for key, value in ORDERS.items() if key not in ("replicas", "values")}
    resources = found(run(tmp_path, "web", args | {"chart": chart, "workloads": workload}))
    assert resources["web-statefulset-db"].protect
    assert not resources["web-statefulset-db"].retain_on_delete


def test_pods_come_after_what_they_mount_and_everything_after_the_mark(tmp_path: Path) -> None:
    resources = found(run(tmp_path, "orders", ORDERS))

    def before(name: str) -> set[str]:
        return {urn.rpartition("::")[2] for urn in resources[name].depends_on}

    assert before("orders-delivery") == {"orders-orders.example.org"}
    assert before("orders-customresourcedefinition-shelves.example.org") == {"orders-delivery"}
    assert before("orders-persistentvolumeclaim-orders") == {"orders-customresourcedefinition-shelves.example.org"}
    assert before("orders-deployment-web") == {"orders-persistentvolumeclaim-orders"}


def test_the_mark_can_be_changed_by_nobody(tmp_path: Path) -> None:
    mark = found(run(tmp_path, "orders", ORDERS | {"release_name": "old"}))["orders-delivery"]
    assert mark.inputs["metadata"] == {"name": "old-delivered-by-hakit", "namespace": "shop"}
    assert (mark.inputs["immutable"], mark.inputs["data"]) == (True, {"delivery": "objects"})
    assert not mark.retain_on_delete


def test_pods_are_waited_for_and_nothing_else_is(tmp_path: Path) -> None:
    resources = found(run(tmp_path, "storefront", STOREFRONT | {"timeout": 90}))
    told = {
        name: {key.partition("/")[2]: value for key, value in annotations(each).items() if "pulumi" in key}
        for name, each in resources.items()
        if name != "storefront-delivery"
    }
    assert told == {
        "storefront-deployment-storefront": {"patchForce": "true", "timeoutSeconds": "90"},
        "storefront-secret-storefront-session": {"patchForce": "true"},
        # An Ingress without a controller, or a Service without ready pods, would be waited for ten minutes.
        "storefront-service-storefront": {"patchForce": "true", "skipAwait": "true"},
        "storefront-serviceaccount-storefront": {"patchForce": "true"},
        "storefront-poddisruptionbudget-storefront": {"patchForce": "true"},
    }


def test_a_standby_waits_for_nothing_and_has_no_pods_where_none_are_declared(tmp_path: Path) -> None:
    resources = found(run(tmp_path, "warehouse", warehouse(tmp_path, "us-west-2", hooks="hold")))
    for name in ("warehouse-deployment-warehouse-api", "warehouse-deployment-warehouse-worker"):
        assert annotations(resources[name])["pulumi.com/skipAwait"] == "true"
    assert resources["warehouse-deployment-warehouse-worker"].inputs["spec"]["replicas"] == 0
    assert resources["warehouse-cronjob-warehouse-recount"].inputs["spec"]["suspend"] is True


def test_what_a_secret_holds_is_secret_and_its_name_is_not(tmp_path: Path) -> None:
    secret = found(run(tmp_path, "storefront", STOREFRONT))["storefront-secret-storefront-session"].inputs
    assert isinstance(secret["data"], Secret)
    assert secret["metadata"]["name"] == "storefront-session"


def test_an_output_fills_only_its_own_field(tmp_path: Path) -> None:
    values = {**STOREFRONT["values"], "session": {"key": lambda: pulumi.Output.secret("s3cret-key")}}
    deployment = found(run(tmp_path, "storefront", STOREFRONT | {"values": values}))["storefront-deployment-storefront"]
    template = deployment.inputs["spec"]["template"]
    assert isinstance(template["metadata"]["annotations"]["checksum/session"], Secret)
    assert deployment.inputs["spec"]["replicas"] == 6


# Taking over and letting go


def test_objects_of_the_chart_are_taken_over_and_those_of_hakit_are_made(tmp_path: Path) -> None:
    resources = found(run(tmp_path, "orders", ORDERS | {"adopt": "objects"}))
    assert {name: each.import_id for name, each in resources.items()} == {
        "orders-delivery": "",
        "orders-orders.example.org": "orders.example.org",
        "orders-customresourcedefinition-shelves.example.org": "shelves.example.org",
        "orders-persistentvolumeclaim-orders": "shop/orders",
        "orders-deployment-web": "shop/web",
        "orders-poddisruptionbudget-web": "",
    }


def test_of_a_release_of_hakits_everything_is_taken_over_but_the_mark(tmp_path: Path) -> None:
    resources = found(run(tmp_path, "orders", ORDERS | {"adopt": "release"}))
    assert {name for name, each in resources.items() if not each.import_id} == {"orders-delivery"}


def test_what_is_let_go_is_kept_as_a_whole_and_has_no_mark(tmp_path: Path) -> None:
    resources = found(run(tmp_path, "orders", ORDERS | {"leave": True}))
    assert "orders-delivery" not in resources
    assert all(each.retain_on_delete and not each.protect for each in resources.values())
    released = run(tmp_path, "orders", ORDERS | {"leave": True, "delivery": "release"})
    release = released.one("kubernetes:helm.sh/v3:Release")
    assert release.retain_on_delete
    assert release.inputs["values"]["leave"] is True, "the template has no mark then"


def test_nothing_is_taken_over_and_let_go_at_once(tmp_path: Path) -> None:
    with pytest.raises(HakitError) as refused:
        run(tmp_path, "orders", ORDERS | {"leave": True, "adopt": "objects"})
    assert str(refused.value) == (
        "ZonalApp 'orders': leave: nothing is taken over and let go at once\n  do:      take adopt out first"
    )


# What only Helm does


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_a_hook_is_refused_even_where_it_would_run_only_after_a_failover(tmp_path: Path, region: str) -> None:
    with pytest.raises(HakitError) as refused:
        run(tmp_path, "warehouse", warehouse(tmp_path, region))
    assert str(refused.value) == (
        "ZonalApp 'warehouse' (active): delivery: Job/warehouse-migration is a hook (pre-install, pre-upgrade), and"
        " only Helm runs hooks\n"
        "  given:   objects\n"
        "  allowed: release\n"
        '  do:      leave delivery out; or leave the chart\'s hooks out, "active": {"hooks": "hold"}, and do their work'
        " yourself"
    )


def test_a_hook_that_is_held_back_is_left_out(tmp_path: Path) -> None:
    held = found(run(tmp_path, "warehouse", warehouse(tmp_path, "us-east-1", hooks="hold")))
    assert not any("migration" in name for name in held)
    assert held["warehouse-cronjob-warehouse-recount"].inputs["spec"].get("suspend") is not True


def test_an_autoscaler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HakitError) as refused:
        run(tmp_path, "storefront", STOREFRONT | {"autoscaling": {"max": 18, "cpu": 70}})
    assert str(refused.value) == (
        "ZonalApp 'storefront': delivery: HorizontalPodAutoscaler/storefront decides the replicas of"
        " Deployment/storefront, and only Helm asks for them\n"
        "  given:   objects\n"
        "  allowed: release\n"
        "  do:      leave delivery out; or leave the autoscaler out, in the chart's values"
    )


def test_what_is_too_large_for_helm_is_not_too_large_here(tmp_path: Path) -> None:
    args = {"chart": "tests/charts/traps/release-too-large/trap", "namespace": "shop", "zones": ["a", "b", "c"]}
    with pytest.raises(HakitError, match="HK021"):
        run(tmp_path, "web", args)
    assert "web-delivery" in found(run(tmp_path, "web", args | {"delivery": "objects"}))


def test_hooks_that_are_to_be_held_do_not_run_in_the_active_region_either(tmp_path: Path) -> None:
    def objects(**more: str) -> set[str]:
        args = {key: value for key, value in warehouse(tmp_path, "us-east-1", **more).items() if key != "delivery"}
        return set(run(tmp_path, "warehouse", args).one("kubernetes:helm.sh/v3:Release").inputs["values"]["objects"])

    assert objects() - objects(hooks="hold") == {"Job/warehouse-migration"}
