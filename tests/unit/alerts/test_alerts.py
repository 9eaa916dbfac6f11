"""Which alerts there are, with which bounds. That they fire is in tests/lab/test_alerts.py, by Prometheus itself."""

import re
from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan.alerts import plan
from hakit.plan.alerts_spec import ARGUMENTS, specify
from tests.unit.alerts.given import ARGUMENTS as GIVEN
from tests.unit.alerts.given import EAST, WEST, alerts, named, spec, topology
from tests.unit.topology.example import EXAMPLE, with_handovers

ROOT = Path(__file__).parents[3]
FAILED_OVER = with_handovers("{to: us-west-2, kind: failover, accept_loss: 30s}")


def bounds(folder: Path, name: str, region: str = EAST, text: str = EXAMPLE, **changes: Any) -> list[tuple[Any, int]]:
    return [(each.limit, each.hold) for each in named(spec(folder, region, text, **changes), name)]


def objectives(rto: str, rpo: str) -> str:
    return EXAMPLE.replace("{rto: 5m, rpo: 30s}", f"{{rto: {rto}, rpo: {rpo}}}")


def test_the_lag_that_is_borne_is_the_rpo(tmp_path: Path) -> None:
    assert bounds(tmp_path, "HaReplicationLag", WEST) == [(30, 60)]
    assert bounds(tmp_path, "HaReplicationLag", WEST, objectives("5m", "10m")) == [(600, 60)]


def test_a_link_may_be_down_for_the_rpo_but_two_scrapes_at_least_and_a_quarter_of_an_hour_at_most(
    tmp_path: Path,
) -> None:
    assert bounds(tmp_path, "HaReplicationBroken", WEST) == [(None, 60)]
    assert bounds(tmp_path, "HaReplicationBroken", WEST, objectives("1h", "5m")) == [(None, 300)]
    assert bounds(tmp_path, "HaReplicationBroken", WEST, objectives("1h", "4h")) == [(None, 900)]


def test_half_of_the_rto_is_left_for_whoever_is_called(tmp_path: Path) -> None:
    for name in ("HaReplicasUnderNeed", "HaNoPrimary", "HaRegionSilent"):
        assert {hold for _, hold in bounds(tmp_path, name)} == {150}
        assert {hold for _, hold in bounds(tmp_path, name, text=objectives("1m", "30s"))} == {60}
        assert {hold for _, hold in bounds(tmp_path, name, text=objectives("4h", "30s"))} == {600}


def test_copies_of_objects_may_be_behind_by_the_rpo_but_s3_promises_no_less_than_15_minutes(tmp_path: Path) -> None:
    assert bounds(tmp_path, "HaBucketReplicationSlow") == [(900, 300)]
    assert bounds(tmp_path, "HaBucketReplicationSlow", text=objectives("1h", "1h")) == [(3600, 300)]


def test_a_backup_may_be_half_a_period_late(tmp_path: Path) -> None:
    assert bounds(tmp_path, "HaBackupTooOld", databases={}) == [(129600, 300)]
    assert bounds(tmp_path, "HaRestoreCheckTooOld", restore_checks={"x": {"every": "7d"}}) == [(907200, 300)]


def test_a_failover_turns_round_which_side_may_be_writable_and_who_needs_what(tmp_path: Path) -> None:
    def writable(region: str, text: str) -> list[str]:
        return [each.labels["cluster"] for each in named(spec(tmp_path, region, text), "HaWritableStandby")]

    def needs(region: str, text: str) -> dict[str, Any]:
        return {each.labels["app"]: each.limit for each in named(spec(tmp_path, region, text), "HaReplicasUnderNeed")}

    assert (writable(EAST, EXAMPLE), writable(WEST, EXAMPLE)) == ([], ["orders-g1"])
    assert (writable(EAST, FAILED_OVER), writable(WEST, FAILED_OVER)) == (["orders-g1"], [])
    assert needs(EAST, EXAMPLE) == needs(WEST, FAILED_OVER) == {"storefront": 4, "queue": 2}
    assert needs(WEST, EXAMPLE) == needs(EAST, FAILED_OVER) == {"storefront": 1}


def test_a_copy_that_a_rebuild_left_behind_must_not_be_writable_either(tmp_path: Path) -> None:
    rebuilt = FAILED_OVER + "      - {to: us-east-1, kind: rebuild, incarnation: 2}\n"
    found = named(spec(tmp_path, EAST, rebuilt), "HaWritableStandby")
    assert [each.labels["cluster"] for each in found] == ["orders-g2", "orders-g1"]
    assert 'pod=~"orders-g2-[0-9]+"' in named(spec(tmp_path, EAST, rebuilt), "HaBackupTooOld")[0].expr


