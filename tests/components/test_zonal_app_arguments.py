"""Wrong arguments of a ZonalApp, each with its whole message; and that the schema analyzer can read the right ones."""

from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental.analyzer import Analyzer

from hakit import topology as topologies
from hakit.components.zonal_app import ZonalApp
from hakit.errors import HakitError
from hakit.plan import zonal
from hakit.plan.workloads import intent

BASE: dict[str, Any] = {"chart": "./chart", "namespace": "shop", "zones": ["a", "b", "c"]}
TOPOLOGY = """\
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  us-east-1: {zones: [us-east-1a, us-east-1b], kubernetes: "1.29", cluster: {context: e}, storage: {zonal: gp3}}
  us-west-2: {zones: [us-west-2a], kubernetes: "1.34", cluster: {context: w}, storage: {zonal: gp3}}
  eu-west-1: {zones: [eu-west-1a], kubernetes: "1.34", cluster: {context: i}, storage: {zonal: gp3}}
pairs:
  shop: {mode: active-passive, founded: us-east-1, regions: [us-east-1, us-west-2], objectives: {rto: 5m, rpo: 30s}}
"""
PLACED: dict[str, Any] = {"chart": "./chart", "namespace": "shop", "topology": "t.yaml", "pair": "shop"}


def message(args: Any, topology: Any = None) -> str:
    with pytest.raises(HakitError) as raised:
        zonal.specify("web", args, topology)
    return str(raised.value)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (
            {**BASE, "replica": 3},
            "ZonalApp 'web': replica: unknown argument\n"
            "  given:   replica\n"
            "  allowed: chart, version, repo, namespace, release_name, values, zones, topology, pair, scope, "
            "kubernetes, api_versions, replicas, needs, autoscaling, active, standby, workloads, spread, "
            "same_zone, network, istio, priority_class, storage, storage_class, access_mode, "
            "existing_volumes, accept, timeout, adopt, delivery, leave\n"
            "  do:      did you mean 'replicas'?",
        ),
        (
            {"chart": "./chart", "zones": ["a"]},
            "ZonalApp 'web': namespace is missing\n  do:      add it",
        ),
        (
            {"chart": "./chart", "namespace": "shop"},
            "ZonalApp 'web': zones is missing\n  do:      list the cluster's zones, or name a topology that does",
        ),
        (
            {**BASE, "zones": "a"},
            "ZonalApp 'web': zones: wrong type\n  given:   'a'\n  allowed: a list of names",
        ),
        (
            {**BASE, "zones": ["a", "b", "a"]},
            "ZonalApp 'web': zones: the same name twice\n  given:   a\n  allowed: each name once",
        ),
        (
            {**BASE, "zones": []},
            "ZonalApp 'web': zones: empty\n  allowed: one zone or more; three survive the loss of one",
        ),
        (
            {**BASE, "replicas": "3"},
            "ZonalApp 'web': replicas: wrong value\n  given:   '3'\n  allowed: a whole number, 0 or more",
        ),
        (
            {**BASE, "replicas": 2.5},
            "ZonalApp 'web': replicas: wrong value\n  given:   2.5\n  allowed: a whole number, 0 or more",
        ),
        (
            {**BASE, "replicas": True},
            "ZonalApp 'web': replicas: wrong value\n  given:   True\n  allowed: a whole number, 0 or more",
        ),
        (
            {**BASE, "replicas": 3, "autoscaling": {"max": 2, "cpu": 70}},
            "ZonalApp 'web': autoscaling.max: fewer than replicas\n  given:   2\n  allowed: 3 or more",
        ),
        (
            {**BASE, "replicas": 3, "autoscaling": {"max": 9}},
            "ZonalApp 'web': autoscaling.cpu is missing\n"
            "  do:      say what it follows: cpu or memory, in percent of what the containers request",
        ),
        (
            {**BASE, "replicas": 3, "autoscaling": {"cpu": 70}},
            "ZonalApp 'web': autoscaling.max is missing\n  do:      add it",
        ),
        (
            {**BASE, "workloads": {"web": {"autoscaling": {"max": 9, "cpu": 70}}}},
            "ZonalApp 'web': workloads.web.replicas is missing\n"
            "  do:      autoscaling needs them: the fewest pods, which must survive a zone",
        ),
        (
            {**BASE, "replicas": 3, "autoscaling": {"max": 9, "cpu": 0}},
            "ZonalApp 'web': autoscaling.cpu: wrong value\n  given:   0\n  allowed: a whole number, 1 or more",
        ),
        (
            {**BASE, "replicas": -1},
            "ZonalApp 'web': replicas: wrong value\n  given:   -1\n  allowed: a whole number, 0 or more",
        ),
        (
            {**BASE, "values": ["a"]},
            "ZonalApp 'web': values: wrong type\n  given:   a list\n  allowed: a mapping",
        ),
        (
            {**BASE, "workloads": {"api": {"standby": {"replicas": 3}}}},
            "ZonalApp 'web': topology is missing\n"
            "  do:      workloads.api.standby goes with a topology: name its file, or leave standby out",
        ),
        (
            {**BASE, "workloads": {"api": {"probes": {"ready": {}}}}},
            "ZonalApp 'web': workloads.api.probes.ready: unknown argument\n"
            "  given:   ready\n"
            "  allowed: readiness, liveness, startup",
        ),
        (
            {**BASE, "delivery": "helm"},
            "ZonalApp 'web': delivery: unknown word\n  given:   'helm'\n  allowed: release, objects",
        ),
        (
            {**BASE, "kubernetes": "v1.34.2"},
            "ZonalApp 'web': kubernetes: not a version\n"
            "  given:   v1.34.2\n"
            '  allowed: major and minor in quotes: "1.34"',
        ),
        (
            {**BASE, "namespace": "Shop_1"},
            "ZonalApp 'web': namespace: not a Kubernetes name\n"
            "  given:   Shop_1\n"
            "  allowed: lower case letters, digits and hyphens, up to 63, a letter or digit at both ends",
        ),
        (
            {**BASE, "standby": {"replicas": 1}},
            "ZonalApp 'web': topology is missing\n"
            "  do:      standby goes with a topology: name its file, or leave standby out",
        ),
        (
            "chart",
            "ZonalApp 'web': arguments: wrong type\n  given:   a text\n  allowed: a mapping",
        ),
    ],
)
def test_a_wrong_argument_says_what_where_and_what_is_possible(args: Any, expected: str) -> None:
    assert message(args) == expected


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (
            {**PLACED, "scope": "us-east-2"},
            "ZonalApp 'web': scope: unknown region\n"
            "  given:   us-east-2\n"
            "  allowed: us-east-1, us-west-2, eu-west-1\n"
            "  do:      did you mean 'us-west-2'?",
        ),
        (
            {**PLACED, "scope": "us-east-1", "pair": "shopp"},
            "ZonalApp 'web': pair: the topology has no such pair\n"
            "  given:   shopp\n"
            "  allowed: shop\n"
            "  do:      did you mean 'shop'?",
        ),
        (
            {**PLACED, "scope": "eu-west-1"},
            "ZonalApp 'web': scope: pair shop is not in this region\n"
            "  given:   eu-west-1\n"
            "  allowed: us-east-1, us-west-2",
        ),
        (
            {**PLACED, "scope": "us-east-1", "zones": ["us-east-1a", "us-east-1x"]},
            "ZonalApp 'web': zones: unknown zone in region us-east-1\n"
            "  given:   us-east-1x\n"
            "  allowed: us-east-1a, us-east-1b\n"
            "  do:      did you mean 'us-east-1b'?",
        ),
        (
            {**PLACED, "scope": "us-east-1", "kubernetes": "1.34"},
            "ZonalApp 'web': kubernetes: the topology has it\n  do:      leave it out; see t.yaml:4",
        ),
    ],
)
def test_what_contradicts_the_topology_is_refused(tmp_path: Path, args: Any, expected: str) -> None:
    (tmp_path / "t.yaml").write_text(TOPOLOGY)
    text = message(args, topologies.load(tmp_path / "t.yaml")).replace(f"{tmp_path}/", "")
    assert text == expected


