"""What the tests of alerts start from: the example's pair, with everything that HaAlerts can watch, on short times."""

from pathlib import Path
from typing import Any

from hakit.plan.alerts import groups, groups_of_all_regions
from hakit.plan.alerts_rule import Alert
from hakit.plan.alerts_spec import AlertsSpec, specify
from hakit.topology import load
from hakit.topology.model import Topology
from tests.unit.topology.example import EXAMPLE

EAST, WEST = "us-east-1", "us-west-2"

ARGUMENTS: dict[str, Any] = {
    "topology": "topology.yaml",
    "pair": "shop",
    "scope": EAST,
    "namespace": "shop",
    "apps": {
        "storefront": {"active": {"replicas": 6, "needs": 4}, "standby": {"replicas": 2}},
        "queue": {"kind": "StatefulSet", "active": {"replicas": 3, "needs": 2}, "standby": {"replicas": 0}},
    },
    "databases": {"orders": {"replication": "stream", "backup_every": "1h"}},
    "buckets": {"wal": {}},
    "restore_checks": {"orders-restore": {"every": "1h"}},
    "drills": {"last": "1970-01-01", "every": "1d"},  # promtool's clock starts there
    "velero": {"locations": ["default"], "schedules": {"daily": {"every": "1h"}}},
    "certificate_days": 1,
    "all_regions": {},
}


def topology(folder: Path, text: str = EXAMPLE) -> Topology:
    path = folder / "topology.yaml"
    path.write_text(text, encoding="utf-8")
    return load(str(path))


def spec(folder: Path, region: str = EAST, text: str = EXAMPLE, **changes: Any) -> AlertsSpec:
    return specify("ha", {**ARGUMENTS, "scope": region, **changes}, topology(folder, text))


def alerts(made: AlertsSpec) -> list[Alert]:
    return [each for group in (groups(made) | groups_of_all_regions(made)).values() for each in group]


def named(made: AlertsSpec, name: str) -> list[Alert]:
    return [each for each in alerts(made) if each.name == name]
