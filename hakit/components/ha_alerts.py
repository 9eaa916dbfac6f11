"""HaAlerts: alerts on whatever would break high availability, as PrometheusRules, and a dashboard of the same."""

from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components.drills_held import last_day
from hakit.components.ha_alerts_args import HaAlertsArgs
from hakit.components.manifests import resource
from hakit.components.order import after
from hakit.components.project import load_topology, project_root
from hakit.components.providers import provider_of
from hakit.errors import HakitError
from hakit.plan import alerts
from hakit.plan.alerts_spec import specify


class HaAlerts(pulumi.ComponentResource):
    """Alerts of one region, with bounds from the pair's objectives; docs/alerts.md has what to do for each.

    Creates:
        - a PrometheusRule `<name>-rules` for the region's own Prometheus;
        - with `all_regions` a PrometheusRule `<name>-all-regions` for one that sees every region;
        - with `dashboard` a ConfigMap `<name>-dashboard`, which Grafana's sidecar loads.

    Which alerts there are follows the role of the region, so they change with a handover.

    Raises:
        HakitError: an argument is wrong; no provider names the cluster. Nothing is registered then.
    """

    alerts: pulumi.Output[list[str]]
    """Names of the alerts, each once."""

    def __init__(self, name: str, args: HaAlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = specify(name, _with_last_drill(name, args), load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        planned = alerts.plan(spec)
        super().__init__("hakit:index:HaAlerts", name, None, opts)
        for each in planned:
            resource(f"{name}-{each.key}", each.manifest, after(opts, pulumi.ResourceOptions(parent=self)))
        wanted = {**alerts.groups(spec), **alerts.groups_of_all_regions(spec)}
        found = sorted({alert.name for group in wanted.values() for alert in group})
        self.alerts = pulumi.Output.from_input(found)
        self.register_outputs({"alerts": found})


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"HaAlerts {name!r}", do="name the topology's file, which gives objectives"
        )
    return path


def _with_last_drill(name: str, args: Any) -> Any:
    """The arguments with the day of the last drill in place of the folder that says it."""
    drills = args.get("drills") if isinstance(args, Mapping) else None
    if not isinstance(drills, Mapping) or "history" not in drills:
        return args
    where = f"HaAlerts {name!r}"
    if "last" in drills:
        raise HakitError("drills: last and history contradict each other", where=where, do="leave one of them out")
    if not isinstance(drills["history"], str) or not drills["history"]:
        raise HakitError("drills.history: not a folder's path", where=where, given=repr(drills["history"]))
    rest = {key: value for key, value in drills.items() if key != "history"}
    return {**args, "drills": {**rest, "last": last_day(project_root() / drills["history"])}}
