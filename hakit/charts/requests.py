"""What one pod asks a node for, and what one workload's volumes ask for.

https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hakit.charts.quantity import parse_quantity

ZERO = Decimal(0)


def pod_request(pod: Mapping[str, Any], resource: str, where: str) -> Decimal:
    """Cores (`cpu`) or bytes (`memory`) that the scheduler reserves for one pod of this spec.

    Containers run together; init containers one after the other before them, except those with `restartPolicy:
    Always`, which stay. The larger of both needs counts, and the pod's overhead on top.

    Raises:
        HakitError: a quantity is none, because it is nonsense or not known before deployment.
    """
    together = sum((_request(one, resource, where) for one in _list(pod, "containers")), ZERO)
    staying, largest_start = ZERO, ZERO
    for one in _list(pod, "initContainers"):
        asked = _request(one, resource, where)
        if one.get("restartPolicy") == "Always":
            staying += asked
            largest_start = max(largest_start, staying)
        else:
            largest_start = max(largest_start, staying + asked)
    overhead = _quantity(pod.get("overhead"), resource, f"{where} overhead") or ZERO
    # Requests of the pod as a whole (Kubernetes 1.34) take the place of what its containers say.
    whole = _request(pod, resource, where) if pod.get("resources") else ZERO
    return (whole or max(together + staying, largest_start)) + overhead


def claim_request(claim: Mapping[str, Any], where: str) -> Decimal:
    """Bytes that a PersistentVolumeClaim, or one of a StatefulSet's templates, asks for."""
    spec = claim.get("spec")
    resources = spec.get("resources") if isinstance(spec, Mapping) else None
    requests = resources.get("requests") if isinstance(resources, Mapping) else None
    return _quantity(requests, "storage", f"{where} spec.resources.requests.storage") or ZERO


def _request(container: Mapping[str, Any], resource: str, where: str) -> Decimal:
    resources = container.get("resources")
    if not isinstance(resources, Mapping):
        return ZERO if resources is None else parse_quantity(resources, f"{where} resources")
    at = f"{where} {container.get('name', 'pod')}.resources"
    asked = _quantity(resources.get("requests"), resource, f"{at}.requests.{resource}")
    # A limit without a request is a request of the same size.
    return (
        asked if asked is not None else _quantity(resources.get("limits"), resource, f"{at}.limits.{resource}") or ZERO
    )


def _quantity(amounts: Any, resource: str, where: str) -> Decimal | None:
    if not isinstance(amounts, Mapping):
        return None if amounts is None else parse_quantity(amounts, where)
    amount = amounts.get(resource)
    return None if amount is None else parse_quantity(amount, where)


def _list(pod: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    value = pod.get(key)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
