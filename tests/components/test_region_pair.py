"""What a RegionPair registers, and what a handover changes of it. The databases' own manifests have tests of their own;
that they run is shown in tests/lab."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recorded, Recording, record

ROOT = Path(__file__).parents[2]
EAST, WEST = "us-east-1", "us-west-2"
IMAGE = "registry.example.com/python@sha256:" + "a" * 64

TOPOLOGY = """
name: shop
environment: prod
aws: {account: "111122223333", prefix: acme}
regions:
  us-east-1:
    zones: [us-east-1a, us-east-1b, us-east-1c]
    kubernetes: "1.34"
    cluster: {context: prod-use1, pod_identity: true}
    storage: {zonal: gp3}
  us-west-2:
    zones: [us-west-2a, us-west-2b, us-west-2c]
    kubernetes: "1.34"
    cluster: {context: prod-usw2, pod_identity: true}
    storage: {zonal: gp3}
pairs:
  shop:
    mode: active-passive
    founded: us-east-1
    databases: [orders]
    objectives: {rto: 5m, rpo: 30s}
    witness: ["https://witness.example.com/shop.json"]
    handovers: HANDOVERS
"""


def pair(scope: str, **more: Any) -> dict[str, Any]:
    orders = {"storage": "50Gi", "instances": 3, "credentials": {"application": {"password": "a-test-password"}}}
    return {
        "topology": "topology.yaml",
        "scope": scope,
        "databases": {"orders": orders},
        "apps": {
            "warehouse": {
                "chart": "examples/charts/warehouse",
                "workloads": {
                    "warehouse-api": {"active": {"replicas": 4}, "standby": {"replicas": 2}},
                    "warehouse-worker": {"active": {"replicas": 3}, "standby": {"replicas": 0}},
                },
                "database": "orders",
                "database_values": {
                    "database.host": "host",
                    "database.name": "name",
                    "database.existingSecret": "secret",
                },
                "values": {"image": {"tag": "5.0.2"}},
            },
        },
        **more,
    }


def program(args: dict[str, Any]) -> Callable[[], None]:
    def run() -> None:
        scope = args["scope"]
        own = [] if scope == "all" else [hakit.kubernetes_provider("topology.yaml", scope)]
        hakit.RegionPair("shop", args, pulumi.ResourceOptions(providers=own))  # ty: ignore

    return run


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Recording]:
    (tmp_path / "examples").symlink_to(ROOT / "examples")

    def recorded(args: dict[str, Any], handovers: str = "[]") -> Recording:
        (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("HANDOVERS", handovers))
        return record(program(args), root=tmp_path)

    return recorded


def objects_of(recording: Recording, release: str = "shop-warehouse-release") -> dict[str, Any]:
    return dict(recording.one("kubernetes:helm.sh/v3:Release", release).inputs["values"]["objects"])


def test_a_region_runs_its_databases_and_the_applications_that_use_them(run: Callable[..., Recording]) -> None:
    recording = run(pair(EAST))
    component = recording.one("hakit:index:RegionPair")
    assert [(child.type, child.name) for child in recording.children(component)] == [
        ("hakit:index:PostgresCluster", "shop-orders"),
        ("hakit:index:ZonalApp", "shop-warehouse"),
    ]
    assert component.outputs == {"active": EAST}


def test_an_application_is_deployed_after_its_database(run: Callable[..., Recording]) -> None:
    release = run(pair(EAST)).one("kubernetes:helm.sh/v3:Release")
    assert "shop-orders-cluster-g1" in {urn.rpartition("::")[2] for urn in release.depends_on}


def test_an_application_finds_its_database_where_its_chart_looks_for_it(run: Callable[..., Recording]) -> None:
    for region in (EAST, WEST):
        (container,) = objects_of(run(pair(region)))["Deployment/warehouse-api"]["spec"]["template"]["spec"][
            "containers"
        ]
        env = {each["name"]: each for each in container["env"]}
        assert env["DATABASE_HOST"]["value"] == "orders-rw.shop.svc", "the region's own, and it stays in every role"
        assert env["DATABASE_NAME"]["value"] == "orders"
        assert env["DATABASE_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "orders-app", "key": "password"}


def test_a_regions_program_names_no_provider_and_no_context_of_another(run: Callable[..., Recording]) -> None:
    recording = run(pair(WEST))
    assert [each.name for each in recording.resources if each.type == "pulumi:providers:kubernetes"] == [WEST]
    assert {each.provider for each in recording.resources if each.custom and "providers" not in each.type} == {WEST}
    assert "prod-use1" not in repr(recording)


def test_the_scope_all_deploys_every_region_with_a_provider_each(run: Callable[..., Recording]) -> None:
    recording = run(pair("all"))
    component = recording.one("hakit:index:RegionPair")
    assert sorted(child.name for child in recording.children(component)) == [
        "shop-orders-us-east-1",
        "shop-orders-us-west-2",
        "shop-warehouse-us-east-1",
        "shop-warehouse-us-west-2",
        "us-east-1",
        "us-west-2",
    ]
    for region in (EAST, WEST):
        assert recording.one("kubernetes:helm.sh/v3:Release", f"shop-warehouse-{region}-release").provider == region
        (cluster,) = clusters(recording, region)
        assert cluster.provider == region
    standby = objects_of(recording, f"shop-warehouse-{WEST}-release")
    assert standby["Deployment/warehouse-api"]["spec"]["replicas"] == 2


def clusters(recording: Recording, suffix: str = "") -> list[Recorded]:
    found = [each for each in recording.resources if each.type == "kubernetes:postgresql.cnpg.io/v1:Cluster"]
    return [each for each in found if suffix in each.name]


#: One planned handover in each of its states, and what the Cluster of each region says then: handovers.md's table.
STATES = [
    ("[]", {EAST: ("orders-g1-us-east-1", None, 0), WEST: ("orders-g1-us-east-1", None, 0)}),
    (
        "[{kind: planned, to: us-west-2}]",
        {EAST: ("orders-g1-us-west-2", None, 10), WEST: ("orders-g1-us-east-1", None, 10)},
    ),
    (
        "[{kind: planned, to: us-west-2, tokens: {orders: dG9rZW4=}}]",
        {EAST: ("orders-g1-us-west-2", None, 11), WEST: ("orders-g1-us-west-2", "dG9rZW4=", 11)},
    ),
    (
        "[{kind: failover, to: us-west-2, accept_loss: 30s}]",
        {EAST: ("orders-g1-us-west-2", None, 10), WEST: ("orders-g1-us-west-2", None, 10)},
    ),
]


@pytest.mark.parametrize(("handovers", "expected"), STATES, ids=["none", "planned", "token", "failover"])
def test_one_appended_handover_moves_the_primary(
    run: Callable[..., Recording], handovers: str, expected: dict[str, tuple[str, str | None, int]]
) -> None:
    for region, (primary, token, epoch) in expected.items():
        (cluster,) = clusters(run(pair(region), handovers))
        replica = cluster.inputs["spec"]["replica"]
        assert (replica["primary"], replica.get("promotionToken")) == (primary, token), region
        assert cluster.inputs["metadata"]["annotations"]["hakit/epoch"] == str(epoch)


#: Written by hand, and shown in docs/region-pair.md.
FAILOVER_CHANGES = [
    "shop-orders-cluster-g1.metadata.annotations.hakit/epoch",
    "shop-orders-cluster-g1.spec.replica.primary",
    "shop-warehouse-release.atomic",
    "shop-warehouse-release.skipAwait",
    "shop-warehouse-release.values.objects.CronJob/warehouse-recount.spec.suspend",
    "shop-warehouse-release.values.objects.Deployment/warehouse-api.spec.replicas",
    "shop-warehouse-release.values.objects.Deployment/warehouse-worker.spec.replicas",
    "shop-warehouse-release.values.objects.Job/warehouse-migration",
    "shop-warehouse-release.values.objects.PodDisruptionBudget/warehouse-worker",
]


def test_a_failover_changes_these_fields_and_no_others(run: Callable[..., Recording]) -> None:
    """The surviving region's stack: the database's role and epoch; the applications' size, and what was held back."""
    failover = "[{kind: failover, to: us-west-2, accept_loss: 30s}]"
    before, after = (inputs_of(run(pair(WEST), handovers)) for handovers in ("[]", failover))
    assert sorted(changes(before, after)) == FAILOVER_CHANGES


