"""Every alert in Prometheus' own rule engine: it fires, it keeps silent, and twice its bound or time is found out.

Series are named and labelled as their exporters do; the builders in hakit/plan/alerts_*.py say where that is written.
That an exporter really shows them in your cluster is not proven here.
"""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.plan.alerts import plan
from hakit.plan.alerts_rule import Alert, rule
from hakit.plan.dashboard_panels import sections
from lab.harness.tools import tool
from tests.lab.conftest import need
from tests.lab.definitions import documents
from tests.unit.alerts.given import EAST, WEST, alerts, named, spec

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def _promtool() -> None:
    need("promtool")


Series = Mapping[str, str]
KSM = 'job="kube-state-metrics",instance="10.1.0.9:8080",container="kube-state-metrics"'
MINUTE, HOUR, DAY = 60, 3600, 86400


def of_pods(zones: Mapping[str, str], pods: Mapping[str, str], *, ready: bool = True) -> Series:
    """What kube-state-metrics shows of nodes (name to zone) and pods (name to node)."""
    found = {}
    for node, zone in zones.items():
        found[f'kube_node_labels{{node="{node}",label_topology_kubernetes_io_zone="{zone}",{KSM}}}'] = "1x3000"
    for pod, node in pods.items():
        one = f'namespace="shop",pod="{pod}",uid="u-{pod}",{KSM}'
        owner = f'created_by_kind="ReplicaSet",created_by_name="{pod.rpartition("-")[0]}"'
        found[f'kube_pod_info{{{one},node="{node}",host_ip="10.0.0.1",pod_ip="10.2.0.1",{owner}}}'] = "1x3000"
        found[f'kube_pod_status_ready{{{one},condition="true"}}'] = f"{int(ready)}x3000"
        found[f'kube_pod_status_ready{{{one},condition="false"}}'] = f"{int(not ready)}x3000"
    return found


NODES = {"n1": "us-east-1a", "n2": "us-east-1b", "n3": "us-east-1c"}


def storefront(*nodes: str) -> Series:
    return of_pods(NODES, {f"storefront-7c9f8d6b5-{number:05}": node for number, node in enumerate(nodes)})


def ksm(name: str, labels: str, values: str) -> Series:
    return {f'{name}{{namespace="shop",{labels},{KSM}}}': values}


def budget(allowed: int, expected: int) -> Series:
    labels = 'poddisruptionbudget="storefront"'
    return {
        **ksm("kube_poddisruptionbudget_status_pod_disruptions_allowed", labels, f"{allowed}x3000"),
        **ksm("kube_poddisruptionbudget_status_expected_pods", labels, f"{expected}x3000"),
    }


def postgres(name: str, values: str, pod: str = "orders-g1-1", region: str = "") -> Series:
    """What a PodMonitor makes of a series of CloudNativePG's exporter."""
    labels = f'namespace="shop",pod="{pod}",container="postgres",job="shop/orders-rw",endpoint="metrics"'
    told = f',region="{region}"' if region else ""
    return {f"{name}{{{labels}{told}}}": values}


def archiver(failed: str, archived: str) -> Series:
    return {
        **postgres("cnpg_pg_stat_archiver_last_failed_time", failed),
        **postgres("cnpg_pg_stat_archiver_last_archived_time", archived),
    }


def link(receiver: int, lag: str = "0x3000") -> Series:
    """A standby instance. `lag` is 0 whenever all that was received has been replayed."""
    return {
        **postgres("cnpg_pg_replication_lag", lag),
        **postgres("cnpg_pg_replication_in_recovery", "1x3000"),
        **postgres("cnpg_pg_replication_is_wal_receiver_up", f"{receiver}x3000"),
    }


def recovery(east: str | None, west: str | None) -> Series:
    """What both regions say of `pg_is_in_recovery()`, in a Prometheus that sees both."""
    name = "cnpg_pg_replication_in_recovery"
    sides = ((EAST, east, "orders-g1-1"), (WEST, west, "orders-g1-3"))
    found: dict[str, str] = {}
    for region, value, pod in sides:
        found |= postgres(name, value, pod, region) if value is not None else {}
    return found


