"""Which pods a Service's requests go to: those of the client's zone, and not those that fail."""

from typing import Any

from hakit.charts.intent import Intent, Istio
from hakit.charts.manifests import Object
from hakit.charts.objects import lasting_labels, mapping, name_of, namespace_of, reaches, replicas_of, workloads
from hakit.charts.services import balanced_services, is_rule_for, same_zone_word


def keep_traffic_in_its_zone(objects: list[Object], intent: Intent) -> list[Object]:
    """Where it is asked for, and the cluster knows it: requests stay in their zone while a pod is ready there."""
    word = same_zone_word(intent.kubernetes)
    if intent.same_zone and word is not None:
        for service in balanced_services(objects):
            service["spec"] = {**mapping(service.get("spec")), "trafficDistribution": word}
    return objects


def break_circuits(objects: list[Object], intent: Intent) -> list[Object]:
    """An Istio DestinationRule of hakit's own for each Service, where it is asked for, in place of the chart's."""
    if intent.istio is None:
        return objects
    services = balanced_services(objects)
    kept = [obj for obj in objects if not any(is_rule_for(obj, each, intent.namespace) for each in services)]
    return kept + [_rule(service, intent.istio, objects, intent) for service in services]


def _rule(service: Object, wanted: Istio, objects: list[Object], intent: Intent) -> Object:
    name, namespace = name_of(service), namespace_of(service, intent.namespace)
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if labels := lasting_labels(service):
        metadata["labels"] = labels
    policy: dict[str, Any] = {}
    if pool := _connection_pool(wanted):
        policy["connectionPool"] = pool
    policy["outlierDetection"] = _outlier_detection(wanted, _pods_behind(service, objects), intent.zones)
    policy["loadBalancer"] = {"localityLbSetting": _locality(wanted)}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": metadata,
        # Istio's documentation asks for the full name: a short one means another Service in another namespace.
        "spec": {"host": f"{name}.{namespace}.svc.cluster.local", "trafficPolicy": policy},
    }


def _connection_pool(wanted: Istio) -> dict[str, Any]:
    pool: dict[str, Any] = {}
    if wanted.connections is not None:
        pool["tcp"] = {"maxConnections": wanted.connections}
    http = {"http1MaxPendingRequests": wanted.pending, "http2MaxRequests": wanted.requests}
    if given := {key: value for key, value in http.items() if value is not None}:
        pool["http"] = given
    return pool


def _outlier_detection(wanted: Istio, pods: int, zones: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "consecutive5xxErrors": wanted.errors,
        "interval": f"{wanted.interval}s",
        "baseEjectionTime": f"{wanted.ejection}s",
    }
    most = wanted.most_ejected if wanted.most_ejected is not None else _share_of_a_zone(pods, zones)
    if most is not None:
        found["maxEjectionPercent"] = most
    return found


def _share_of_a_zone(pods: int, zones: int) -> int | None:
    """Percent of evenly spread pods that the fullest zone holds: a sick zone may be left out whole, and no more.

    Istio's own 10 percent would leave two of three sick pods in.
    """
    if pods < 2 or zones < 2:
        return None
    return -(-100 * -(-pods // zones) // pods)


def _locality(wanted: Istio) -> dict[str, Any]:
    if not wanted.keep_in_zone:
        return {"enabled": False}
    return {
        "enabled": True,
        "failoverPriority": ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"],
    }


def _pods_behind(service: Object, objects: list[Object]) -> int:
    return sum(replicas_of(each, objects) for each in workloads(objects) if reaches(service, each))
