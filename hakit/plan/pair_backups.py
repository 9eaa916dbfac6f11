"""The backups of a pair: one BackupPlan that knows its databases, and that its PostgresClusters keep. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.backup_spec import ARGUMENTS
from hakit.topology.model import Pair

#: What the pair decides for its plan.
_DECIDED = ("topology", "pair", "scope")


def arguments(given: Arguments, pair: Pair, databases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """What BackupPlan is given, but for what the pair decides; every database of the pair is in it. None without.

    Raises:
        HakitError: something is said twice, or a database has nothing that could be backed up.
    """
    if "backups" not in given:
        return None
    inner = given.inner("backups", ARGUMENTS)
    for key in _DECIDED:
        if key in inner:
            raise HakitError(
                f"backups.{key}: the pair decides it", where=given.where, do=f"leave it out; {key} of the pair holds"
            )
    written = inner.mapping("databases")
    for name, args in databases.items():
        _check(given.where, name, args, written.get(name))
    # In the order of the pair; what the plan does not know, it refuses itself.
    every = {name: written.get(name) or {} for name in pair.databases}
    return {**inner.given, **({"databases": {**every, **written}} if {**every, **written} else {})}


def _check(where: str, name: str, database: Mapping[str, Any], planned: Any) -> None:
    if database.get("backup") is not None:
        raise HakitError(
            f"databases.{name}.backup: backups of the pair decides it",
            where=where,
            do=f"say it as backups.databases.{name}, where it is judged by what is promised",
        )
    if database.get("without_archive") is not None:
        raise HakitError(
            f"databases.{name}: backups of the pair promises a restore of it, and it has no archive",
            where=where,
            given=f"without_archive: {database['without_archive']}",
            do="take without_archive away; or leave backups out, and make a BackupPlan of the other databases",
        )
    if isinstance(planned, Mapping) and planned.get("ships_wal") is not None:
        raise HakitError(
            f"backups.databases.{name}.ships_wal: the pair decides it",
            where=where,
            do="leave it out; it follows from the routes of the database",
        )


def shipping(args: Mapping[str, Any], shipped: Collection[str]) -> dict[str, Any]:
    """The plan's arguments, with the databases that have no route to every region."""
    databases = args.get("databases") or {}
    told = {
        name: {**each, "ships_wal": True} if name in shipped and isinstance(each, Mapping) else each
        for name, each in databases.items()
    }
    return {**args, **({"databases": told} if told else {})}
