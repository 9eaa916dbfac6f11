"""Databases that are to begin as another one was, against what their archives have, as live clusters say it. Pure.

The plugin writes into an ObjectStore's status, by server, the first moment that can be restored and when the newest
base backup ended; it does so in the cluster that makes the backups, and nowhere else.
https://cloudnative-pg.io/plugin-barman-cloud/docs/observability/
"""

import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hakit.findings import Finding
from hakit.observe import Object
from hakit.preview.document import ObjectDocument
from hakit.preview.objects import is_postgres

GROUP = "barmancloud.cnpg.io/v1"
STORES = f"/apis/{GROUP}/objectstores"


@dataclass(frozen=True)
class Restore:
    """A Cluster that begins as what an archive holds.

    Attributes:
        namespace, cluster: of the new one.
        archive: the path of the old one's, whole.
        target: `recoveryTarget`.
    """

    namespace: str
    cluster: str
    archive: str
    target: Mapping[str, Any]


@dataclass(frozen=True)
class Window:
    """What an archive is said to have: from the end of the oldest base backup, and when the newest one ended."""

    first: dt.datetime
    newest: dt.datetime


def restores_of(objects: Iterable[ObjectDocument]) -> tuple[Restore, ...]:
    """What the stacks restore to some place; to the end of an archive nothing can be said."""
    all_of_them = list(objects)
    paths = {
        (each["namespace"], each["name"]): _path(each["manifest"])
        for each in all_of_them
        if (each["api_version"], each["kind"]) == (GROUP, "ObjectStore")
    }
    found = []
    for each in filter(is_postgres, all_of_them):
        spec = each["manifest"].get("spec") or {}
        recovery = (spec.get("bootstrap") or {}).get("recovery") or {}
        for source in spec.get("externalClusters") or []:
            if source.get("name") == recovery.get("source") and recovery.get("recoveryTarget"):
                place = (source.get("plugin") or {}).get("parameters") or {}
                path = paths.get((each["namespace"], str(place.get("barmanObjectName"))))
                archive = f"{path}/{place.get('serverName')}" if path else ""
                found.append(Restore(each["namespace"], each["name"], archive, recovery["recoveryTarget"]))
    return tuple(found)


def windows(stores: Iterable[Object]) -> dict[str, Window]:
    """By the archive's path, of the ObjectStores that have something to say."""
    found = {}
    for store in stores:
        for server, said in ((store.get("status") or {}).get("serverRecoveryWindow") or {}).items():
            first, newest = (_moment(said.get(key)) for key in ("firstRecoverabilityPoint", "lastSuccessfulBackupTime"))
            if first and newest:
                found[f"{_path(store)}/{server}"] = Window(first, newest)
    return found


def judge(
    restores: Iterable[Restore], there: Iterable[Object], known: Mapping[str, Window], now: dt.datetime
) -> Iterator[Finding]:
    """What cannot be restored, of what is not there yet: a restore counts at the creation only."""
    existing = {(each["metadata"].get("namespace"), each["metadata"]["name"]) for each in there}
    for restore in restores:
        window = known.get(restore.archive)
        if (restore.namespace, restore.cluster) in existing:
            continue
        for key, moment in _moments(restore.target):
            given = restore.target[key]
            if moment > now:
                yield _finding(restore, key, f"{given}: it is still to come", window)
            elif window and key == "targetTime" and moment < window.first:
                yield _finding(restore, key, f"{given}: before the first moment that can be restored", window)
            elif window and key == "backupID" and moment > window.newest:
                yield _finding(restore, key, f"{given}: there is no such backup, the newest one is older", window)


def _moments(target: Mapping[str, Any]) -> Iterator[tuple[str, dt.datetime]]:
    if moment := _moment(target.get("targetTime")):
        yield "targetTime", moment
    with contextlib.suppress(ValueError):  # none, or one that somebody else named
        began = dt.datetime.strptime(str(target.get("backupID")), "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)
        yield "backupID", began


def _finding(restore: Restore, key: str, message: str, window: Window | None) -> Finding:
    path = f"spec.bootstrap.recovery.recoveryTarget.{key}"
    detail = f"{restore.archive}: from {_text(window.first)}, newest backup {_text(window.newest)}" if window else ""
    return Finding("HK122", f"Cluster/{restore.cluster}", path, message, f"namespace {restore.namespace}", detail)


def _path(store: Mapping[str, Any]) -> str:
    configuration = (store.get("spec") or {}).get("configuration") or {}
    return f"{configuration.get('endpointURL', '')} {configuration.get('destinationPath')}".strip()


def _moment(text: Any) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