def test_a_float_from_a_packaged_component_is_read_as_the_number_it_is() -> None:
    spec = zonal.specify("web", {**BASE, "replicas": 3.0, "timeout": 60.0}, None)
    assert (spec.roles["active"].replicas, spec.timeout) == (3, 60)
    assert isinstance(spec.roles["active"].replicas, int)


def test_zones_and_version_come_from_the_topology(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TOPOLOGY)
    spec = zonal.specify("web", {**PLACED, "scope": "us-east-1"}, topologies.load(tmp_path / "t.yaml"))
    assert (spec.zones, spec.kubernetes, spec.role) == (("us-east-1a", "us-east-1b"), (1, 29), "active")


def objects(*names: str) -> list[dict[str, Any]]:
    """Objects of these kinds and names, each with a container `main`."""
    pod = {"spec": {"containers": [{"name": "main"}]}}
    made = []
    for kind, name in (each.split("/") for each in names):
        spec = {"jobTemplate": {"spec": {"template": pod}}} if kind == "CronJob" else {"template": pod}
        made.append({"kind": kind, "metadata": {"name": name}, "spec": spec})
    return made


WORKLOADS = objects("Deployment/web-api", "StatefulSet/web-cache", "CronJob/web-report")


def test_replicas_of_a_chart_with_several_workloads_must_say_which() -> None:
    spec = zonal.specify("web", {**BASE, "replicas": 3}, None)
    with pytest.raises(HakitError) as raised:
        intent(spec, "active", WORKLOADS)
    assert str(raised.value) == (
        "ZonalApp 'web': replicas: the chart renders 2 workloads, so it is not clear which one is meant\n"
        "  given:   Deployment/web-api, StatefulSet/web-cache\n"
        '  allowed: workloads={"web-api": {"replicas": 3}, "web-cache": {"replicas": 3}}'
    )