def inputs_of(recording: Recording) -> dict[str, Any]:
    return {each.name: each.inputs for each in recording.resources if each.custom}


def changes(before: Any, after: Any, path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for key in before.keys() | after.keys():
            inner = f"{path}.{key}" if path else str(key)
            one_sided = key not in before or key not in after
            found += [inner] if one_sided else changes(before[key], after[key], inner)
        return found
    return [] if before == after else [path]


def test_a_rebuild_adds_a_copy_and_keeps_the_old_one(run: Callable[..., Recording]) -> None:
    rebuilt = "[{kind: failover, to: us-west-2, accept_loss: 30s}, {kind: rebuild, to: us-east-1, incarnation: 2}]"
    found = {each.name: each for each in clusters(run(pair(EAST), rebuilt))}
    assert sorted(found) == ["shop-orders-cluster-g1", "shop-orders-cluster-g2"]
    assert all(each.protect and each.retain_on_delete for each in found.values())


def test_the_fence_runs_in_the_pairs_namespace_with_its_rights_before_it(run: Callable[..., Recording]) -> None:
    recording = run(pair(EAST, fence={"image": IMAGE}))
    deployment = recording.one("kubernetes:apps/v1:Deployment", "shop-fence-deployment")
    assert deployment.inputs["metadata"]["namespace"] == "shop"
    needed = {urn.rpartition("::")[2] for urn in deployment.depends_on}
    assert {"shop-fence-role", "shop-fence-rolebinding", "shop-fence-code-configmap"} <= needed
    assert deployment.provider == EAST


def test_a_pair_without_a_fence_has_none(run: Callable[..., Recording]) -> None:
    assert [each.name for each in run(pair(EAST)).resources if "fence" in each.name] == []


READY = {"password": "another-test-password", "ingress": {"hostname": "shop.example.com"}}


def test_the_ready_endpoint_stands_in_every_role_after_the_database_that_it_asks(run: Callable[..., Recording]) -> None:
    for region in (EAST, WEST):
        recording = run(pair(region, ready=READY))
        found = [each.name for each in recording.resources if each.custom and each.name.startswith("shop-ready")]
        assert sorted(found) == [
            "shop-ready-deployment",
            "shop-ready-ingress",
            "shop-ready-login",
            "shop-ready-poddisruptionbudget",
            "shop-ready-service",
        ]
        deployment = recording.one("kubernetes:apps/v1:Deployment")
        assert "shop-orders-cluster-g1" in {urn.rpartition("::")[2] for urn in deployment.depends_on}
        assert (deployment.provider, deployment.inputs["metadata"]["namespace"]) == (region, "shop")


def test_its_login_is_one_secret_which_the_database_needs_too(run: Callable[..., Recording]) -> None:
    recording = run(pair(EAST, ready=READY))
    login = recording.one("kubernetes:core/v1:Secret", "shop-ready-login")
    assert login.inputs["type"] == "kubernetes.io/basic-auth"
    assert login.inputs["stringData"]["username"] == "hakit_ready"
    assert "another-test-password" not in repr(recording), "a secret from end to end"
    (cluster,) = clusters(recording)
    assert "shop-ready-login" in {urn.rpartition("::")[2] for urn in cluster.depends_on}
    (role,) = cluster.inputs["spec"]["managed"]["roles"]
    assert role["passwordSecret"]["name"] == login.inputs["metadata"]["name"] == "shop-ready"


def test_a_login_that_is_there_is_named_and_not_made(run: Callable[..., Recording]) -> None:
    recording = run(pair(EAST, ready={"secret": "own"}))
    assert [each.name for each in recording.resources if "ready-login" in each.name] == []
    (cluster,) = clusters(recording)
    assert cluster.inputs["spec"]["managed"]["roles"][0]["passwordSecret"] == {"name": "own"}


def test_a_failover_changes_nothing_of_the_ready_endpoint(run: Callable[..., Recording]) -> None:
    """Nothing has to be rolled out before the promoted region counts as healthy."""
    failover = "[{kind: failover, to: us-west-2, accept_loss: 30s}]"
    before, after = (inputs_of(run(pair(WEST, ready=READY), handovers)) for handovers in ("[]", failover))
    assert sorted(changes(before, after)) == FAILOVER_CHANGES


BACKUPS = {"tier": "critical", "databases": {"orders": {"rpo": "1m"}}}


@pytest.mark.parametrize("region", [EAST, WEST])
def test_the_databases_keep_what_the_pairs_backups_promise(run: Callable[..., Recording], region: str) -> None:
    recording = run(pair(region, backups=BACKUPS))
    plan = recording.one("hakit:index:BackupPlan")
    assert (plan.name, plan.parent.rpartition("::")[2]) == ("shop-backups", "shop")
    assert recording.one("kubernetes:postgresql.cnpg.io/v1:ScheduledBackup").inputs["spec"]["schedule"] == (
        "0 0 */6 * * *"
    )
    own = recording.one("kubernetes:barmancloud.cnpg.io/v1:ObjectStore", f"shop-orders-store-{region}")
    assert own.inputs["spec"]["retentionPolicy"] == "35d"
    # No route is declared, so that the pair's 30 s count: 15 s to fill a segment and 15 s to ship it.
    assert plan.outputs["promises"]["database orders"].endswith("at most 30s lost of 1m")


def test_a_database_that_the_backups_do_not_name_is_in_them_by_the_plans_tier(run: Callable[..., Recording]) -> None:
    recording = run(pair(EAST, backups={"tier": "relaxed"}))
    own = recording.one("kubernetes:barmancloud.cnpg.io/v1:ObjectStore", f"shop-orders-store-{EAST}")
    assert own.inputs["spec"]["retentionPolicy"] == "14d"


def test_with_routes_nothing_is_shipped_in_time_and_the_promise_is_judged_by_that(
    run: Callable[..., Recording],
) -> None:
    """Streamed to, a database archives by PostgreSQL's usual five minutes."""
    secrets = {"ca_secret": "ca", "client_secret": "client"}
    routes = {region: {"host": f"orders.{region}.internal.example.com", **secrets} for region in (EAST, WEST)}
    orders = {**pair(EAST)["databases"]["orders"], "routes": routes}
    with pytest.raises(HakitError, match=r"databases.orders.rpo: 1m is out of reach: 5m to fill a segment"):
        run(pair(EAST, databases={"orders": orders}, backups=BACKUPS))
    assert run(pair(EAST, databases={"orders": orders}, backups={"tier": "critical"})).one("hakit:index:BackupPlan")


def test_the_scope_all_has_a_plan_a_region(run: Callable[..., Recording]) -> None:
    recording = run(pair("all", backups=BACKUPS))
    assert [each.name for each in recording.all("hakit:index:BackupPlan")] == [
        f"shop-backups-{EAST}",
        f"shop-backups-{WEST}",
    ]


def test_a_pair_without_backups_has_no_plan_and_databases_keep_their_own(run: Callable[..., Recording]) -> None:
    recording = run(pair(EAST))
    assert recording.all("hakit:index:BackupPlan") == []
    scheduled = recording.one("kubernetes:postgresql.cnpg.io/v1:ScheduledBackup")
    assert scheduled.inputs["spec"]["schedule"] == "0 0 2 * * *"


def orders(**more: Any) -> dict[str, Any]:
    return {"orders": {**pair(EAST)["databases"]["orders"], **more}}


def without(args: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in args.items() if name != key}


def app(**more: Any) -> dict[str, Any]:
    return {"warehouse": {**pair(EAST)["apps"]["warehouse"], **more}}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (without(pair(EAST), "scope"), "scope is missing"),
        (pair("us-est-1"), r"scope: unknown region\n  given:   us-est-1\n.*\n  do:      did you mean 'us-east-1'"),
        (pair("shared"), "use BucketPair in the shared stack, GlobalLoadBalancer in the traffic stack"),
        (pair(EAST, pair="shops"), r"pair: the topology has no such pair\n.*\n.*\n  do:      did you mean 'shop'"),
        (pair(EAST, database={}), r"database: unknown argument\n.*\n.*\n  do:      did you mean 'databases'"),
        (pair(EAST, databases={}), r"databases: orders is missing\n  do:      declare it: pair shop lists it in .*:20"),
        (pair(EAST, databases={**pair(EAST)["databases"], "order": {}}), "databases.order: pair shop has no such"),
        (pair(EAST, databases={"orders": {"topology": "other.yaml"}}), "databases.orders.topology: the pair decides"),
        (
            pair(EAST, databases={"orders": {"storage": "5Gi"}}),
            "PostgresCluster 'shop-orders': credentials.application is",
        ),
        (pair(EAST, apps=app(database="order")), "apps.warehouse.database: pair shop has no such database"),
        (pair(EAST, apps={"warehouse": without(app()["warehouse"], "database_values")}), "database_values is missing"),
        (pair(EAST, apps={"warehouse": without(app()["warehouse"], "database")}), "apps.warehouse.database is missing"),
        (pair(EAST, apps=app(database_values={"database.host": "hostname"})), "database.host: unknown fact"),
        (
            pair(EAST, apps=app(values={"database": {"host": "elsewhere"}})),
            "apps.warehouse.values: database.host is set, and database_values sets it too",
        ),
        (pair(EAST, apps={"orders": app()["warehouse"]}), "an application and a database have one name"),
        (pair(EAST, apps=app(replica=3)), "ZonalApp 'shop-warehouse': replica: unknown argument"),
        (pair(EAST, fence={}), "fence.image is missing"),
        (pair(EAST, ready={}), "ready: one of secret and password"),
        (
            pair(EAST, apps={**app(), "depot": {**app()["warehouse"], "release_name": "warehouse"}}),
            r"apps.depot.release_name: apps.warehouse has the same, in the same namespace\n  given:   warehouse",
        ),
        (pair(EAST, backups={"scope": EAST}), "backups.scope: the pair decides it"),
        (pair(EAST, backups={"teir": "critical"}), "backups.teir: unknown argument"),
        (pair(EAST, backups={"databases": {"order": {}}}), "BackupPlan 'shop-backups': databases: pair shop has no"),
        (pair(EAST, backups={"databases": {"orders": {"rpo": "1s"}}}), "databases.orders.rpo: 1s is out of reach"),
        (
            pair(EAST, backups={}, databases=orders(backup={"retention": "7d"})),
            "databases.orders.backup: backups of the pair decides it",
        ),
        (
            pair(EAST, backups={}, databases=orders(without_archive="it is a cache")),
            "databases.orders: backups of the pair promises a restore of it, and it has no archive",
        ),
        (
            pair(EAST, backups={"databases": {"orders": {"ships_wal": True}}}),
            "backups.databases.orders.ships_wal: the pair decides it",
        ),
        # What only a chart can tell.
        (
            pair(EAST, apps={**app(), "depot": {"chart": "examples/charts/depot"}}),
            "ZonalApp 'shop-depot': chart: nothing",
        ),
        (pair(EAST, apps=app(values={"sprad": "hosts"})), "HK003 error   sprad: the chart ignores this value"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_registered(
    tmp_path: Path, args: dict[str, Any], message: str
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("HANDOVERS", "[]"))
    registered: list[str] = []

    def refused() -> None:
        provider = hakit.kubernetes_provider("topology.yaml", EAST)
        with pytest.raises(HakitError) as raised:
            hakit.RegionPair("shop", args, pulumi.ResourceOptions(providers=[provider]))  # ty: ignore
        assert re.search(message, str(raised.value)), str(raised.value)

    recording = record(refused, root=tmp_path)
    registered = [each.type for each in recording.resources if each.type != "pulumi:pulumi:Stack"]
    assert registered == ["pulumi:providers:kubernetes"]


def test_a_pair_without_a_provider_is_refused(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(TOPOLOGY.replace("HANDOVERS", "[]"))
    with pytest.raises(HakitError, match="RegionPair 'shop': no Kubernetes provider"):
        record(lambda: hakit.RegionPair("shop", pair(EAST)), root=tmp_path)  # ty: ignore