def test_regions_that_each_own_their_rows_may_all_be_writable(tmp_path: Path) -> None:
    partitioned = EXAMPLE.replace("active-passive", "active-active\n    writes: partitioned")
    for region in (EAST, WEST):
        there = {each.name for each in alerts(spec(tmp_path, region, partitioned))}
        assert not there & {"HaWritableStandby", "HaTwoPrimaries", "HaNoPrimary", "HaStandbyBehind"}
        assert {"HaReplicationLag", "HaBackupTooOld", "HaRegionSilent"} <= there


def test_a_primary_is_not_expected_to_receive_by_the_archive(tmp_path: Path) -> None:
    shipped = {"databases": {"orders": {"replication": "archive"}}}
    assert "seconds_since_last_archival" in named(spec(tmp_path, WEST, **shipped), "HaReplicationBroken")[0].expr
    assert "is_wal_receiver_up" in named(spec(tmp_path, EAST, **shipped), "HaReplicationBroken")[0].expr


def test_backups_by_velero_are_missed_only_where_backup_plan_makes_them(tmp_path: Path) -> None:
    def watched(region: str, text: str = EXAMPLE) -> list[str]:
        found = named(spec(tmp_path, region, text), "HaVeleroBackupTooOld")
        assert named(spec(tmp_path, region, text), "HaVeleroLocationUnavailable"), "a standby restores from it"
        return [each.labels["schedule"] for each in found]

    both = EXAMPLE.replace("active-passive", "active-active\n    writes: primary-region")
    assert (watched(EAST), watched(WEST)) == (["daily"], [])
    assert (watched(EAST, FAILED_OVER), watched(WEST, FAILED_OVER)) == ([], ["daily"])
    assert (watched(EAST, both), watched(WEST, both)) == (["daily"], ["daily"])


def test_a_workload_that_is_scaled_to_zero_is_not_watched(tmp_path: Path) -> None:
    assert not [each for each in alerts(spec(tmp_path, WEST)) if each.labels.get("app") == "queue"]


def test_a_single_pod_or_zone_cannot_be_out_of_balance(tmp_path: Path) -> None:
    def of(app: dict[str, Any]) -> set[str]:
        return {each.name for each in alerts(spec(tmp_path, apps={"x": app})) if each.labels.get("app") == "x"}

    assert of({"active": {"replicas": 1}}) == {"HaReplicasUnderNeed"}
    assert of({"active": {"replicas": 3}, "zones": ["us-east-1a"]}) == {"HaReplicasUnderNeed"}
    assert of({"active": {"replicas": 2}}) == {"HaReplicasUnderNeed", "HaPodsOutOfBalance", "HaZoneWithoutPods"}


def test_two_pods_need_only_two_zones(tmp_path: Path) -> None:
    assert bounds(tmp_path, "HaZoneWithoutPods", apps={"x": {"active": {"replicas": 2}}}) == [(2, 900)]
    assert bounds(tmp_path, "HaZoneWithoutPods", apps={"x": {"active": {"replicas": 9}}}) == [(3, 900)]


def test_what_is_not_asked_for_is_not_watched(tmp_path: Path) -> None:
    bare = specify("ha", {key: GIVEN[key] for key in ("topology", "pair", "scope", "namespace")}, topology(tmp_path))
    assert sorted(each.name for each in alerts(bare)) == [
        "HaArchiveFailing",
        "HaBackupNeverRan",
        "HaBackupTooOld",
        "HaCertificateExpires",
        "HaReplicationBroken",
        "HaReplicationLag",
        "HaVolumeFull",
    ]


def test_only_a_prometheus_that_sees_all_regions_is_asked_about_all(tmp_path: Path) -> None:
    made = plan(
        spec(tmp_path, labels={"release": "monitoring"}, all_regions={"label": "cluster", "labels": {"a": "b"}})
    )
    assert [each.manifest["metadata"] for each in made] == [
        {"name": "ha", "namespace": "shop", "labels": {"release": "monitoring"}},
        {"name": "ha-all-regions", "namespace": "shop", "labels": {"a": "b"}},
    ]
    assert "count by (cluster)" in str(made[1].manifest)
    assert "HaTwoPrimaries" not in str(made[0].manifest)
    assert len(plan(spec(tmp_path, all_regions=None))) == 1


