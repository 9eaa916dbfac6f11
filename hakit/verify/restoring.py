"""A disposable Cluster of CloudNativePG, recovered from an archive: made, waited for, and read for what happened."""

import threading
import time
from collections.abc import Callable

from hakit.verify import outcome
from hakit.verify.api import Api, Object, RefusedError
from hakit.verify.config import Config
from hakit.verify.evidence import Evidence
from hakit.verify.made import CLUSTERS, OF_CLUSTER, PODS, RUN, labels
from hakit.verify.outcome import FailedError

#: The role that asks; the Secret with its password is the operator's, `<cluster>-app`.
ROLE = "hakit_restore_check"
HEALTHY = "Cluster in healthy state"
#: Failed tries after which what no sign explains counts as failed; the recovery's Job tries again by itself.
TRIES = 3
_JOB_ROLE = "cnpg.io/jobRole"
_COPIED = "bootstrap-controller"


def manifest(config: Config, run: str, owner: Object | None) -> Object:
    """The Cluster: the plan's, with its own name and with the role that asks."""
    spec = {
        **config.cluster,
        "managed": {
            "roles": [
                {
                    "name": ROLE,
                    "ensure": "present",
                    "login": True,
                    # To read everything and to write nothing: PostgreSQL's own, since 14.
                    "inRoles": ["pg_read_all_data"],
                    "passwordSecret": {"name": f"{run}-app"},
                }
            ]
        },
    }
    metadata: Object = {"name": run, "namespace": config.namespace, "labels": labels(config, run)}
    if owner:
        metadata["ownerReferences"] = [owner]
    return {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": metadata, "spec": spec}


class Restoring:
    """One recovery, followed through the logs of its pods while they are there: the operator removes a recovery's Job
    as soon as it is complete, and what it said with it."""

    def __init__(self, api: Api, config: Config, run: str, ends: float, tick: Callable[[], None]) -> None:
        self._api, self._config, self._run, self._ends, self._tick = api, config, run, ends, tick
        self._evidence: dict[str, Evidence] = {}
        self._followed: dict[tuple[str, str], threading.Thread] = {}
        self._recoveries: list[str] = []
        self._failed: dict[str, Evidence] = {}
        self._lock = threading.Lock()

    def wait(self) -> tuple[Object, Evidence]:
        """Until it serves.

        Returns:
            The Cluster, and what its recovery said.

        Raises:
            FailedError: it cannot, or does not in time.
        """
        path, mine = CLUSTERS.format(self._config.namespace), f"{OF_CLUSTER}={self._run}"
        while True:
            self._tick()
            (cluster,) = self._clusters(path) or [{}]
            pods = self._api.list(PODS.format(self._config.namespace), mine)
            for pod in pods:
                self._look_at(pod)
            status = cluster.get("status") or {}
            if status.get("readyInstances") == 1 and status.get("phase") == HEALTHY:
                return cluster, self._whole()
            if not cluster:
                raise FailedError(outcome.FAILED, f"Cluster {self._run} was removed by somebody else")
            if time.monotonic() > self._ends:
                raise self._late(status, pods)
            time.sleep(self._config.every)

    def _clusters(self, path: str) -> list[Object]:
        found = self._api.list(path, f"{RUN}={self._run}")
        return [each for each in found if each["metadata"]["name"] == self._run]

    def _look_at(self, pod: Object) -> None:
        metadata, status = pod["metadata"], pod.get("status") or {}
        uid, name = metadata["uid"], metadata["name"]
        statuses = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
        for each in statuses:
            begun = "running" in (each.get("state") or {}) or "terminated" in (each.get("state") or {})
            if begun and each["name"] != _COPIED:
                self._follow(uid, name, each["name"])
        recovery = _JOB_ROLE in (metadata.get("labels") or {})
        if recovery and uid not in self._recoveries:
            self._recoveries.append(uid)
        crashed = not recovery and any(each.get("restartCount", 0) >= TRIES for each in statuses)
        if (recovery and status.get("phase") == "Failed") or crashed:
            self._fail(uid)

    def _fail(self, uid: str) -> None:
        self._join(uid)
        self._failed[uid] = self._evidence.get(uid, Evidence())
        word, why = self._failed[uid].verdict()
        # A network that is down for a moment, and what nobody knows, is tried again.
        if word not in (outcome.FAILED, outcome.UNREACHABLE) or len(self._failed) >= TRIES:
            raise FailedError(word, why)

    def _follow(self, uid: str, pod: str, container: str) -> None:
        before = self._followed.get((uid, container))
        if before is not None:
            return
        evidence = self._evidence.setdefault(uid, Evidence())
        path = f"{PODS.format(self._config.namespace)}/{pod}/log?container={container}&follow=true"

        def reading() -> None:
            try:
                for line in self._api.follow(path):
                    with self._lock:
                        evidence.add(line)
            except (OSError, RefusedError) as error:
                with self._lock:
                    evidence.unread = str(error)

        thread = threading.Thread(target=reading, daemon=True)
        self._followed[uid, container] = thread
        thread.start()

    def _join(self, uid: str) -> None:
        for (owner, _), thread in self._followed.items():
            if owner == uid:
                thread.join(timeout=10)

    def _whole(self) -> Evidence:
        """What the recovery that succeeded said; the instance's own pod says nothing of the backup."""
        for uid in self._recoveries:
            self._join(uid)
        said = [self._evidence[uid] for uid in self._recoveries if uid not in self._failed and uid in self._evidence]
        return said[-1] if said else Evidence()

    def _late(self, status: Object, pods: list[Object]) -> FailedError:
        for evidence in reversed(self._evidence.values()):
            word, why = evidence.verdict()
            if word in (outcome.CREDENTIALS, outcome.UNREACHABLE):
                return FailedError(word, why)
        phase = " ".join(part for part in (status.get("phase"), status.get("phaseReason")) if part)
        waits = "; ".join(filter(None, map(_waits_for, pods)))
        return FailedError(
            outcome.TIMED_OUT, f"not serving after {self._config.deadline} s: {waits or phase or 'no status'}"
        )


def _waits_for(pod: Object) -> str:
    status = pod.get("status") or {}
    said = [each.get("message", "") for each in status.get("conditions") or [] if each.get("reason") == "Unschedulable"]
    for each in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (each.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            said.append(f"{waiting['reason']}: {waiting.get('message', '')}")
    return f"{pod['metadata']['name']}: {' '.join(said)}" if said else ""