def test_a_workload_that_the_chart_does_not_render_is_refused_with_the_nearest() -> None:
    spec = zonal.specify("web", {**BASE, "workloads": {"web-cash": {"replicas": 3}}}, None)
    with pytest.raises(HakitError) as raised:
        intent(spec, "active", WORKLOADS)
    assert str(raised.value) == (
        "ZonalApp 'web': workloads: the chart renders no such workload\n"
        "  given:   web-cash\n"
        "  allowed: Deployment/web-api, StatefulSet/web-cache, CronJob/web-report\n"
        "  do:      did you mean 'web-cache'?"
    )


@pytest.mark.parametrize(
    ("workloads", "expected"),
    [
        (
            {"web-report": {"replicas": 3}},
            "ZonalApp 'web': workloads.web-report: replicas: a CronJob has no use for it\n"
            "  given:   replicas\n"
            "  allowed: suspend",
        ),
        (
            {"web-api": {"suspend": True}},
            "ZonalApp 'web': workloads.web-api: suspend: a Deployment has no use for it\n"
            "  given:   suspend\n"
            "  allowed: replicas, needs, autoscaling, max_unavailable, spread, priority_class, resources, probes, "
            "container",
        ),
        (
            {"web-cache": {"replicas": 3, "autoscaling": {"max": 9, "cpu": 70}}},
            "ZonalApp 'web': workloads.web-cache: autoscaling: a StatefulSet has no use for it\n"
            "  given:   autoscaling\n"
            "  allowed: replicas, needs, max_unavailable, spread, priority_class, resources, probes, container, "
            "clustered",
        ),
        (
            {"web-api": {"clustered": True}},
            "ZonalApp 'web': workloads.web-api: clustered: a Deployment has no use for it\n"
            "  given:   clustered\n"
            "  allowed: replicas, needs, autoscaling, max_unavailable, spread, priority_class, resources, probes, "
            "container",
        ),
        (
            {"web-api": {"container": "mian", "resources": {}}},
            "ZonalApp 'web': workloads.web-api: container: Deployment/web-api has no such container\n"
            "  given:   mian\n"
            "  allowed: main\n"
            "  do:      did you mean 'main'?",
        ),
        (
            {"web-api": {"replicas": 3}, "Deployment/web-api": {"replicas": 6}},
            "ZonalApp 'web': workloads: Deployment/web-api is named twice\n  given:   Deployment/web-api",
        ),
    ],
)
def test_an_argument_that_its_workload_has_no_use_for_is_refused_not_ignored(workloads: Any, expected: str) -> None:
    spec = zonal.specify("web", {**BASE, "workloads": workloads}, None)
    with pytest.raises(HakitError) as raised:
        intent(spec, "active", WORKLOADS)
    assert str(raised.value) == expected


def test_two_workloads_of_one_name_are_told_apart_by_their_kind() -> None:
    both = objects("Deployment/web", "StatefulSet/web")
    spec = zonal.specify("web", {**BASE, "workloads": {"StatefulSet/web": {"replicas": 3}}}, None)
    assert intent(spec, "active", both).workloads["StatefulSet/web"].replicas == 3
    vague = zonal.specify("web", {**BASE, "workloads": {"web": {"replicas": 3}}}, None)
    with pytest.raises(HakitError, match="write Deployment/web or StatefulSet/web"):
        intent(vague, "active", both)


def test_what_is_said_for_a_role_goes_before_what_is_said_for_both(tmp_path: Path) -> None:
    workloads = {"web-api": {"replicas": 4, "needs": 2, "standby": {"replicas": 1}}}
    (tmp_path / "t.yaml").write_text(TOPOLOGY)
    args = {**PLACED, "scope": "us-east-1", "workloads": workloads}
    spec = zonal.specify("web", args, topologies.load(tmp_path / "t.yaml"))
    active = intent(spec, "active", WORKLOADS).workloads["Deployment/web-api"]
    standby = intent(spec, "standby", WORKLOADS).workloads["Deployment/web-api"]
    assert (active.replicas, active.needs) == (4, 2)
    assert (standby.replicas, standby.needs) == (1, None), "a standby serves nobody, so it needs nothing"


def test_the_schema_analyzer_reads_the_component_and_knows_which_arguments_are_needed() -> None:
    result = Analyzer("hakit").analyze([ZonalApp])
    component = result["component_definitions"]["ZonalApp"]
    assert not component.inputs["chart"].optional
    assert not component.inputs["namespace"].optional
    assert component.inputs["replicas"].optional
    assert sorted(component.inputs_mapping.values()) == sorted(zonal.ARGUMENTS)
    assert sorted(component.outputs) == [
        "accepted", "name", "namespace", "region", "replicas", "role", "services", "summary",
    ]  # fmt: skip