def archived_to(east: str, west: str) -> Series:
    name = "cnpg_pg_stat_archiver_last_archived_wal_start_lsn"
    return {**postgres(name, east, "orders-g1-1", EAST), **postgres(name, west, "orders-g1-1", WEST)}


BACKUP = "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp"
CRON, JOB = 'cronjob="orders-restore"', 'job_name="orders-restore-29012345"'


def failed_job(started: int, *, failed: bool = True) -> Series:
    return {
        **ksm("kube_job_status_start_time", JOB, f"{started}x3000"),
        **ksm("kube_job_failed", f'{JOB},condition="true"', f"{int(failed)}x3000"),
        **ksm("kube_job_failed", f'{JOB},condition="false"', f"{int(not failed)}x3000"),
    }


def bucket(metric: str, values: str, source: str = WEST, to: str = EAST) -> Series:
    labels = f'source_bucket="acme-prod-{source}-wal",destination_bucket="acme-prod-{to}-wal",rule_id="to-{to}"'
    return {f'aws_s3_{metric}{{job="aws_s3",instance="",{labels}}}': values}


def certificate(ends: int) -> Series:
    issuer = 'issuer_name="shop-ca",issuer_kind="Issuer",issuer_group="cert-manager.io"'
    labels = f'name="orders-server",namespace="cert-manager",exported_namespace="shop",{issuer}'
    return {f"certmanager_certificate_expiration_timestamp_seconds{{{labels}}}": f"{ends}x3000"}


def volume(available: int) -> Series:
    labels = '{namespace="shop",persistentvolumeclaim="orders-g1-1",job="kubelet",node="n1",metrics_path="/metrics"}'
    return {
        f"kubelet_volume_stats_available_bytes{labels}": f"{available}x3000",
        f"kubelet_volume_stats_capacity_bytes{labels}": "100x3000",
    }


def velero(name: str, labels: str, values: str) -> Series:
    return {f'velero_{name}{{{labels},namespace="velero",job="velero"}}': values}


@dataclass(frozen=True)
class Case:
    """An alert that fires on some series and keeps silent on others, both looked at at the same second.

    Attributes:
        at: later than the alert's hold after the matter began, earlier than twice that.
        only: labels of the one alert of that name that is meant.
        bound: False where the matter is none of the bound, so that twice of it changes nothing.
    """

    alert: str
    at: int
    fires: Series
    silent: Series
    region: str = EAST
    only: Mapping[str, str] = field(default_factory=dict)
    bound: bool = True
    arguments: Mapping[str, Any] = field(default_factory=dict)


