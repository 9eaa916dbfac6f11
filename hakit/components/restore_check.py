"""RestoreCheck: the newest backups of a pair's databases, restored on a schedule into a disposable place, and asked."""

from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components.project import load_topology
from hakit.components.protection import create
from hakit.components.providers import provider_of
from hakit.components.restore_check_args import RestoreCheckArgs
from hakit.errors import HakitError
from hakit.plan import restore_check
from hakit.plan.restore_check_spec import specify


class RestoreCheck(pulumi.ComponentResource):
    """Proof, again and again, that a pair's databases can be had back: from this region's archive and from the others'.

    Creates a namespace of its own, `<name>-restore-checks`, and in it
        - a CronJob `<database>-from-<region>` for each archive, which restores it into a Cluster of one instance that
          archives nothing, asks, and removes it; it ends well when all was as it should be;
        - a ConfigMap `<database>-from-<region>-restore-check` each, with the report of the last run;
        - service accounts, a Role and its binding, a NetworkPolicy, the ObjectStores to read the archives by.

    All of it can be made again, so nothing is protected.

    Raises:
        HakitError: an argument is wrong; a check writes; it is held too rarely; no provider names the cluster. Nothing
            is registered then.
    """

    alerts: dict[str, dict[str, str]]
    """By CronJob, what HaAlerts takes as `restore_checks`; plain values."""
    namespace: pulumi.Output[str]
    """The checks' own."""
    region: pulumi.Output[str]
    """Region of the topology."""

    def __init__(self, name: str, args: RestoreCheckArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = specify(name, args, load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        super().__init__("hakit:index:RestoreCheck", name, None, opts)
        needs: list[pulumi.Resource] = []
        for each in restore_check.plan(spec):
            made = create(self, name, each, list(needs), opts, protected=False)
            # A CronJob comes after all that its first run needs; the rest after the namespace.
            if each.manifest["kind"] != "CronJob":
                needs.append(made)
        self.alerts = restore_check.alerts(spec)
        self.namespace = pulumi.Output.from_input(spec.namespace)
        self.region = pulumi.Output.from_input(spec.region.name)
        self.register_outputs({"alerts": self.alerts, "namespace": self.namespace, "region": self.region})


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"RestoreCheck {name!r}", do="name the topology's file, which gives regions"
        )
    return path
