"""ResourceQuotas against what the stacks ask in their namespaces: now, in a rollout, and after a failover. Pure.

A quota refuses pods as they are made, so one that fits today stops a failover at its first pod.
https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from hakit.charts.quantity import parse_quantity, short_bytes, short_cores
from hakit.errors import HakitError
from hakit.findings import Finding
from hakit.preflight.amounts import NOTHING, Amount
from hakit.preflight.seen import Seen
from hakit.preflight.wanted import Wanted
from hakit.preflight.workloads import Workload

#: Kubernetes' names for the same thing, and how a number of it is shown.
_KEYS = {"pods": "pods", "count/pods": "pods", "cpu": "cpu", "requests.cpu": "cpu"} | {
    "memory": "memory",
    "requests.memory": "memory",
}


def judge(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    nodes = len(seen.nodes)
    live = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in seen.quotas}
    for (namespace, name), quota in sorted({**live, **wanted.quotas}.items()):
        spec = quota.get("spec") or {}
        if spec.get("scopes") or spec.get("scopeSelector"):
            continue  # it counts some pods only
        now = [each for each in wanted.workloads if each.namespace == namespace]
        then = [each for each in wanted.then if each.namespace == namespace]
        for when, asked in (
            ("now", _sum(now, nodes)),
            ("while a rollout runs", _sum(now, nodes) + _surge(now)),
            ("after a failover, while a rollout runs", _sum(then, nodes) + _surge(then)),
        ):
            lacking = list(_beyond(asked, spec.get("hard") or {}))
            if lacking:
                message = f"{when}: {'; '.join(lacking)}"
                yield Finding("HK121", f"ResourceQuota/{name}", "spec.hard", message, f"namespace {namespace}")
                break  # later ones ask more


def _sum(workloads: Iterable[Workload], nodes: int) -> Amount:
    return sum((each.each.times(nodes if each.per_node else each.pods) for each in workloads), NOTHING)


def _surge(workloads: Iterable[Workload]) -> Amount:
    return sum((each.each.times(each.surge) for each in workloads), NOTHING)


def _beyond(asked: Amount, hard: Mapping[str, Any]) -> Iterator[str]:
    for key, limit in sorted(hard.items()):
        what = _KEYS.get(key)
        if what is None:
            continue
        try:
            most = parse_quantity(limit)
        except HakitError:
            continue  # not known before deployment
        value = Decimal(getattr(asked, what))
        if value > most:
            show = short_bytes if what == "memory" else short_cores
            yield f"{show(value)} {what} asked, {show(most)} allowed"