SHIPPED = {"databases": {"orders": {"replication": "archive", "backup_every": "1h"}}}
SHOP, ORDERS = {"app": "storefront"}, {"database": "orders"}
AGE = "cnpg_pg_stat_archiver_seconds_since_last_archival"
AVAILABLE, READY = "kube_deployment_status_replicas_available", "kube_statefulset_status_replicas_ready"
CASES = {
    "three pods in one zone and one in each other": Case(
        "HaPodsOutOfBalance",
        16 * MINUTE,
        storefront("n1", "n1", "n1", "n2", "n3"),
        storefront("n1", "n1", "n2", "n3"),
        only=SHOP,
    ),
    "a zone without a pod, which has no series": Case(
        "HaZoneWithoutPods", 16 * MINUTE, storefront("n1", "n1", "n2", "n2"), storefront("n1", "n2", "n3"), only=SHOP
    ),
    "a zone whose pod is not ready": Case(
        "HaZoneWithoutPods",
        16 * MINUTE,
        {**storefront("n1", "n2"), **of_pods({}, {"storefront-7c9f8d6b5-xxxxx": "n3"}, ready=False)},
        {**storefront("n1", "n2"), **of_pods({}, {"storefront-7c9f8d6b5-xxxxx": "n3"})},
        only=SHOP,
    ),
    "kube-state-metrics without the zone's label": Case(
        "HaZoneWithoutPods",
        16 * MINUTE,
        {key: value for key, value in storefront("n1", "n2", "n3").items() if "kube_node_labels" not in key},
        storefront("n1", "n2", "n3"),
        only=SHOP,
    ),
    "pods of another application with a longer name": Case(
        "HaZoneWithoutPods",
        16 * MINUTE,
        {**storefront("n1", "n2"), **of_pods({}, {"storefront-api-7c9f8d6b5-xxxxx": "n3"})},
        {**storefront("n1", "n2", "n3"), **of_pods({}, {"storefront-api-7c9f8d6b5-xxxxx": "n3"})},
        only=SHOP,
    ),
    "three pods serve where four are needed": Case(
        "HaReplicasUnderNeed",
        200,
        ksm(AVAILABLE, 'deployment="storefront"', "3x3000"),
        ksm(AVAILABLE, 'deployment="storefront"', "4x3000"),
        only=SHOP,
    ),
    "a StatefulSet that is gone": Case(
        "HaReplicasUnderNeed", 200, {}, ksm(READY, 'statefulset="queue"', "2x3000"), only={"app": "queue"}
    ),
    "a budget that lets none of three pods go": Case("HaBudgetExhausted", 16 * MINUTE, budget(0, 3), budget(1, 3)),
    "a budget of one pod lets none go by design": Case("HaBudgetExhausted", 16 * MINUTE, budget(0, 2), budget(0, 1)),
    "a lag over the RPO": Case(
        "HaReplicationLag",
        90,
        postgres("cnpg_pg_replication_lag", "45x3000"),
        postgres("cnpg_pg_replication_lag", "20x3000"),
        WEST,
    ),
    "a broken link that reports zero lag": Case("HaReplicationBroken", 90, link(0), link(1), WEST),
    "a region that is shipped nothing any more": Case(
        "HaReplicationBroken", 90, postgres(AGE, "75x3000"), postgres(AGE, "50x3000"), WEST, arguments=SHIPPED
    ),
    "a region that was never shipped anything": Case(
        "HaReplicationBroken",
        90,
        postgres(AGE, "-1x3000"),
        postgres(AGE, "5x3000"),
        WEST,
        bound=False,
        arguments=SHIPPED,
    ),
    "the archive fails after it worked": Case(
        "HaArchiveFailing", 90, archiver("600x3000", "500x3000"), archiver("500x3000", "600x3000")
    ),
    "the archive never worked": Case(
        "HaArchiveFailing", 90, archiver("600x3000", "-1x3000"), archiver("-1x3000", "-1x3000")
    ),
    "a base backup older than a period and a half": Case(
        "HaBackupTooOld", 6600, postgres(BACKUP, "600x3000"), postgres(BACKUP, "2400x3000")
    ),
    "a base backup that never ran": Case(
        "HaBackupNeverRan", 4000, postgres(BACKUP, "0x3000"), postgres(BACKUP, "9x3000")
    ),
    "an exporter that shows no backup at all": Case("HaBackupNeverRan", 4000, {}, postgres(BACKUP, "9x3000")),
    "a restore failed after the last good one": Case(
        "HaRestoreCheckFailed",
        90,
        {**failed_job(50), **ksm("kube_cronjob_status_last_successful_time", CRON, "40x3000")},
        {**failed_job(50), **ksm("kube_cronjob_status_last_successful_time", CRON, "60x3000")},
    ),
    "the first restore failed": Case("HaRestoreCheckFailed", 90, failed_job(50), failed_job(50, failed=False)),
    "the last good restore is too long ago": Case(
        "HaRestoreCheckTooOld",
        6600,
        ksm("kube_cronjob_status_last_successful_time", CRON, "600x3000"),
        ksm("kube_cronjob_status_last_successful_time", CRON, "2400x3000"),
    ),
    "a restore that never succeeded": Case(
        "HaRestoreCheckTooOld",
        6600,
        ksm("kube_cronjob_created", CRON, "600x3000"),
        ksm("kube_cronjob_created", CRON, "2400x3000"),
    ),
    "a restore check that is not there": Case(
        "HaRestoreCheckTooOld", 5900, {}, ksm("kube_cronjob_created", CRON, "2400x3000")
    ),
    "no drill for longer than agreed": Case("HaDrillTooOld", DAY + 500, {}, {}),
    "writable while declared standby": Case(
        "HaWritableStandby",
        200,
        postgres("cnpg_pg_replication_in_recovery", "0x3000"),
        postgres("cnpg_pg_replication_in_recovery", "1x3000"),
        WEST,
    ),
    "two primaries": Case("HaTwoPrimaries", 90, recovery("0x3000", "0x3000"), recovery("0x3000", "1x3000")),
    "no primary": Case("HaNoPrimary", 200, recovery("1x3000", "1x3000"), recovery("0x3000", "1x3000")),
    "no primary, as its region is silent": Case("HaNoPrimary", 200, recovery(None, "1x3000"), recovery("0x3000", None)),
    "a region that is silent": Case(
        "HaRegionSilent",
        200,
        {'up{region="us-east-1",job="node"}': "1x3000"},
        {'up{region="us-east-1",job="node"}': "1x3000", 'up{region="us-west-2",job="node"}': "0x3000"},
        only={"of_region": WEST},
    ),
    "a standby lacks what was archived before the RPO": Case(
        "HaStandbyBehind", 150, archived_to("7 8x3000", "7x3000"), archived_to("7x3000", "7x3000")
    ),
    "objects wait longer than S3 promises": Case(
        "HaBucketReplicationSlow",
        400,
        bucket("replication_latency_maximum", "1200x3000"),
        bucket("replication_latency_maximum", "800x3000"),
    ),
    "objects that S3 gave up on": Case(
        "HaBucketReplicationFailing",
        90,
        bucket("operations_failed_replication_sum", "3x3000", EAST, WEST),
        bucket("operations_failed_replication_sum", "0x3000", EAST, WEST),
    ),
    "objects that S3 gave up on, on their way here": Case(
        "HaBucketReplicationFailing",
        90,
        bucket("operations_failed_replication_sum", "3x3000"),
        bucket("operations_failed_replication_sum", "0x3000"),
    ),
    "a location that Velero cannot reach": Case(
        "HaVeleroLocationUnavailable",
        16 * MINUTE,
        velero("backup_location_status_gauge", 'backup_location_name="default"', "0x3000"),
        velero("backup_location_status_gauge", 'backup_location_name="default"', "1x3000"),
    ),
    "Velero's last success is too long ago": Case(
        "HaVeleroBackupTooOld",
        7200,
        velero("backup_last_successful_timestamp", 'schedule="daily"', "600x3000"),
        velero("backup_last_successful_timestamp", 'schedule="daily"', "2400x3000"),
    ),
    "Velero never had a success": Case(
        "HaVeleroBackupTooOld", 6600, {}, velero("backup_last_successful_timestamp", 'schedule="daily"', "2400x3000")
    ),
    "a certificate that ends within a day": Case(
        "HaCertificateExpires", 2 * HOUR, certificate(DAY + 1800), certificate(DAY + 3 * HOUR)
    ),
    "a volume with ten percent left": Case("HaVolumeFull", 400, volume(10), volume(20)),
}
#: Nothing that is measured can silence a drill that is due: the silent case is an earlier second.
EARLIER = {"no drill for longer than agreed": DAY - 500}


