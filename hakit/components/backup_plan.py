"""BackupPlan: what is backed up in one region, how often and for how long, judged by what is promised."""

import base64
from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components import promised
from hakit.components.backup_plan_args import BackupPlanArgs
from hakit.components.manifests import resource
from hakit.components.order import after
from hakit.components.project import load_topology
from hakit.components.protection import create, refuse_unprotected
from hakit.components.providers import provider_of
from hakit.components.restore_check import RestoreCheck
from hakit.errors import HakitError
from hakit.plan import backup
from hakit.plan.backup_spec import BackupSpec, specify
from hakit.plan.restore_check_spec import of_plan
from hakit.plan.restore_check_spec import specify as specify_check


class BackupPlan(pulumi.ComponentResource):
    """The backups of a pair's databases and applications, by tiers of RPO, RTO and retention.

    Creates, with applications:
        - a Secret `<name>-repository`, the password of Velero's repositories, when it is given; protected and kept,
          and never changed;
        - a BackupStorageLocation `<name>-location-<region>` for each region of the pair: to write this region's
          backups, to read the others';
        - a Schedule `<name>-schedule-<application>` each, paused where an active-passive pair is standby;
        and, with dumps, a CronJob `<name>-dump-<dump>` each, suspended there.

    Creates, with `restore_check`, a RestoreCheck `<name>-restore-check`.

    Of a database it creates nothing else: PostgresCluster archives and makes base backups in every region. It judges
    them, and gives their arguments: `"backup": plan.databases["orders"]`. RegionPair's `backups` makes a plan of all of
    the pair's databases and gives it to them.

    Raises:
        HakitError: an argument is wrong; an objective is out of reach of its schedule; a retention is shorter than the
            lock; the only copy lies in the region that it protects; a PostgresCluster of the same program does not keep
            what is promised of it; no provider names the cluster. Nothing is registered then.
    """

    databases: dict[str, dict[str, str]]
    """By database, the `backup` argument of its PostgresCluster; plain values."""
    backup_every: dict[str, dict[str, str]]
    """By database, the longest time between two base backups, as HaAlerts takes it; plain values."""
    watched: dict[str, Any]
    """The `velero` argument of HaAlerts; plain values, empty without applications."""
    restore_checks: dict[str, dict[str, str]]
    """The `restore_checks` argument of HaAlerts; plain values, empty without `restore_check`."""
    promises: pulumi.Output[dict[str, str]]
    """In words, by database and application: how often, for how long, and what may be lost."""
    region: pulumi.Output[str]
    """Region of the topology."""

    def __init__(self, name: str, args: BackupPlanArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = specify(name, args, load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        refuse_unprotected(spec.where, opts, protected=spec.makes_password)
        for database, each in spec.databases.items():
            place = (spec.topology.path, spec.pair.name, database, spec.region.name)
            what = promised.Archiving(each.cron.text, each.retention, backup.archive_timeout(each))
            promised.promise(spec.where, place, what)
        checked = of_plan(name, args, spec.databases)
        if checked:
            specify_check(f"{name}-restore-check", checked, spec.topology)  # what it refuses, before all else
        super().__init__("hakit:index:BackupPlan", name, None, opts)
        needs = [self._secret(name, args, spec, opts)] if spec.makes_password else []
        for each in backup.plan(spec):
            # Schedules after the locations that they write to, and all of it after the password.
            made = create(self, name, each, list(needs), opts, protected=False)
            if each.manifest["kind"] == "BackupStorageLocation":
                needs.append(made)
        self.restore_checks = {}
        if checked:
            plain: Any = checked
            proves = RestoreCheck(f"{name}-restore-check", plain, after(opts, pulumi.ResourceOptions(parent=self)))
            self.restore_checks = proves.alerts
        self.databases = backup.databases(spec)
        self.backup_every, self.watched = backup.backup_every(spec), backup.watched(spec)
        self.promises = pulumi.Output.from_input(backup.promises(spec))
        self.region = pulumi.Output.from_input(spec.region.name)
        self.register_outputs({"databases": self.databases, "promises": self.promises, "region": self.region})

    def _secret(
        self, name: str, args: BackupPlanArgs, spec: BackupSpec, given: pulumi.ResourceOptions | None
    ) -> pulumi.CustomResource:
        password = pulumi.Output.secret(args["velero"]["repository_password"])
        own = pulumi.ResourceOptions(
            parent=self,
            # Without it no backup of a volume can be read again; another one in the configuration changes nothing.
            protect=True,
            retain_on_delete=True,
            ignore_changes=["data"],
            additional_secret_outputs=["data", "stringData"],
        )
        # As `data`, not `stringData`: so the API server sees whose the key is that Velero may have made, and refuses.
        manifest = {**backup.secret(spec), "data": {backup.REPOSITORY_KEY: password.apply(_encoded)}}
        return resource(f"{name}-repository", manifest, after(given, own))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"BackupPlan {name!r}", do="name the topology's file, which gives regions"
        )
    return path
