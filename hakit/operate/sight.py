"""One pair as its regions say it is: what the rules of `topology.writing` ask for, out of the operator's words."""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from hakit.observe import Object, RefusedError, UnreachableError
from hakit.operate.line import Line, Lines
from hakit.operate.world import Position, Sight
from hakit.plan import guard
from hakit.status.seen import FENCED, copy_of, lags_of, position_of
from hakit.topology import Copy, Epoch, Pair
from hakit.topology.handovers import standing
from hakit.topology.writing import Seen

_CLUSTERS = "/apis/postgresql.cnpg.io/v1/clusters"
#: Bytes between the place that a token names and the end of a copy that has nothing behind it: the shutdown's own
#: record, and what a page begins with.
_RECORD = 8192


@dataclass(frozen=True)
class Instance:
    """What a copy's first instance says of PostgreSQL (CloudNativePG 1.30, pkg/postgres/status.go).

    Attributes:
        receiving: its WAL receiver is connected.
        streaming: of a primary, who streams from it, and by how many seconds each is behind.
    """

    writable: bool
    system: str
    place: Position | None
    receiving: bool
    streaming: Mapping[str, float | None]


@dataclass(frozen=True)
class Found:
    """A copy's Cluster, and its first instance where that answered."""

    name: str
    copy: Copy
    database: str
    cluster: Object
    now: Instance | None


def see(lines: Lines, pair: Pair, regions: Collection[str], floor: Mapping[str, Position]) -> Sight:
    """Ask these regions at once; each takes a line's patience at most. With a floor a handover is under way.

    Raises:
        HakitError: there is no kubectl.
        RefusedError: a server lets nobody list Clusters.
    """
    with ThreadPoolExecutor(max(len(regions), 1)) as pool:
        answers = dict(
            zip(regions, pool.map(lambda region: _ask(lines, pair, region, soon=bool(floor)), regions), strict=True)
        )
    found = [each for answer in answers.values() if not isinstance(answer, UnreachableError) for each in answer]
    silent = {region: str(answer) for region, answer in answers.items() if isinstance(answer, UnreachableError)}
    return sight_of(pair, found, floor, silent)


def _ask(lines: Lines, pair: Pair, region: str, *, soon: bool) -> list[Found] | UnreachableError:
    try:
        line = lines.to(region)
        clusters = line.list(_CLUSTERS, labelSelector=f"{guard.PAIR}={pair.name}")
        copies = [copy_of(each, {}) for each in clusters]
        found = []
        for copy, cluster in zip(copies, clusters, strict=True):
            now = None
            if copy.first and not copy.fenced and copy.database in pair.databases:
                pods = f"/api/v1/namespaces/{copy.namespace}/pods"
                with suppress(RefusedError, UnreachableError):  # it restarts, or its node is gone
                    now = instance_of(line.get_instance(f"{pods}/https:{copy.first}:8000/proxy/pg/status", soon=soon))
                if now is not None and now.writable and not soon:
                    now = _with_followers(line, now, f"{pods}/{copy.first}:9187/proxy/metrics")
            found.append(Found(copy.name, Copy(region, copy.incarnation), copy.database, cluster, now))
    except UnreachableError as error:
        lines.drop(region)
        return error
    return found


def _with_followers(line: Line, now: Instance, path: str) -> Instance:
    """A primary with those that stream from it out of its metrics too: its status names instances of its own Cluster
    only."""
    with suppress(RefusedError, UnreachableError):
        return replace(now, streaming={**now.streaming, **dict(lags_of(line.text(path)))})
    return now


def instance_of(status: Object) -> Instance:
    """CloudNativePG's PostgresqlStatus."""
    writable = bool(status.get("isPrimary"))
    words = ("currentLsn",) if writable else ("receivedLsn", "replayLsn")
    places = [place for word in words if (place := position_of(status.get(word))) is not None]
    timeline = status.get("timeLineID") or 0
    return Instance(
        writable=writable,
        system=str(status.get("systemID", "")),
        place=Position(int(timeline), max(places)) if places else None,
        receiving=bool(status.get("isWalReceiverActive")),
        streaming={
            str(each.get("applicationName", "")): _seconds(each.get("replayLag"))
            for each in status.get("replicationInfo") or []
            if each.get("state") == "streaming"
        },
    )