def group(found: list[Alert]) -> dict[str, Any]:
    return {"groups": [{"name": "one", "rules": [rule(each, "docs/alerts.md") for each in found]}]}


def one(name: str, series: Series, at: int, alerts_firing: int) -> dict[str, Any]:
    asked = f'count(ALERTS{{alertname="{CASES[name].alert}",alertstate="firing"}})'
    expected = [{"labels": "{}", "value": alerts_firing}] if alerts_firing else []
    return {
        "interval": "1m",
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "promql_expr_test": [{"expr": asked, "eval_time": f"{at}s", "exp_samples": expected}],
    }


def meant(folder: Path, name: str) -> Alert:
    """The one alert that a case is about."""
    case = CASES[name]
    there = named(spec(folder, case.region, **case.arguments), case.alert)
    (found,) = (each for each in there if case.only.items() <= each.labels.items())
    return found


def variants(alert: Alert, *, bound: bool) -> dict[str, Alert]:
    found = {"as it is": alert, "twice the time": replace(alert, hold=2 * alert.hold)}
    if alert.limit is not None and bound:
        found["twice the bound"] = replace(alert, limit=2 * alert.limit)
    return found


def write(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML, and quicker


def promtool(folder: Path, *words: str) -> tuple[int, str]:
    command = [str(tool("promtool")), *words]
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[tuple[str, str], str]]:
    """What promtool says of each case, by variant and by side: empty, or what it got instead. One run for all."""
    need("promtool")
    folder, places = tmp_path_factory.mktemp("alerts"), {}
    for name, case in CASES.items():
        sides = {
            "fires": one(name, case.fires, case.at, 1),
            "keeps silent": one(name, case.silent, EARLIER.get(name, case.at), 0),
        }
        for variant, alert in variants(meant(folder, name), bound=case.bound).items():
            write(folder, rules := f"rules-{len(places)}.yaml", group([alert]))
            for side, test in sides.items():
                content = {"rule_files": [rules], "evaluation_interval": "30s", "tests": [test]}
                write(folder, file := f"test-{len(places)}.yaml", content)
                places[file] = (name, variant, side)
    _, said = promtool(folder, "test", "rules", *places)
    # It names no file, but answers in the order of the files.
    answers = re.findall(r"^  (SUCCESS|FAILED:)\n(.*?)(?=^  SUCCESS|^  FAILED:|\Z)", said, re.MULTILINE | re.DOTALL)
    assert len(answers) == len(places), said
    found: dict[str, dict[tuple[str, str], str]] = {name: {} for name in CASES}
    for (name, variant, side), (word, details) in zip(places.values(), answers, strict=True):
        assert word == "SUCCESS" or "exp:" in details, f"promtool did not get so far as to compare: {details}"
        found[name][variant, side] = "" if word == "SUCCESS" else details
    return found


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_and_keeps_silent_and_twice_its_bound_or_time_is_noticed(
    name: str, outcomes: Mapping[str, Mapping[tuple[str, str], str]]
) -> None:
    found = outcomes[name]
    assert found["as it is", "fires"] == ""
    assert found["as it is", "keeps silent"] == ""
    for variant in {variant for variant, _ in found} - {"as it is"}:
        assert found[variant, "fires"] or found[variant, "keeps silent"], variant


