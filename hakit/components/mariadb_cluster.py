"""MariaDbCluster: one MariaDB database of a pair, in one of its regions."""

from collections.abc import Mapping
from typing import Any

import pulumi

from hakit.components.mariadb_cluster_args import MariaDbClusterArgs
from hakit.components.project import load_topology
from hakit.components.protection import create, refuse_unprotected
from hakit.components.providers import provider_of
from hakit.errors import HakitError
from hakit.plan import mariadb
from hakit.plan.mariadb_spec import specify
from hakit.topology import names


class MariaDbCluster(pulumi.ComponentResource):
    """A MariaDB database by mariadb-operator, in the role that the topology's handovers give it in this region.

    Creates, `<copy>` being `g<incarnation>`:
        - a MariaDB `<name>-mariadb-<copy>`, and one for each older copy that a rebuild left behind;
        - a ConfigMap `<name>-created`: the guard's record of the highest incarnation that was created here;
        - where the pair is active, a Database, a User and a Grant `<name>-database-<copy>` and so on, and a
          PhysicalBackup `<name>-backup-<copy>`;
        - with `multi_cluster`, an ExternalMariaDB `<name>-member-<copy's own name>` for each copy that it knows.

    The MariaDB is protected, and kept when it leaves the program. Across regions this is a preview upstream; what it
    waits for and what it does not is in docs/other-databases.md.

    Raises:
        HakitError: an argument is wrong; the pair's objectives or handovers are out of reach of what was chosen; no
            provider names the cluster. Nothing is registered then.
    """

    host: pulumi.Output[str]
    """DNS name of the primary's Service within the region's cluster; another one after a rebuild."""
    database: pulumi.Output[str]
    """The database in SQL."""
    region: pulumi.Output[str]
    """Region of the topology."""
    role: pulumi.Output[str]
    """`active`, `standby`, or `held`: read-only, as a handover is under way or a rebuild is due."""
    epoch: pulumi.Output[int]
    """How far the list of handovers has come: entries * 10 + step."""
    cluster: pulumi.Output[str]
    """Name of the MariaDB of the copy that counts."""

    def __init__(self, name: str, args: MariaDbClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        spec = specify(name, args, load_topology(_path(name, args)))
        provider_of(spec.where, spec.region.name, opts)
        refuse_unprotected(spec.where, opts, protected=spec.protected)
        planned = mariadb.plan(spec)

        super().__init__("hakit:index:MariaDbCluster", name, None, opts)
        made: dict[str, pulumi.Resource] = {}
        for each in planned:
            # Members before the MariaDBs that name them, MariaDBs before all that goes by their name.
            first = "member-" if each.holds_data else "mariadb-"
            needs = [] if each.key.startswith("member-") else [made[key] for key in made if key.startswith(first)]
            made[each.key] = create(self, name, each, needs, opts, protected=spec.protected)
        now = mariadb.turn(spec.pair, spec.database, spec.intent.member)
        outputs = {
            "host": mariadb.host(spec),
            "database": spec.database_name,
            "region": spec.region.name,
            "role": "held" if now.held else "active" if now.active else "standby",
            "epoch": spec.intent.epoch.number,
            "cluster": names.member(spec.database, spec.intent.member),
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)


def _path(name: str, args: Any) -> str:
    path = args.get("topology") if isinstance(args, Mapping) else None
    if not isinstance(path, str) or not path:
        raise HakitError(
            "topology is missing", where=f"MariaDbCluster {name!r}", do="name the topology's file, which gives roles"
        )
    return path
