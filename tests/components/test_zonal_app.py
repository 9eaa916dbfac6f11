"""What a ZonalApp registers. These tests prove no cluster's behaviour: that is tests/lab."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

import hakit
from hakit.errors import HakitError
from hakit.findings import FindingsError, collecting
from hakit.testing import UNKNOWN, Recorded, Recording, Secret, record

ROOT = Path(__file__).parents[2]
ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]
KEY = "a-session-key-for-tests"


def app(args: dict[str, Any] | Callable[[], dict[str, Any]], **options: Any) -> Callable[[], None]:
    """A program of one ZonalApp with an explicit provider. Arguments with an Output are made within it: an Output
    belongs to the event loop of its program."""

    def program() -> None:
        cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
        given = args() if callable(args) else args
        hakit.ZonalApp("storefront", given, pulumi.ResourceOptions(provider=cluster, **options))  # ty: ignore

    return program


def storefront(**more: Any) -> dict[str, Any]:
    values = {"image": {"tag": "2.4.1"}, "session": {"key": KEY}, **more.pop("values", {})}
    base = {"chart": "examples/charts/storefront", "namespace": "shop", "zones": ZONES, "replicas": 6}
    return {**base, "values": values, **more}


def warehouse(**more: Any) -> dict[str, Any]:
    return {"chart": "examples/charts/warehouse", "namespace": "shop", "zones": ZONES, **more}


def run(program: Callable[[], None], tmp_path: Path, **options: Any) -> Recording:
    """Record with the charts of this repository, but write what is generated into a folder of the test."""
    if not (tmp_path / "examples").exists():
        (tmp_path / "examples").symlink_to(ROOT / "examples")
    return record(program, root=tmp_path, **options)


def release_of(recording: Recording) -> Recorded:
    return recording.one("kubernetes:helm.sh/v3:Release")


def objects_of(recording: Recording) -> dict[str, Any]:
    return dict(release_of(recording).inputs["values"]["objects"])


def test_it_registers_one_release_of_the_hardened_objects_beneath_itself(tmp_path: Path) -> None:
    recording = run(app(storefront()), tmp_path)
    component = recording.one("hakit:index:ZonalApp")
    assert [child.name for child in recording.children(component)] == ["storefront-release"]
    release = release_of(recording)
    assert release.provider == "use1"
    assert sorted(objects_of(recording)) == [
        "Deployment/storefront",
        "PodDisruptionBudget/storefront",
        "Secret/storefront-session",
        "Service/storefront",
        "ServiceAccount/storefront",
    ]
    # design 5.4: atomic, timeout, max_history are decided, not defaulted
    decided = {key: release.inputs[key] for key in ("atomic", "skipAwait", "timeout", "maxHistory", "skipCrds")}
    assert decided == {"atomic": True, "skipAwait": False, "timeout": 600, "maxHistory": 10, "skipCrds": True}
    assert (release.inputs["name"], release.inputs["namespace"]) == ("storefront", "shop")


def test_what_it_depends_on_its_release_waits_for(tmp_path: Path) -> None:
    def program() -> None:
        cluster = k8s.Provider("use1", context="prod-use1", cluster_identifier="prod-use1")
        first = k8s.core.v1.Namespace("shop", opts=pulumi.ResourceOptions(provider=cluster))
        opts = pulumi.ResourceOptions(provider=cluster, depends_on=[first])
        hakit.ZonalApp("storefront", storefront(), opts)  # ty: ignore

    assert [urn.rpartition("::")[2] for urn in release_of(run(program, tmp_path)).depends_on] == ["shop"]


def test_the_deployment_in_the_release_is_spread_over_zones_although_the_chart_cannot(tmp_path: Path) -> None:
    deployment = objects_of(run(app(storefront()), tmp_path))["Deployment/storefront"]
    labels = {"matchLabels": {"app.kubernetes.io/name": "storefront", "app.kubernetes.io/instance": "storefront"}}
    assert deployment["spec"]["replicas"] == 6
    assert deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] == [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": labels,
            "nodeTaintsPolicy": "Honor",
            "matchLabelKeys": ["pod-template-hash"],
        },
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": labels,
            "nodeTaintsPolicy": "Honor",
            "matchLabelKeys": ["pod-template-hash"],
        },
    ]


def test_of_volumes_that_exist_the_summary_promises_nothing(tmp_path: Path) -> None:
    chart = ROOT / "tests" / "charts" / "traps" / "volume-per-pod" / "trap"
    args = storefront(workloads={"db": {"replicas": 3, "clustered": True}}, existing_volumes=True)
    args = {key: value for key, value in args.items() if key not in ("replicas", "values")} | {"chart": str(chart)}
    outputs = run(app(args), tmp_path).one("hakit:index:ZonalApp").outputs
    assert outputs["summary"].startswith("storefront (web 1.0.0); db 3 (where their volumes are) over 3 zones")


def test_an_autoscaled_app_keeps_its_minimum_and_says_so(tmp_path: Path) -> None:
    recording = run(app(storefront(needs=4, autoscaling={"max": 18, "cpu": 70})), tmp_path)
    objects = objects_of(recording)
    assert "replicas" not in objects["Deployment/storefront"]["spec"], "Helm fills in what runs"
    bounds = objects["HorizontalPodAutoscaler/storefront"]["spec"]
    assert (bounds["minReplicas"], bounds["maxReplicas"]) == (6, 18)
    outputs = recording.one("hakit:index:ZonalApp").outputs
    assert outputs["replicas"] == {"Deployment/storefront": 6}


def test_its_outputs_say_what_runs(tmp_path: Path) -> None:
    outputs = run(app(storefront(needs=4)), tmp_path).one("hakit:index:ZonalApp").outputs
    assert outputs == {
        "name": "storefront",
        "namespace": "shop",
        "services": {"storefront": "storefront.shop.svc"},
        "replicas": {"Deployment/storefront": 6},
        "accepted": [],
        "region": "",
        "role": "active",
        # six over three zones are two a zone, so four are left
        "summary": "storefront (storefront 1.2.0); storefront 6 (4 with a zone lost) over 3 zones",
    }


def test_the_frozen_chart_is_written_once_beside_pulumi_yaml_and_holds_no_value(tmp_path: Path) -> None:
    release = release_of(run(app(storefront()), tmp_path))
    (folder,) = (tmp_path / ".hakit" / "charts").iterdir()
    # relative to where the program and its provider run: the state is shared between machines
    assert not Path(release.inputs["chart"]).is_absolute()
    assert (Path.cwd() / release.inputs["chart"]).resolve() == folder.resolve()
    written = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert sorted(written) == ["Chart.yaml", "templates/objects.yaml", "values.yaml"]
    assert '"name": "storefront"' in written["Chart.yaml"]
    assert '"version": "1.2.0"' in written["Chart.yaml"]
    assert KEY not in "".join(written.values())


def test_a_preview_without_an_engine_writes_nothing(tmp_path: Path) -> None:
    with collecting():
        run(app(storefront()), tmp_path)
    assert not (tmp_path / ".hakit").exists()


# Secrets and Outputs


def test_every_secret_object_is_a_pulumi_secret_even_from_a_plain_value(tmp_path: Path) -> None:
    objects = objects_of(run(app(storefront()), tmp_path))
    assert isinstance(objects["Secret/storefront-session"], Secret)
    assert not isinstance(objects["Deployment/storefront"], Secret)


def test_a_secret_value_reaches_the_object_encoded_and_the_checksum_as_a_secret(tmp_path: Path) -> None:
    def program() -> None:
        app(storefront(values={"session": {"key": pulumi.Output.secret("s3cret-key")}}))()

    objects = objects_of(run(program, tmp_path))
    # base64 of "s3cret-key", by hand: printf s3cret-key | base64
    assert objects["Secret/storefront-session"].value["data"] == {"key": "czNjcmV0LWtleQ=="}
    annotations = objects["Deployment/storefront"]["spec"]["template"]["metadata"]["annotations"]
    # printf s3cret-key | sha256sum
    assert annotations == {
        "checksum/session": Secret("817b823905cc7853f381992575a9041fcdb17fc70e776707abfb4d7c59ecbf3f")
    }
    assert objects["Deployment/storefront"]["spec"]["replicas"] == 6


def test_an_output_that_is_not_known_yet_makes_only_its_own_field_unknown(tmp_path: Path) -> None:
    def program() -> None:
        database = k8s.core.v1.Service("db", metadata={"name": "db"})
        host = database.status.apply(lambda status: status.load_balancer)
        app(storefront(values={"database": {"host": host}}))()

    objects = objects_of(run(program, tmp_path))
    container = objects["Deployment/storefront"]["spec"]["template"]["spec"]["containers"][0]
    assert container["env"][0] == {"name": "DATABASE_HOST", "value": UNKNOWN}
    assert container["env"][1] == {"name": "DATABASE_NAME", "value": "orders"}
    assert container["image"] == "registry.example.com/shop/storefront:2.4.1"


def test_an_output_that_decides_which_objects_exist_is_refused_by_name(tmp_path: Path) -> None:
    program = app(lambda: storefront(values={"ingress": {"enabled": pulumi.Output.from_input(True)}}))
    with pytest.raises(HakitError, match=r"values\.ingress\.enabled: the chart asks whether it is set or true"):
        run(program, tmp_path)


def test_an_output_that_is_only_compared_with_a_word_is_refused_not_forgotten(tmp_path: Path) -> None:
    """No placeholder equals the word, so no render would ever show that the value matters."""
    chart = tmp_path / "modes"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: modes\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text("mode: single\n")
    (chart / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n"
        'data: {replicated: {{ eq .Values.mode "ha" | quote }}}\n'
    )
    args = {"chart": "modes", "namespace": "shop", "zones": ZONES}
    with pytest.raises(HakitError, match=r"values\.mode: no rendered field shows it"):
        run(app(lambda: {**args, "values": {"mode": pulumi.Output.from_input("ha")}}), tmp_path)


def test_an_output_that_the_chart_ignores_is_the_finding_that_a_plain_value_is(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match=r"HK003 error   replicas: the chart ignores this value"):
        run(app(lambda: storefront(values={"replicas": pulumi.Output.from_input(3)})), tmp_path)


# Roles


TOPOLOGY = """\
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  us-east-1:
    zones: [us-east-1a, us-east-1b, us-east-1c]
    kubernetes: "1.34"
    cluster: {context: prod-use1}
    storage: {zonal: gp3}
  us-west-2:
    zones: [us-west-2a, us-west-2b, us-west-2c]
    kubernetes: "1.34"
    cluster: {context: prod-usw2}
    storage: {zonal: gp3}
