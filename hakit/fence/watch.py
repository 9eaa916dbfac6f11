"""`python -m hakit.fence.watch CONFIG`: the fence's loop. `--alive` says by its exit code whether it turns still.

CONFIG is a JSON file, see `Config`. Each turn reads the witness, looks at every Cluster of the pair, and fences or
unfences by `hakit.topology.turn`. What was fenced by somebody else is left to them.
"""

import json
import re
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hakit.fence.cluster import ACCOUNT, Api, Object
from hakit.fence.witness import Source, dump, highest, parse
from hakit.topology.copies import DATABASE, EPOCH, INCARNATION, Copy, Epoch, Witness
from hakit.topology.turn import Watched, fence_turn

#: CloudNativePG's own annotation; the value names every instance (docs/src/fencing.md).
FENCED = "cnpg.io/fencedInstances"
#: Set beside it, so that a fence which a person set is never lifted by this program.
OURS = "hakit/fenced"
_EVERYTHING = '["*"]'
_CLUSTERS = "/apis/postgresql.cnpg.io/v1/namespaces/{}/clusters"
_MEMORY = "/api/v1/namespaces/{}/configmaps/{}"


@dataclass(frozen=True)
class Config:
    """What the fence watches.

    Attributes:
        region: this one.
        namespace: of the Clusters.
        databases: of the pair.
        witness: addresses, see `Source`.
        memory: the ConfigMap that keeps the highest witness ever read here.
        every: seconds between two turns.
        timeout: seconds that one request may take.
        unreachable_after: seconds without a readable witness after which every primary here is fenced; None: never.
        server, token, authority: of the API server.
        heartbeat: file that is touched each turn.
    """

    region: str
    namespace: str
    databases: tuple[str, ...]
    witness: tuple[str, ...]
    memory: str
    every: float = 2
    timeout: float = 3
    unreachable_after: float | None = None
    server: str = "https://kubernetes.default.svc"
    token: str = str(ACCOUNT / "token")
    authority: str = str(ACCOUNT / "ca.crt")
    heartbeat: str = "/tmp/turn"  # noqa: S108  within the pod

    @classmethod
    def read(cls, path: Path) -> "Config":
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        databases, witness = (tuple(given.pop(key)) for key in ("databases", "witness"))
        return cls(databases=databases, witness=witness, **given)