def _seconds(interval: Any) -> float | None:
    """`00:00:00.000321`, as PostgreSQL writes an interval; None for what is none: nothing was sent yet."""
    with suppress(ValueError):
        hours, minutes, rest = str(interval or "").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest)
    return None


def sight_of(pair: Pair, found: Collection[Found], floor: Mapping[str, Position], silent: Mapping[str, str]) -> Sight:
    """What was found, as the rules ask for it. Pure."""
    seen, positions, behind = {}, {}, {}
    for each in found:
        if each.database not in pair.databases:
            continue
        key = each.database, each.copy
        active = _active(pair, each.database, found)
        seen[key] = _seen(pair, each, active, floor.get(each.database))
        if each.now is not None and each.now.place is not None:
            positions[key] = each.now.place
        lag = active.now.streaming.get(each.name) if active and active.now else None
        if lag is not None and each is not active:
            behind[key] = lag
    return Sight(seen, positions, behind, silent)


def _active(pair: Pair, database: str, found: Collection[Found]) -> Found | None:
    copy = standing(pair, database).active
    return next((each for each in found if (each.database, each.copy) == (database, copy)), None)


def _seen(pair: Pair, found: Found, active: Found | None, floor: Position | None) -> Seen:
    metadata, spec, status = (found.cluster.get(key) or {} for key in ("metadata", "spec", "status"))
    epoch = copy_of(found.cluster, {}).epoch
    token = status.get("demotionToken") or None
    ready, wanted = status.get("readyInstances") or 0, spec.get("instances") or 0
    return Seen(
        built=bool(status.get("currentPrimary")) and ready >= wanted > 0,
        primary=found.now is not None and found.now.writable,
        epoch=None if epoch is None else Epoch.of(epoch),
        fenced=FENCED in (metadata.get("annotations") or {}),
        prefix=is_prefix(pair, found, active),
        demotion_token=token,
        token_is_end=token is not None and is_end(token, found.now, floor),
        last_promotion_token=status.get("lastPromotionToken") or None,
    )


def is_prefix(pair: Pair, found: Found, active: Found | None) -> bool:
    """Whether a copy's history is the beginning of the active one's, as far as both say.

    A copy that streams from the active one is: PostgreSQL ends a stream from another history. One that reads an archive
    is when no failover left it behind, nor could it have been ahead of the copy that a failover opened.
    """
    if active is None or active.now is None or found.now is None or active.now.system != found.now.system:
        return False
    now = standing(pair, found.database)
    if found.copy in now.superseded or found.copy == now.active:
        return found.copy == now.active
    if found.name in active.now.streaming:
        return True
    place, end = found.now.place, active.now.place
    behind = place is not None and end is not None and place.lsn <= end.lsn and place.timeline <= end.timeline
    return behind and not _could_be_ahead(pair, found.copy)


def _could_be_ahead(pair: Pair, copy: Copy) -> bool:
    """Whether the last failover opened another copy than this one, and it was not rebuilt since."""
    for entry in reversed(pair.handovers):
        if entry.to == copy.region and entry.kind in ("rebuild", "failover"):
            return False
        if entry.kind == "failover":
            return True
    return False


def is_end(token: str, now: Instance | None, floor: Position | None) -> bool:
    """Whether a token names the end of its copy's data.

    An older demotion's names a place that the copy, which wrote after it, had passed before this one. Where nobody
    noted how far it had come, its instance says where its data ends.
    """
    named = token_place(token)
    if named is None:
        return False
    if floor is not None:
        return floor.timeline <= named.timeline and floor.lsn <= named.lsn
    if now is None or now.place is None or now.writable:
        return False
    return now.place.timeline == named.timeline and 0 <= now.place.lsn - named.lsn <= _RECORD


def token_place(token: str) -> Position | None:
    """The checkpoint that a demotion's token names (CloudNativePG 1.30, pkg/utils/parser.go); None when it is none."""
    try:
        content = json.loads(base64.b64decode(token, validate=True))
        timeline = int(content["latestCheckpointTimelineID"])
        lsn = position_of(content["latestCheckpointREDOLocation"])
    except (ValueError, TypeError, KeyError, binascii.Error):
        return None
    return None if lsn is None else Position(timeline, lsn)
