"""What a ChaosDrill breaks, where and for how long, and what it refuses. That Chaos Mesh does it is not proven here."""

import re
from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan.chaos import ARGUMENTS, ChaosSpec, held, plan, specify
from tests.unit.alerts.given import EAST, WEST, topology
from tests.unit.topology.example import EXAMPLE, with_handovers

EXPERIMENTS: dict[str, Any] = {
    "kill": {"kind": "pod-kill", "labels": {"app": "storefront"}, "duration": "30s", "schedule": "0 10 * * 2"},
    "zone": {"kind": "zone-outage", "zone": "us-east-1a", "duration": "10m", "schedule": "@monthly"},
    "cut": {"kind": "region-partition", "targets": ["10.20.0.0/16", "db.example.com"], "duration": "5m"},
    "primary": {"kind": "primary-loss", "database": "orders", "duration": "1m"},
}
GIVEN: dict[str, Any] = {
    "topology": "topology.yaml",
    "pair": "shop",
    "scope": EAST,
    "region": EAST,
    "namespace": "shop",
    "experiments": EXPERIMENTS,
}


def spec(folder: Path, text: str = EXAMPLE, **changes: Any) -> ChaosSpec:
    return specify("drill", {**GIVEN, **changes}, topology(folder, text))


def made(folder: Path, text: str = EXAMPLE, **changes: Any) -> dict[str, dict[str, Any]]:
    return {each.key: each.manifest for each in plan(spec(folder, text, **changes))}


def one(folder: Path, **experiment: Any) -> dict[str, Any]:
    return made(folder, experiments={"x": experiment})["x"]


def test_one_pod_is_killed_every_tuesday(tmp_path: Path) -> None:
    assert made(tmp_path)["kill"] == {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "Schedule",
        "metadata": {"name": "drill-kill", "namespace": "shop"},
        "spec": {
            "schedule": "0 10 * * 2",
            "type": "PodChaos",
            "concurrencyPolicy": "Forbid",
            "historyLimit": 2,
            "startingDeadlineSeconds": 300,
            "podChaos": {
                "action": "pod-kill",
                "mode": "one",
                "selector": {"namespaces": ["shop"], "labelSelectors": {"app": "storefront"}},
                "duration": "30s",
            },
        },
    }


def test_a_zone_is_lost_with_every_pod_of_the_namespace_on_its_nodes(tmp_path: Path) -> None:
    assert made(tmp_path)["zone"]["spec"]["podChaos"] == {
        "action": "pod-failure",
        "mode": "all",
        "selector": {"namespaces": ["shop"], "nodeSelectors": {"topology.kubernetes.io/zone": "us-east-1a"}},
        "duration": "600s",
    }


def test_a_region_is_cut_off_from_addresses_that_are_named_and_once(tmp_path: Path) -> None:
    assert made(tmp_path)["cut"] == {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {"name": "drill-cut", "namespace": "shop"},
        "spec": {
            "action": "partition",
            "mode": "all",
            "selector": {"namespaces": ["shop"]},
            "direction": "both",
            "externalTargets": ["10.20.0.0/16", "db.example.com"],
            "duration": "300s",
        },
    }


def test_the_primary_of_the_copy_that_counts_is_killed(tmp_path: Path) -> None:
    rebuilt = with_handovers(
        "{to: us-west-2, kind: failover, accept_loss: 30s, settled: true}",
        "{to: us-east-1, kind: rebuild, incarnation: 2, settled: true}",
    )
    assert made(tmp_path, rebuilt)["primary"]["spec"]["selector"] == {
        "namespaces": ["shop"],
        "labelSelectors": {"cnpg.io/cluster": "orders-g2", "cnpg.io/instanceRole": "primary"},
    }


def test_never_in_two_regions(tmp_path: Path) -> None:
    for region in (EAST, WEST):
        experiments = {key: EXPERIMENTS[key] for key in ("kill", "cut", "primary")}
        there = [bool(made(tmp_path, scope=s, region=region, experiments=experiments)) for s in (EAST, WEST)]
        assert there == [region == EAST, region == WEST]


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        (["{to: us-west-2, kind: planned}"], "a planned handover to us-west-2 is not settled"),
        (["{to: us-west-2, kind: planned, tokens: {orders: t}}"], "a planned handover to us-west-2 is not settled"),
        (["{to: us-west-2, kind: failover, accept_loss: 30s}"], "a failover handover to us-west-2 is not settled"),
        (["{to: us-west-2, kind: planned, tokens: {orders: t}, settled: true}"], ""),
    ],
)
def test_nothing_is_broken_while_a_handover_is_not_settled(entries: list[str], why: str, tmp_path: Path) -> None:
    text = with_handovers(*entries)
    assert held(spec(tmp_path, text)) == why
    assert bool(made(tmp_path, text)) == (not why)