def test_every_rule_says_what_it_means_and_where_to_read_on(tmp_path: Path) -> None:
    for region in (EAST, WEST):
        for planned in plan(spec(tmp_path, region, runbooks="https://example.com/alerts")):
            for group in planned.manifest["spec"]["groups"]:
                for each in group["rules"]:
                    assert set(each["annotations"]) == {"summary", "impact", "runbook_url"}
                    assert each["annotations"]["runbook_url"] == f"https://example.com/alerts#{each['alert'].lower()}"
                    assert each["labels"]["severity"] in ("critical", "warning")
                    assert "LIMIT" not in each["expr"]


def test_a_database_without_an_archive_has_no_backup_to_miss(tmp_path: Path) -> None:
    databases = {"orders": {"replication": "stream", "without_archive": True}}
    there = {each.name for each in alerts(spec(tmp_path, databases=databases))}
    assert not there & {"HaArchiveFailing", "HaBackupTooOld", "HaBackupNeverRan", "HaStandbyBehind"}
    assert {"HaReplicationLag", "HaTwoPrimaries"} <= there


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"databases": {"order": {}}}, "databases.order: unknown argument"),
        ({"databases": {"orders": {"replication": "copy"}}}, "databases.orders.replication: unknown word"),
        ({"databases": {"orders": {"without_archive": True}}}, "no archive, and it is the archive that the other"),
        ({"databases": {"orders": {"backup_every": "24"}}}, "databases.orders.backup_every: not a duration"),
        ({"databases": {"orders": {"backup_every": "5s"}}}, "databases.orders.backup_every: not a duration, or too"),
        ({"apps": {"x": {"active": {"replicas": 2, "needs": 3}}}}, "apps.x.active.needs: more than there are replicas"),
        ({"apps": {"x": {"standby": {"replicas": 2}}}}, "apps.x.active is missing"),
        ({"apps": {"x": {"active": {"replicas": 2}, "zones": ["us-west-2a"]}}}, "unknown zone in region us-east-1"),
        ({"apps": {"x": {"active": {"replicas": 2}, "kind": "DaemonSet"}}}, "apps.x.kind: unknown word"),
        ({"apps": {'x"} or vector(1)': {"active": {"replicas": 2}}}}, "apps: not a Kubernetes name"),
        ({"buckets": {"wal": {"latency": "5m"}}}, "buckets.wal.latency: not a duration, or too short"),
        ({"buckets": {"wal": {"days": "5m"}}}, "buckets.wal.days: unknown argument"),
        ({"restore_checks": {"Orders": {}}}, "restore_checks: not a Kubernetes name"),
        ({"drills": {"last": "last week"}}, "drills.last: not a date"),
        ({"drills": {"last": "2026-10-01", "every": "1h"}}, "drills.every: not a duration, or too short"),
        ({"velero": {"locations": ['a"b']}}, "velero.locations: not a Kubernetes name"),
        ({"all_regions": {"label": "my region"}}, "all_regions.label: not a label's name"),
        ({"volume_percent": 80}, "volume_percent: of a volume must be free"),
        ({"namespace": "Shop"}, "namespace: not a Kubernetes name"),
        ({"pair": "bookshop"}, "pair: the topology has no such pair"),
        ({"scope": "eu-west-1"}, "scope: unknown region"),
        ({"threshold": 3}, "threshold: unknown argument"),
    ],
)
def test_a_wrong_argument_is_named(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(HakitError, match=re.escape(said)):
        specify("ha", {**GIVEN, **changes}, topology(tmp_path))


def test_every_argument_is_declared() -> None:
    from hakit.components.ha_alerts_args import HaAlertsArgs

    assert sorted(HaAlertsArgs.__annotations__) == sorted(ARGUMENTS)


def test_a_restore_check_is_looked_for_in_its_own_namespace(tmp_path: Path) -> None:
    def namespaces(**check: str) -> set[str]:
        found = alerts(spec(tmp_path, restore_checks={"x": check}))
        texts = [each.expr for each in found if each.name.startswith("HaRestoreCheck")]
        return {part for text in texts for part in re.findall(r'namespace="([^"]*)"', text)}

    assert namespaces(namespace="shop-restore-checks") == {"shop-restore-checks"}
    assert namespaces() == {"shop"}