pairs:
  shop:
    mode: active-passive
    founded: us-east-1
    databases: [orders]
    objectives: {rto: 5m, rpo: 30s}
    handovers: [HANDOVERS]
"""


def in_region(region: str, args: dict[str, Any], provider_of: str = "") -> Callable[[], None]:
    def program() -> None:
        provider = hakit.kubernetes_provider("topology.yaml", provider_of or region)
        placed = {"topology": "topology.yaml", "pair": "shop", "scope": region, **args}
        placed.pop("zones", None)
        hakit.ZonalApp("app", placed, pulumi.ResourceOptions(providers=[provider]))  # ty: ignore

    return program


def topology_in(folder: Path, handovers: str = "") -> None:
    (folder / "topology.yaml").write_text(TOPOLOGY.replace("HANDOVERS", handovers))


ROLES = {
    "workloads": {
        "app-api": {"active": {"replicas": 4}, "standby": {"replicas": 2}},
        "app-worker": {"active": {"replicas": 3}, "standby": {"replicas": 0}},
    }
}


@pytest.mark.parametrize(
    ("handovers", "region", "role", "replicas"),
    [
        ("", "us-east-1", "active", {"Deployment/app-api": 4, "Deployment/app-worker": 3}),
        ("", "us-west-2", "standby", {"Deployment/app-api": 2, "Deployment/app-worker": 0}),
        # a failover takes effect at once
        (
            "{kind: failover, to: us-west-2, accept_loss: 30s}",
            "us-west-2",
            "active",
            {"Deployment/app-api": 4, "Deployment/app-worker": 3},
        ),
        # a planned one not before its token: the old region serves on
        (
            "{kind: planned, to: us-west-2}",
            "us-east-1",
            "active",
            {"Deployment/app-api": 4, "Deployment/app-worker": 3},
        ),
    ],
)
def test_the_role_that_the_handovers_give_decides_the_size(
    tmp_path: Path, handovers: str, region: str, role: str, replicas: dict[str, int]
) -> None:
    topology_in(tmp_path, handovers)
    outputs = run(in_region(region, warehouse(**ROLES)), tmp_path).one("hakit:index:ZonalApp").outputs
    assert outputs is not None
    assert (outputs["region"], outputs["role"], outputs["replicas"]) == (region, role, replicas)


def test_a_standby_holds_back_migrations_suspends_jobs_and_waits_for_nothing(tmp_path: Path) -> None:
    topology_in(tmp_path)
    active = run(in_region("us-east-1", warehouse(**ROLES)), tmp_path)
    standby = run(in_region("us-west-2", warehouse(**ROLES)), tmp_path)
    assert "Job/app-migration" in objects_of(active)
    assert "Job/app-migration" not in objects_of(standby)
    assert "suspend" not in objects_of(active)["CronJob/app-recount"]["spec"]
    assert objects_of(standby)["CronJob/app-recount"]["spec"]["suspend"] is True
    assert (release_of(active).inputs["atomic"], release_of(active).inputs["skipAwait"]) == (True, False)
    assert (release_of(standby).inputs["atomic"], release_of(standby).inputs["skipAwait"]) == (False, True)


def test_a_standby_gets_no_disruption_budget_for_what_is_switched_off(tmp_path: Path) -> None:
    topology_in(tmp_path)
    objects = objects_of(run(in_region("us-west-2", warehouse(**ROLES)), tmp_path))
    assert "PodDisruptionBudget/app-api" in objects
    assert "PodDisruptionBudget/app-worker" not in objects


def test_a_job_that_may_run_in_a_standby_is_named_and_runs(tmp_path: Path) -> None:
    topology_in(tmp_path)
    named = {"workloads": {**ROLES["workloads"], "app-recount": {"standby": {"suspend": False}}}}
    objects = objects_of(run(in_region("us-west-2", warehouse(**named)), tmp_path))
    assert objects["CronJob/app-recount"]["spec"]["suspend"] is False


def test_the_provider_of_a_region_is_pinned_by_the_topology_not_by_its_context(tmp_path: Path) -> None:
    topology_in(tmp_path)
    provider = run(in_region("us-east-1", warehouse(**ROLES)), tmp_path).one("pulumi:providers:kubernetes")
    assert provider.name == "us-east-1"
    assert provider.inputs["context"] == "prod-use1"
    assert provider.inputs["clusterIdentifier"] == "shop-prod-us-east-1"
    # Otherwise the provider deletes each ConfigMap and Secret whose data changes, and makes it anew.
    mutable = {key: provider.inputs[key] for key in ("enableConfigMapMutable", "enableSecretMutable")}
    assert mutable == {"enableConfigMapMutable": "true", "enableSecretMutable": "true"}


def test_the_provider_of_another_region_is_refused(tmp_path: Path) -> None:
    topology_in(tmp_path)
    with pytest.raises(HakitError, match="the Kubernetes provider is the one of region us-east-1"):
        run(in_region("us-west-2", warehouse(**ROLES), provider_of="us-east-1"), tmp_path)


def test_without_a_provider_it_refuses_instead_of_using_the_current_context(tmp_path: Path) -> None:
    def program() -> None:
        hakit.ZonalApp("storefront", storefront())  # ty: ignore

    with pytest.raises(HakitError, match="the current context of whoever deploys would be used"):
        run(program, tmp_path)


def test_two_applications_with_one_release_name_in_one_cluster_are_refused(tmp_path: Path) -> None:
    def program() -> None:
        cluster = k8s.Provider("use1", context="prod-use1")
        for name in ("one", "two"):
            options = pulumi.ResourceOptions(provider=cluster)
            hakit.ZonalApp(name, storefront(release_name="shop"), options)  # ty: ignore

    with pytest.raises(
        HakitError, match=r"ZonalApp 'two': release_name: ZonalApp 'one' deploys a release of this name"
    ):
        run(program, tmp_path)


def test_the_same_application_in_two_clusters_is_none_of_this(tmp_path: Path) -> None:
    def program() -> None:
        for name in ("use1", "usw2"):
            cluster = k8s.Provider(name, context=name)
            options = pulumi.ResourceOptions(provider=cluster)
            hakit.ZonalApp(f"shop-{name}", storefront(release_name="shop"), options)  # ty: ignore

    assert len(run(program, tmp_path).all("kubernetes:helm.sh/v3:Release")) == 2


def test_a_chart_that_renders_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "Chart.yaml").write_text("apiVersion: v2\nname: nothing\nversion: 1.0.0\n")
    with pytest.raises(HakitError, match="chart: nothing renders no object with these values"):
        run(app({"chart": "nothing", "namespace": "shop", "zones": ZONES}), tmp_path)


def test_an_object_that_the_chart_makes_twice_stops_it_before_anything_is_registered(tmp_path: Path) -> None:
    chart = tmp_path / "twice"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: twice\nversion: 1.0.0\n")
    for name in ("one", "two"):
        text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n"
        (chart / "templates" / f"{name}.yaml").write_text(text)
    seen: list[str] = []

    def program() -> None:
        try:
            app({"chart": "twice", "namespace": "shop", "zones": ZONES})()
        except HakitError as error:
            seen.append(str(error).splitlines()[0])

    recording = run(program, tmp_path)
    assert seen == ["ZonalApp 'storefront': the chart renders ConfigMap/map twice"]
    assert [resource.type for resource in recording.resources] == ["pulumi:providers:kubernetes"]


def test_an_error_of_the_chart_names_the_application_that_deploys_it(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match=r"^ZonalApp 'storefront': chart examples/charts/storefront: .*session.key"):
        run(app(storefront(values={"session": {"key": ""}})), tmp_path)


# Findings


def test_an_error_finding_stops_the_program_before_anything_of_the_application_is_registered(tmp_path: Path) -> None:
    seen: list[str] = []

    def program() -> None:
        try:
            app(storefront(replicas=1))()
        except FindingsError:
            seen.append("stopped")

    recording = run(program, tmp_path)
    assert seen == ["stopped"]
    assert [resource.type for resource in recording.resources] == ["pulumi:providers:kubernetes"]
    assert not (tmp_path / ".hakit").exists()


def test_replicas_that_cannot_survive_a_zone_are_refused_with_the_number_that_can(tmp_path: Path) -> None:
    with pytest.raises(FindingsError) as raised:
        run(app(storefront(replicas=6, needs=5)), tmp_path)
    # 8 replicas over 3 zones are 3+3+2: the loss of a full zone leaves 5. 7 are 3+2+2 and leave 4.
    assert str(raised.value) == (
        "ZonalApp 'storefront': 1 error finding\n"
        "HK001 error   Deployment/storefront spec.replicas: "
        "6 replicas over 3 zones leave 4 when one is lost; it needs 5\n"
        "      set replicas to 8, or lower needs\n"
        '  do:      mend them, or accept one on the record: accept={"HK...": "why"}'
    )


def test_one_zone_is_an_error_whatever_the_replicas(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match="HK002"):
        run(app(storefront(zones=["us-east-1a"])), tmp_path)


def test_what_stays_single_in_a_chart_with_several_workloads_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(FindingsError) as raised:
        run(app(warehouse(workloads={"storefront-api": {"replicas": 3}})), tmp_path)
    assert [(each.code, each.object) for each in raised.value.findings] == [("HK004", "Deployment/storefront-worker")]


def test_an_accepted_finding_is_let_through_and_recorded_with_its_reason(tmp_path: Path) -> None:
    args = warehouse(
        workloads={"storefront-api": {"replicas": 3}},
        accept={"HK004 Deployment/storefront-worker": "the queue keeps the jobs while it restarts"},
    )
    outputs = run(app(args), tmp_path).one("hakit:index:ZonalApp").outputs
    assert outputs is not None
    assert [(each["code"], each["object"], each["accepted"]) for each in outputs["accepted"]] == [
        ("HK004", "Deployment/storefront-worker", "the queue keeps the jobs while it restarts")
    ]


def test_accepting_what_is_not_raised_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match="HK033 error   accept HK005"):
        run(app(storefront(accept={"HK005": "no longer true"})), tmp_path)


def test_an_acceptance_that_only_the_other_role_uses_is_used(tmp_path: Path) -> None:
    """One program deploys both roles, so the entry must stay for the region that is active tomorrow."""
    topology_in(tmp_path)
    args = warehouse(
        workloads={"app-api": {"replicas": 3}, "app-worker": {"replicas": 1}},
        accept={"HK004 Deployment/app-worker": "the queue keeps the jobs while it restarts"},
    )
    outputs = run(in_region("us-west-2", args), tmp_path).one("hakit:index:ZonalApp").outputs
    assert outputs is not None
    assert (outputs["role"], outputs["accepted"]) == ("standby", [])


def test_a_value_that_the_chart_ignores_stops_the_program(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match=r"HK003 error   topologySpreadConstraints: the chart ignores this value"):
        run(app(storefront(values={"topologySpreadConstraints": [{"maxSkew": 1}]})), tmp_path)


# Definitions


def test_definitions_of_a_crds_folder_are_kept_and_come_before_the_release(tmp_path: Path) -> None:
    chart = tmp_path / "widgets"
    (chart / "templates").mkdir(parents=True)
    (chart / "crds").mkdir()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: widgets\nversion: 1.0.0\n")
    (chart / "templates" / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n")
    (chart / "crds" / "widget.yaml").write_text(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: widgets.example.com}\n"
        "spec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: []}\n"
    )
    recording = run(app({"chart": "widgets", "namespace": "shop", "zones": ZONES}), tmp_path)
    definition = recording.one("CustomResourceDefinition")
    assert definition.name == "storefront-widgets.example.com"
    assert definition.retain_on_delete, "its deletion would delete every Widget of the cluster"
    assert definition.inputs["spec"]["names"] == {"kind": "Widget", "plural": "widgets"}
    assert definition.urn in release_of(recording).depends_on
    assert sorted(objects_of(recording)) == ["ConfigMap/map"]