@pytest.mark.parametrize("traffic", ["drain", "fence"])
def test_nothing_is_broken_where_the_other_region_takes_no_users(traffic: str, tmp_path: Path) -> None:
    text = EXAMPLE.replace("    serves: [ENAM, WNAM]\n", f"    traffic: {traffic}\n", 1)
    for region, zone in ((EAST, "us-east-1a"), (WEST, "us-west-2a")):
        experiments = {"zone": {**EXPERIMENTS["zone"], "zone": zone}}
        assert made(tmp_path, text, scope=region, region=region, experiments=experiments) == {}
        assert made(tmp_path, scope=region, region=region, experiments=experiments) != {}


@pytest.mark.parametrize("key", EXPERIMENTS)
def test_each_names_a_namespace_and_ends(key: str, tmp_path: Path) -> None:
    manifest = made(tmp_path)[key]
    body = manifest["spec"].get("podChaos", manifest["spec"])
    assert body["selector"]["namespaces"] == ["shop"]
    assert re.fullmatch(r"[1-9][0-9]*s", body["duration"])
    without = {name: value for name, value in EXPERIMENTS[key].items() if name != "duration"}
    with pytest.raises(HakitError, match="duration is missing"):
        made(tmp_path, experiments={key: without})
    with pytest.raises(HakitError, match="namespace is missing"):
        made(tmp_path, namespace=None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"duration": "31m"}, "experiments.x.duration: too long"),
        ({"duration": "0s"}, "experiments.x.duration: not a duration"),
        ({"duration": "forever"}, "experiments.x.duration: not a duration"),
        ({"schedule": "* * * * *"}, "more often than every hour"),
        ({"schedule": "*/5 * * * *"}, "more often than every hour"),
        ({"schedule": "0,30 * * * *"}, "more often than every hour"),
        ({"schedule": "0 0 10 * * 2"}, "not a schedule of five fields"),
        ({"schedule": "@every 5m"}, "more often than every hour"),
        ({"schedule": "@every 0h"}, "more often than every hour"),
        ({"labels": {}}, "experiments.x.labels is missing"),
        ({"zone": "us-east-1a"}, "experiments.x.zone: a pod-kill takes no such thing"),
        ({"kind": "dns"}, "experiments.x.kind: unknown word"),
        ({"kind": "zone-outage"}, "experiments.x.zone is missing"),
        ({"kind": "zone-outage", "zone": "us-west-2a"}, "unknown zone in region us-east-1"),
        ({"kind": "region-partition"}, "experiments.x.targets is missing"),
        ({"kind": "region-partition", "targets": ["0.0.0.0/0"]}, "neither a host nor a range of the other region"),
        ({"kind": "region-partition", "targets": ["::/0"]}, "neither a host nor a range of the other region"),
        ({"kind": "region-partition", "targets": ["a b"]}, "neither a host nor a range of the other region"),
        ({"kind": "primary-loss", "labels": None, "database": "customers"}, "experiments.x.database: unknown word"),
        ({"scheduler": {"cron": "@every 2h"}}, "experiments.x.scheduler: unknown argument"),
    ],
)
def test_an_experiment_that_could_do_more_than_meant_is_refused(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    start = {"kind": "pod-kill", "labels": {"app": "storefront"}, "duration": "30s"}
    assert one(tmp_path, **start)["kind"] == "PodChaos"
    with pytest.raises(HakitError, match=re.escape(said)):
        one(tmp_path, **{**start, **changes})


def test_a_region_of_one_zone_has_none_to_lose(tmp_path: Path) -> None:
    text = EXAMPLE.replace("[us-east-1a, us-east-1b, us-east-1c]", "[us-east-1a]")
    with pytest.raises(HakitError, match="it is the only one of us-east-1"):
        made(tmp_path, text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"namespace": "kube-system"}, "namespace: what runs the cluster"),
        ({"namespace": "cnpg-system"}, "namespace: what runs the cluster"),
        ({"region": "eu-west-1"}, "pair shop is not in this region"),
        ({"region": None}, "region is missing"),
        ({"experiments": {}}, "experiments is missing"),
        ({"regions": [EAST, WEST]}, "regions: unknown argument"),
    ],
)
def test_a_wrong_argument_is_named(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(HakitError, match=re.escape(said)):
        spec(tmp_path, **changes)


def test_every_argument_is_declared() -> None:
    from hakit.components.chaos_drill_args import ChaosDrillArgs

    assert sorted(ChaosDrillArgs.__annotations__) == sorted(ARGUMENTS)
