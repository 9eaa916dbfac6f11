"""What one namespace may ask: a ResourceQuota, and a LimitRange without which it would refuse too much. Pure.

A quota of cpu or memory refuses every container that requests none
(https://kubernetes.io/docs/concepts/policy/resource-quotas/#requests-vs-limits), so the LimitRange gives those a small
request. Hooks and jobs of charts are the ones that mostly have none.
"""

from collections.abc import Mapping
from typing import Any

from hakit.charts.quantity import parse_quantity
from hakit.errors import HakitError
from hakit.plan.arguments import Arguments

Manifest = dict[str, Any]
#: Argument, and what it is called in a quota.
_KEYS = {"cpu": "requests.cpu", "memory": "requests.memory", "storage": "requests.storage"}
#: For containers that request nothing: no share worth speaking of, and more than nothing.
_DEFAULTS = {"cpu": "50m", "memory": "64Mi"}
_NAME = "hakit"


def specify(given: Arguments) -> dict[str, str]:
    """The quota of one namespace as Kubernetes writes it; empty where none is asked for.

    Raises:
        HakitError: a key is unknown, or a value is no quantity above zero.
    """
    if "quota" not in given:
        return {}
    inner = given.inner("quota", ("pods", *_KEYS))
    found = {name: _amount(inner, key) for key, name in _KEYS.items() if key in inner}
    if "pods" in inner:
        found["pods"] = str(inner.number("pods", least=1))
    if not found:
        raise HakitError("quota: empty", where=given.where, allowed=["pods", *_KEYS], do="leave it out for no quota")
    return found


def _amount(given: Arguments, key: str) -> str:
    value = given.text(key)
    if parse_quantity(value, f"{given.where}: {given.path}.{key}") <= 0:
        raise HakitError(f"{given.path}.{key}: nothing could run", where=given.where, given=value, allowed="above zero")
    return value


def plan(namespace: str, hard: Mapping[str, str]) -> dict[str, Manifest]:
    """The objects by what their resources are called within RegionBase. They depend on no role: a quota that had to be
    raised after a failover would be raised too late."""
    if not hard:
        return {}
    metadata = {"name": _NAME, "namespace": namespace}
    found = {f"quota-{namespace}": _object("ResourceQuota", metadata, {"hard": dict(hard)})}
    defaults = {key: value for key, value in _DEFAULTS.items() if _KEYS[key] in hard}
    if defaults:
        limits = [{"type": "Container", "defaultRequest": defaults}]
        found[f"defaults-{namespace}"] = _object("LimitRange", metadata, {"limits": limits})
    return found


def _object(kind: str, metadata: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": dict(metadata), "spec": spec}
