"""The dashboard as Grafana's sidecar takes it: a ConfigMap with one JSON model of the classic kind. Pure.

https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/ (newer
kinds of the model exist; Grafana reads this one too). The sidecar is kiwigrid/k8s-sidecar, as the charts grafana and
kube-prometheus-stack bring it.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from hakit.errors import HakitError
from hakit.plan.alerts_spec import AlertsSpec, Dashboard
from hakit.plan.dashboard_panels import NOW, Panel, sections
from hakit.plan.stores import Planned

Model = dict[str, Any]
#: The columns of Grafana's grid; how wide and high a panel is on it; the height of a heading.
COLUMNS, WIDE, HIGH, HEADING = 24, 8, 7, 1
#: Of the data sources that are chosen at the top: the region's own Prometheus, and one that sees all regions.
OWN, EVERYWHERE = "prometheus", "all_regions"
#: "The data stored in a ConfigMap cannot exceed 1 MiB": https://kubernetes.io/docs/concepts/configuration/configmap/
LARGEST = 1024 * 1024
#: Of the classic model, as Grafana 11 writes it; a newer Grafana brings an older number up to date as it loads.
_SCHEMA = 39


def config_map(spec: AlertsSpec, wanted: Dashboard) -> Planned:
    """The ConfigMap in the region's namespace.

    Raises:
        HakitError: there is more to show than a ConfigMap holds.
    """
    text = json.dumps(model(spec), indent=1) + "\n"
    if len(text.encode()) >= LARGEST:
        raise HakitError(
            "dashboard: larger than a ConfigMap may be",
            where=spec.where,
            given=f"{len(text.encode())} bytes for {len(spec.apps)} apps and {len(spec.databases)} databases",
            allowed=f"less than {LARGEST} bytes",
            do="split them over several HaAlerts, or leave the dashboard out",
        )
    annotations = {wanted.folder_annotation: wanted.folder} if wanted.folder else {}
    manifest: Model = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{spec.name}-dashboard",
            "namespace": spec.namespace,
            "labels": dict(wanted.labels),
            **({"annotations": annotations} if annotations else {}),
        },
        # The sidecar lays the files of all ConfigMaps into one folder, so this name is of this one only.
        "data": {f"hakit.{spec.namespace}.{spec.name}.json": text},
    }
    return Planned("dashboard", manifest)


def model(spec: AlertsSpec) -> Model:
    """The dashboard as Grafana stores it."""
    found = sections(spec)
    sources = [_source(OWN, f"Prometheus of {spec.region.name}")]
    if any(panel.everywhere for panels in found.values() for panel in panels):
        sources.append(_source(EVERYWHERE, "Prometheus of all regions"))
    return {
        "uid": _uid(spec),
        "title": f"High availability of {spec.pair.name} in {spec.region.name} ({spec.topology.environment})",
        "tags": ["hakit"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "graphTooltip": 1,  # one cross hair for all
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": sources},
        "panels": _placed(spec, found),
    }


def _uid(spec: AlertsSpec) -> str:
    """The same on every run; another for each region, environment and component that one Grafana may be shown."""
    topology = spec.topology
    parts = (topology.aws.prefix, topology.environment, spec.region.name, spec.namespace, spec.name)
    # Up to 40 letters, digits, hyphens and underscores.
    return f"hakit-{sha256('/'.join(parts).encode()).hexdigest()[:24]}"


def _source(name: str, label: str) -> Model:
    return {"type": "datasource", "name": name, "label": label, "query": "prometheus", "refresh": 1, "hide": 0}


def _placed(spec: AlertsSpec, found: Mapping[str, Sequence[Panel]]) -> list[Model]:
    """Headings over the whole width, and under each its panels from left to right."""
    placed: list[Model] = []
    top = 0
    for heading, panels in found.items():
        grid = {"x": 0, "y": top, "w": COLUMNS, "h": HEADING}
        placed.append({"id": len(placed) + 1, "gridPos": grid, **_heading(heading)})
        top += HEADING
        each_line = COLUMNS // WIDE
        for number, panel in enumerate(panels):
            line, column = divmod(number, each_line)
            grid = {"x": column * WIDE, "y": top + line * HIGH, "w": WIDE, "h": HIGH}
            placed.append({"id": len(placed) + 1, "gridPos": grid, **_drawn(spec, panel)})
        top += -(-len(panels) // each_line) * HIGH
    return placed


def _heading(title: str) -> Model:
    """An open one: its panels follow it, and are not within."""
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def _drawn(spec: AlertsSpec, panel: Panel) -> Model:
    source = {"type": "prometheus", "uid": f"${{{EVERYWHERE if panel.everywhere else OWN}}}"}
    now = panel.shape == NOW
    defaults: Model = {"unit": panel.unit, "thresholds": _thresholds(panel), "color": {"mode": "thresholds"}}
    if now:
        defaults["noValue"] = "none that is known"
        shape: Model = {"type": "stat", "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"}}
    else:
        defaults["color"] = {"mode": "palette-classic"}
        style = "off" if panel.bound is None else "dashed"
        defaults["custom"] = {"thresholdsStyle": {"mode": style}, "lineWidth": 2, "axisSoftMin": 0}
        shape = {"type": "timeseries", "options": {"legend": {"displayMode": "list", "placement": "bottom"}}}
    return {
        **shape,
        "title": panel.title,
        "description": f"Alert {panel.alert}: {spec.runbooks}#{panel.alert.lower()}",
        "datasource": source,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {
                "refId": f"Q{number}",
                "datasource": source,
                "expr": expr,
                "legendFormat": called,
                # What was true some hours ago must not stand there as if it were so now.
                "instant": now,
                "range": not now,
            }
            for number, (expr, called) in enumerate(panel.queries, 1)
        ],
    }


def _thresholds(panel: Panel) -> Model:
    """Green and red; the first step holds from the least value on, which is written as none."""
    if panel.bound is None:
        steps: list[Model] = [{"color": "green", "value": None}]
    else:
        first, then = ("red", "green") if panel.below else ("green", "red")
        steps = [{"color": first, "value": None}, {"color": then, "value": panel.bound}]
    return {"mode": "absolute", "steps": steps}