def test_every_alert_has_a_case(tmp_path: Path) -> None:
    there = {each.name for region in (EAST, WEST) for each in alerts(spec(tmp_path, region))}
    assert {case.alert for case in CASES.values()} == there


def test_what_an_alert_says_is_filled_in(tmp_path: Path) -> None:
    write(tmp_path, "rules.yaml", plan(spec(tmp_path, WEST))[0].manifest["spec"])
    expected = {
        "exp_labels": {"severity": "critical", "database": "orders"},
        "exp_annotations": {
            "summary": "A copy of orders is 45s behind",
            "impact": "A failover now would lose more than the pair's RPO.",
            "runbook_url": "docs/alerts.md#hareplicationlag",
        },
    }
    series = [{"series": each, "values": values} for each, values in CASES["a lag over the RPO"].fires.items()]
    asked = {"alertname": "HaReplicationLag", "eval_time": "3m", "exp_alerts": [expected]}
    tests = [{"input_series": series, "alert_rule_test": [asked]}]
    write(tmp_path, "tests.yaml", {"rule_files": ["rules.yaml"], "tests": tests})
    code, said = promtool(tmp_path, "test", "rules", "tests.yaml")
    assert code == 0, said


@pytest.mark.parametrize("region", [EAST, WEST])
def test_promtool_finds_nothing_wrong_with_the_rules(region: str, tmp_path: Path) -> None:
    for planned in plan(spec(tmp_path, region)):
        write(tmp_path, "rules.yaml", planned.manifest["spec"])
        code, said = promtool(tmp_path, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
        assert code == 0, said


def panels(folder: Path, region: str, **changes: Any) -> dict[str, list[str]]:
    """The expressions of the dashboard, by the panel's title."""
    found = sections(spec(folder, region, **changes))
    return {panel.title: [expr for expr, _ in panel.queries] for each in found.values() for panel in each}


@pytest.mark.parametrize("region", [EAST, WEST])
def test_prometheus_reads_every_expression_of_the_dashboard(region: str, tmp_path: Path) -> None:
    shapes: list[dict[str, Any]] = [{}, SHIPPED]
    asked = [expr for shape in shapes for each in panels(tmp_path, region, **shape).values() for expr in each]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(asked)]
    write(tmp_path, "rules.yaml", {"groups": [{"name": "panels", "rules": rules}]})
    code, said = promtool(tmp_path, "check", "rules", "rules.yaml")
    assert code == 0, said
    assert f"{len(asked)} rules found" in said
    write(
        tmp_path, "broken.yaml", {"groups": [{"name": "panels", "rules": [{"record": "one", "expr": f"{asked[0]})"}]}]}
    )
    assert promtool(tmp_path, "check", "rules", "broken.yaml")[0] != 0


