"""The PrometheusRules of one region, and its dashboard: what is deployed there, by what it has to keep to. Pure.

https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule
"""

from collections.abc import Mapping
from typing import Any

from hakit.plan import alerts_apps, alerts_backups, alerts_databases, alerts_regions, alerts_stores, dashboard
from hakit.plan.alerts_rule import Alert, rule
from hakit.plan.alerts_spec import AlertsSpec
from hakit.plan.stores import Planned

Manifest = dict[str, Any]


def groups(spec: AlertsSpec) -> dict[str, list[Alert]]:
    """The alerts of this region's own Prometheus, by subject."""
    return {
        "apps": alerts_apps.alerts(spec),
        "databases": alerts_databases.alerts(spec),
        "backups": alerts_backups.alerts(spec),
        "stores": alerts_stores.alerts(spec),
    }


def groups_of_all_regions(spec: AlertsSpec) -> dict[str, list[Alert]]:
    """The alerts of a Prometheus that sees all regions; none where there is none."""
    return {"regions": alerts_regions.alerts(spec, spec.everywhere.label)} if spec.everywhere else {}


def plan(spec: AlertsSpec) -> list[Planned]:
    """One PrometheusRule for the region's own Prometheus, one for a Prometheus that sees all, and the dashboard.

    Raises:
        HakitError: the dashboard is larger than a ConfigMap may be.
    """
    found = [Planned("rules", _rules(spec, spec.name, groups(spec), spec.labels))]
    if spec.everywhere:
        name = f"{spec.name}-all-regions"
        found.append(Planned("all-regions", _rules(spec, name, groups_of_all_regions(spec), spec.everywhere.labels)))
    if spec.dashboard:
        found.append(dashboard.config_map(spec, spec.dashboard))
    return found


def _rules(spec: AlertsSpec, name: str, wanted: Mapping[str, list[Alert]], labels: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, "namespace": spec.namespace, **({"labels": dict(labels)} if labels else {})},
        "spec": {
            "groups": [
                {"name": f"hakit-{name}-{subject}", "rules": [rule(each, spec.runbooks) for each in found]}
                for subject, found in wanted.items()
                if found
            ]
        },
    }
