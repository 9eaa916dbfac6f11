"""What the dashboard has on it. That Prometheus reads its expressions is in tests/lab/test_alerts.py; how Grafana draws
them is proven nowhere."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan.alerts import plan
from tests.unit.alerts.given import EAST, WEST, alerts, named, spec
from tests.unit.topology.example import EXAMPLE, with_handovers

FAILED_OVER = with_handovers("{to: us-west-2, kind: failover, accept_loss: 30s}")


def manifest(folder: Path, region: str = EAST, text: str = EXAMPLE, **changes: Any) -> dict[str, Any]:
    made = plan(spec(folder, region, text, **{"dashboard": {}, **changes}))
    (found,) = [each.manifest for each in made if each.manifest["kind"] == "ConfigMap"]
    return found


def model(folder: Path, region: str = EAST, text: str = EXAMPLE, **changes: Any) -> dict[str, Any]:
    (text,) = manifest(folder, region, text, **changes)["data"].values()
    return json.loads(text)


def panels(folder: Path, region: str = EAST, text: str = EXAMPLE, **changes: Any) -> dict[str, dict[str, Any]]:
    return {each["title"]: each for each in model(folder, region, text, **changes)["panels"] if each["type"] != "row"}


def steps(panel: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(each["color"], each["value"]) for each in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]


def test_it_is_what_the_sidecar_of_kube_prometheus_stack_looks_for(tmp_path: Path) -> None:
    found = manifest(tmp_path)
    assert found["metadata"] == {"name": "ha-dashboard", "namespace": "shop", "labels": {"grafana_dashboard": "1"}}
    assert list(found["data"]) == ["hakit.shop.ha.json"]
    own = {"labels": {"dashboards": "yes"}, "folder": "Platform/High availability", "folder_annotation": "folder"}
    assert manifest(tmp_path, dashboard=own)["metadata"] == {
        "name": "ha-dashboard",
        "namespace": "shop",
        "labels": {"dashboards": "yes"},
        "annotations": {"folder": "Platform/High availability"},
    }


def test_there_is_none_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert {each.manifest["kind"] for each in plan(spec(tmp_path))} == {"PrometheusRule"}


@pytest.mark.parametrize("folder", ["/etc", "../up", "a/../../b", "a//b", ".hidden", "a\nb"])
def test_a_folder_cannot_lead_out_of_the_sidecars_own(folder: str, tmp_path: Path) -> None:
    with pytest.raises(HakitError, match=r"dashboard\.folder: not a folder"):
        spec(tmp_path, dashboard={"folder": folder})


def test_a_key_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match=r"dashboard\.label: unknown argument"):
        spec(tmp_path, dashboard={"label": "grafana_dashboard"})


def test_everything_that_is_watched_has_its_panel(tmp_path: Path) -> None:
    assert list(panels(tmp_path)) == [
        "storefront: pods that serve, need 4",
        "storefront: ready pods by zone",
        "queue: pods that serve, need 2",
        "queue: ready pods by zone",
        "orders: replication lag",
        "orders: instances in us-east-1 that take writes (1 is right)",
        "orders: standby instances whose link is up (1) or down (0)",
        "orders: time since a segment was archived; -1 for never",
        "orders: age of the last base backup",
        "orders-restore: time since a restore was proven",
        "Time since the last failover drill",
        "Velero daily: time since the last success",
        "acme-prod-us-east-1-wal: how far its copy is behind",
        "acme-prod-us-east-1-wal: objects given up",
        "orders: instances that take writes, by region",
    ]


def test_what_is_not_named_has_neither_panel_nor_heading(tmp_path: Path) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("apps", "buckets", "restore_checks", "drills", "velero", "all_regions"), None
    )
    found = model(tmp_path, **nothing, databases={"orders": {"replication": "stream", "without_archive": True}})
    assert [each["title"] for each in found["panels"]] == [
        "Databases",
        "orders: replication lag",
        "orders: instances in us-east-1 that take writes (1 is right)",
        "orders: standby instances whose link is up (1) or down (0)",
    ]
    assert [each["name"] for each in found["templating"]["list"]] == ["prometheus"]


@pytest.mark.parametrize("region", [EAST, WEST])
def test_panels_lie_on_the_grid_and_none_over_another(region: str, tmp_path: Path) -> None:
    placed = model(tmp_path, region)["panels"]
    assert len({each["id"] for each in placed}) == len(placed)
    boxes = [each["gridPos"] for each in placed]
    assert all(box["x"] >= 0 and box["x"] + box["w"] <= 24 and min(box["w"], box["h"]) > 0 for box in boxes)
    for one, other in combinations(boxes, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


def test_bounds_are_those_of_the_alerts(tmp_path: Path) -> None:
    hourly = EXAMPLE.replace("{rto: 5m, rpo: 30s}", "{rto: 1h, rpo: 1h}")
    assert steps(panels(tmp_path)["orders: replication lag"]) == [("green", None), ("red", 30)]
    assert steps(panels(tmp_path, text=hourly)["orders: replication lag"]) == [("green", None), ("red", 3600)]
    found = panels(tmp_path)
    assert steps(found["storefront: pods that serve, need 4"]) == [("red", None), ("green", 4)]
    assert steps(found["orders: age of the last base backup"]) == [("green", None), ("red", 5400)]
    assert steps(found["orders-restore: time since a restore was proven"]) == [("green", None), ("red", 5400)]
    assert steps(found["Time since the last failover drill"]) == [("green", None), ("red", 86400)]
    assert steps(found["acme-prod-us-east-1-wal: how far its copy is behind"]) == [("green", None), ("red", 900)]


def test_an_archive_has_a_bound_only_where_it_is_shipped(tmp_path: Path) -> None:
    shipped = {"databases": {"orders": {"replication": "archive"}}}
    title = "orders: time since a segment was archived; -1 for never"
    assert steps(panels(tmp_path, WEST, **shipped)[title]) == [("green", None), ("red", 60)]
    assert steps(panels(tmp_path, EAST, **shipped)[title]) == [("green", None)]
    assert not [each for each in panels(tmp_path, WEST, **shipped) if "whose link is up" in each]


def test_fewer_pods_than_zones_are_not_called_a_zone_without(tmp_path: Path) -> None:
    title = "storefront: ready pods by zone"
    assert steps(panels(tmp_path, EAST)[title]) == [("red", None), ("green", 1)]
    assert steps(panels(tmp_path, WEST)[title]) == [("green", None)]  # two pods, three zones


def test_a_failover_turns_round_who_should_take_writes(tmp_path: Path) -> None:
    primary = [("red", None), ("green", 1)]
    standby = [("green", None), ("red", 1)]

    def writable(region: str, text: str) -> list[tuple[str, Any]]:
        (found,) = [each for title, each in panels(tmp_path, region, text).items() if f"in {region} that take" in title]
        return steps(found)

    assert (writable(EAST, EXAMPLE), writable(WEST, EXAMPLE)) == (primary, standby)
    assert (writable(EAST, FAILED_OVER), writable(WEST, FAILED_OVER)) == (standby, primary)


def test_only_what_sees_all_regions_is_asked_about_all(tmp_path: Path) -> None:
    asked = {title: each["datasource"]["uid"] for title, each in panels(tmp_path).items()}
    assert {title for title, uid in asked.items() if uid == "${all_regions}"} == {
        "orders: instances that take writes, by region"
    }
    assert set(asked.values()) == {"${prometheus}", "${all_regions}"}
    names = [each["name"] for each in model(tmp_path)["templating"]["list"]]
    assert names == ["prometheus", "all_regions"]


@pytest.mark.parametrize("region", [EAST, WEST])
def test_it_asks_for_no_series_that_the_alerts_do_not_ask_for(region: str, tmp_path: Path) -> None:
    series = re.compile(r"\b(?:kube|cnpg|barman|velero|aws)_\w+(?=\{)")
    shapes: list[dict[str, Any]] = [{}, {"databases": {"orders": {"replication": "archive"}}}]
    watched = {
        name
        for shape in shapes
        for side in (EAST, WEST)
        for each in alerts(spec(tmp_path, side, **shape))
        for name in series.findall(each.expr)
    }
    found = panels(tmp_path, region).values()
    asked = {name for each in found for target in each["targets"] for name in series.findall(target["expr"])}
    assert len(asked) >= 10
    assert asked <= watched


def test_grafana_finds_no_variable_of_its_own_in_an_expression(tmp_path: Path) -> None:
    """It would put its value in place of `$name`, `${name}` and `[[name]]`."""
    for each in panels(tmp_path).values():
        for target in each["targets"]:
            assert not re.search(r"\$|\[\[", target["expr"]), target["expr"]


def test_a_panel_says_where_its_alert_is_explained(tmp_path: Path) -> None:
    there = {each.name for region in (EAST, WEST) for each in alerts(spec(tmp_path, region))}
    for each in panels(tmp_path, runbooks="https://runbooks.example.com/alerts.md").values():
        name, _, address = each["description"].removeprefix("Alert ").partition(": ")
        assert name in there
        assert address == f"https://runbooks.example.com/alerts.md#{name.lower()}"


def test_regions_and_environments_have_dashboards_of_their_own(tmp_path: Path) -> None:
    staging = EXAMPLE.replace("environment: prod", "environment: staging")
    assert staging != EXAMPLE
    made = [model(tmp_path, EAST), model(tmp_path, WEST), model(tmp_path, EAST, staging)]
    assert len({each["uid"] for each in made}) == len({each["title"] for each in made}) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", each["uid"]) for each in made)
    assert model(tmp_path, EAST) == made[0]


def test_fifty_applications_fit_into_a_config_map_and_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    def apps(number: int) -> dict[str, Any]:
        return {f"app-{each}": {"active": {"replicas": 6, "needs": 4}} for each in range(number)}

    assert len(json.dumps(manifest(tmp_path, apps=apps(50)))) < 1024 * 1024
    with pytest.raises(HakitError, match="larger than a ConfigMap may be"):
        manifest(tmp_path, apps=apps(300))


def test_a_restore_is_not_called_proven_because_its_cron_job_is_new(tmp_path: Path) -> None:
    (target,) = panels(tmp_path)["orders-restore: time since a restore was proven"]["targets"]
    assert "kube_cronjob_created" not in target["expr"]
    assert "kube_cronjob_created" in named(spec(tmp_path), "HaRestoreCheckTooOld")[0].expr