class Fence:
    """One region's fence of one pair."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._api = Api(config.server, Path(config.token), Path(config.authority), config.timeout)
        self._sources = [Source(address, config.timeout) for address in config.witness]
        self._last_read = time.monotonic()
        self._memory = _MEMORY.format(config.namespace, config.memory)

    def turn(self) -> None:
        """One turn. Raises OSError or ValueError when this region's API server cannot be asked."""
        clusters = self._api.request("GET", _CLUSTERS.format(self._config.namespace))["items"]
        watched = {each["metadata"]["name"]: found for each in clusters if (found := self._watched(each))}
        newest: dict[str, int] = {}
        for database, cluster, _ in watched.values():
            newest[database] = max(newest.get(database, 0), cluster.copy.incarnation)
        witness = self._witness()
        for name, (database, cluster, ours) in watched.items():
            if witness is None:
                does = "fence" if self._alone() and cluster.spec_primary and not cluster.fenced else None
            else:
                newer = newest[database] > cluster.copy.incarnation
                does = fence_turn(witness.get(database), cluster, newer)
            if does == "fence" or (does == "unfence" and ours):
                self._write(name, does, cluster, (witness or {}).get(database))
            elif ours and not cluster.fenced:
                # CloudNativePG has lifted it: its demotion does. The mark alone would have a later fence, of a person
                # or of another demotion, taken for this program's.
                self._annotate(name, {OURS: None})
                _say("lifted by the operator", cluster=name, epoch=cluster.epoch.number)

    def _watched(self, cluster: Object) -> tuple[str, Watched, bool] | None:
        """A Cluster of the pair, whose database it is, and whether this program fenced it; None for any other."""
        metadata = cluster["metadata"]
        annotations = metadata.get("annotations") or {}
        database, incarnation = whose(metadata)
        if database not in self._config.databases:
            return None
        replica = cluster["spec"].get("replica") or {}
        # Without `replica`, or with `enabled: false`, it is a primary; with `primary`, when that names itself
        # (CloudNativePG, api/v1/cluster_funcs.go, IsReplica).
        itself = replica.get("self") or metadata["name"]
        primary = replica["primary"] == itself if replica.get("primary") else not replica.get("enabled", False)
        copy = Copy(self._config.region, incarnation)
        epoch = Epoch.of(int(annotations.get(EPOCH, "0")))
        return database, Watched(copy, epoch, primary, FENCED in annotations), OURS in annotations

    def _witness(self) -> Mapping[str, Witness] | None:
        """The highest ever read; None when none can be read now, and then there is no turn by it."""
        # Each turn anew: another pod of this fence may have read more than this one ever did.
        memory = self._api.request("GET", self._memory)
        read = []
        for source in self._sources:
            try:
                read.append(source.read())
            except (OSError, ValueError, KeyError) as error:
                _say("witness out of reach", source=source.address.partition("?")[0], error=_plainly(error))
        if not read:
            return None
        self._last_read = time.monotonic()
        before = parse((memory.get("data") or {}).get("witness", "{}"))
        now = highest([before, *read])
        if now != before:
            # Remembered before anything is done by it: after a restart a lower one must not unfence. With the version
            # that was read, so that what another pod remembered meanwhile is refused and not overwritten.
            version = {"resourceVersion": memory["metadata"]["resourceVersion"]}
            self._api.request("PATCH", self._memory, {"metadata": version, "data": {"witness": dump(now)}})
            _say("witness", **{name: f"entry {w.entry}: {w.copy}" for name, w in now.items()})
        return now

    def _alone(self) -> bool:
        limit = self._config.unreachable_after
        return limit is not None and time.monotonic() - self._last_read > limit

    def _write(self, name: str, does: str, cluster: Watched, witness: Witness | None) -> None:
        value = _EVERYTHING if does == "fence" else None
        ours = "true" if does == "fence" else None
        self._annotate(name, {FENCED: value, OURS: ours})
        why = f"the witness names {witness.copy} since entry {witness.entry}" if witness else "the witness is away"
        _say(does, cluster=name, epoch=cluster.epoch.number, why=why)

    def _annotate(self, name: str, annotations: Mapping[str, str | None]) -> None:
        path = f"{_CLUSTERS.format(self._config.namespace)}/{name}"
        self._api.request("PATCH", path, {"metadata": {"annotations": dict(annotations)}})


def run(config: Config, turns: Iterable[int] | None = None) -> None:
    """Turn after turn. What goes wrong in one is said, and the next one tries again."""
    fence = Fence(config)
    _say("watching", region=config.region, databases=", ".join(config.databases), every=config.every)
    for _ in turns if turns is not None else iter(int, 1):
        try:
            fence.turn()
        except (OSError, ValueError, KeyError) as error:
            _say("no turn", error=_plainly(error))
        Path(config.heartbeat).touch()
        time.sleep(config.every)


def is_alive(config: Config) -> bool:
    """Whether a turn ended lately: within ten intervals and the time that its requests may take."""
    path = Path(config.heartbeat)
    patience = 10 * config.every + config.timeout * (len(config.witness) + 4)
    return path.exists() and time.time() - path.stat().st_mtime < patience


def whose(metadata: Object) -> tuple[str, int]:
    """Which database and incarnation a Cluster is of: by its name, or by what hakit wrote on one that keeps its own."""
    if found := re.fullmatch(r"(.+)-g(\d+)", metadata["name"]):
        return found[1], int(found[2])
    number = (metadata.get("annotations") or {}).get(INCARNATION, "")
    return (metadata.get("labels") or {}).get(DATABASE, ""), int(number) if number.isdigit() else 1


def _plainly(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _say(what: str, **facts: Any) -> None:
    """One line of JSON for each thing that happens, for whoever collects logs."""
    print(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "what": what, **facts}), flush=True)


if __name__ == "__main__":
    *flags, path = sys.argv[1:]
    chosen = Config.read(Path(path))
    if flags == ["--alive"]:
        sys.exit(0 if is_alive(chosen) else 1)
    run(chosen)
