"""What a restore check makes, and its removal: only of what carries its label and its name, by the identity seen."""

import time
from collections.abc import Callable

from hakit.verify.api import Api, Object
from hakit.verify.config import Config
from hakit.verify.outcome import NOT_CLEANED, FailedError

#: On everything that a check makes: its name, and the name of the run.
CHECK, RUN = "hakit/restore-check", "hakit/restore-check-run"
CLUSTERS = "/apis/postgresql.cnpg.io/v1/namespaces/{}/clusters"
PODS = "/api/v1/namespaces/{}/pods"
CLAIMS = "/api/v1/namespaces/{}/persistentvolumeclaims"
#: CloudNativePG's own, on all that it makes of a Cluster.
OF_CLUSTER = "cnpg.io/cluster"


def labels(config: Config, run: str) -> dict[str, str]:
    return {CHECK: config.check, RUN: run}


def clusters(api: Api, config: Config) -> list[Object]:
    """Every Cluster that this check has made and that is there still."""
    path = CLUSTERS.format(config.namespace)
    return [each for each in api.list(path, f"{CHECK}={config.check}") if is_ours(each, config)]


def is_ours(cluster: Object, config: Config) -> bool:
    """Whether a run of this check has made it: a label alone may have been copied."""
    metadata = cluster["metadata"]
    run = (metadata.get("labels") or {}).get(RUN)
    return run == metadata["name"] and metadata["name"].startswith(f"{config.check}-r")


def remove(api: Api, config: Config, tick: Callable[[], None], run: str = "") -> list[str]:
    """Remove every Cluster of this check, or of one run of it, and wait until nothing of them is left.

    Instances, volumes and the pod that asks are owned by the Cluster, so they go with it.

    Args:
        api: the API server.
        config: the check.
        tick: called while it waits.
        run: the one run; empty: whatever there is.

    Returns:
        The names of those that were there.

    Raises:
        FailedError: something is left.
    """
    names = []
    for each in clusters(api, config):
        if run not in ("", each["metadata"]["name"]):
            continue
        name, uid = each["metadata"]["name"], each["metadata"]["uid"]
        api.delete(f"{CLUSTERS.format(config.namespace)}/{name}", uid)
        names.append(name)
    ends = time.monotonic() + config.cleanup
    while left := _left(api, config, names):
        if time.monotonic() > ends:
            raise FailedError(NOT_CLEANED, f"still there after {config.cleanup} s: {', '.join(left)}")
        tick()
        time.sleep(config.every)
    return names


def _left(api: Api, config: Config, names: list[str]) -> list[str]:
    if not names:
        return []
    there = (each["metadata"]["name"] for each in clusters(api, config))
    found = [f"Cluster {each}" for each in there if each in names]
    for name in names:
        for kind, path in (("Pod", PODS), ("PersistentVolumeClaim", CLAIMS)):
            for label in (OF_CLUSTER, RUN):
                items = api.list(path.format(config.namespace), f"{label}={name}")
                found += [f"{kind} {each['metadata']['name']}" for each in items]
    return found