def test_panels_show_what_is_there_and_zero_where_nothing_is(tmp_path: Path) -> None:
    found = panels(tmp_path, WEST) | panels(tmp_path, EAST)
    instances = {
        **postgres("cnpg_pg_replication_in_recovery", "0x3000", "orders-g1-1"),
        **postgres("cnpg_pg_replication_in_recovery", "1x3000", "orders-g1-2"),
        **postgres("cnpg_pg_replication_in_recovery", "1x3000", "orders-g1-3"),
        **postgres("cnpg_pg_replication_is_wal_receiver_up", "0x3000", "orders-g1-1"),
        **postgres("cnpg_pg_replication_is_wal_receiver_up", "1x3000", "orders-g1-2"),
        **postgres("cnpg_pg_replication_is_wal_receiver_up", "0x3000", "orders-g1-3"),
    }
    series = {
        **storefront("n1", "n1", "n2"),
        **instances,
        **postgres(BACKUP, "600x3000"),
        **ksm("kube_cronjob_created", CRON, "0x3000"),
    }
    first, second, third = found["storefront: ready pods by zone"]
    (links,) = found["orders: standby instances whose link is up (1) or down (0)"]
    (writable,) = found[f"orders: instances in {EAST} that take writes (1 is right)"]
    (backup,) = found["orders: age of the last base backup"]
    (proven,) = found["orders-restore: time since a restore was proven"]
    expected: list[tuple[str, dict[str, int]]] = [
        (first, {"{}": 2}),
        (second, {"{}": 1}),
        (third, {"{}": 0}),
        (links, {'{pod="orders-g1-2"}': 1, '{pod="orders-g1-3"}': 0}),
        (writable, {"{}": 1}),
        (backup, {"{}": 300}),
        (proven, {}),
    ]
    asked = [
        {"expr": expr, "eval_time": "15m", "exp_samples": [{"labels": each, "value": v} for each, v in values.items()]}
        for expr, values in expected
    ]
    given = [{"series": each, "values": values} for each, values in series.items()]
    write(tmp_path, "rules.yaml", {"groups": []})
    test = {"interval": "1m", "input_series": given, "promql_expr_test": asked}
    write(tmp_path, "tests.yaml", {"rule_files": ["rules.yaml"], "tests": [test]})
    code, said = promtool(tmp_path, "test", "rules", "tests.yaml")
    assert code == 0, said


def test_cloudnative_pg_itself_brings_every_series_of_its_own_that_is_asked_for(tmp_path: Path) -> None:
    """Of the release's manifest; whether Prometheus scrapes them depends on the PodMonitor."""
    need("manifests/cnpg.yaml")
    queries = next(each for each in documents("manifests/cnpg.yaml") if "queries" in each.get("data", {}))
    brought = {
        f"cnpg_{query.get('name', key)}_{metric}"
        for key, query in yaml.safe_load(queries["data"]["queries"]).items()
        for metrics in query["metrics"]
        for metric in metrics
    }
    shapes: list[dict[str, Any]] = [{}, SHIPPED]
    specs = [spec(tmp_path, region, **shape) for region in (EAST, WEST) for shape in shapes]
    asked = {name for made in specs for each in alerts(made) for name in re.findall(r"\bcnpg_\w+", each.expr)}
    assert asked == {
        "cnpg_pg_replication_in_recovery",
        "cnpg_pg_replication_is_wal_receiver_up",
        "cnpg_pg_replication_lag",
        "cnpg_pg_stat_archiver_last_archived_time",
        "cnpg_pg_stat_archiver_last_archived_wal_start_lsn",
        "cnpg_pg_stat_archiver_last_failed_time",
        "cnpg_pg_stat_archiver_seconds_since_last_archival",
    }
    assert asked <= brought
