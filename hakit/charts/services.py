"""What hakit asks of Services and of the rules of a mesh about them. Reading only."""

from collections.abc import Iterable

from hakit.charts.manifests import Object
from hakit.charts.objects import dig, name_of, namespace_of, of_kind, reaches, workloads


def balanced_services(objects: Iterable[Object]) -> list[Object]:
    """The Services that spread requests over pods of the chart's workloads; a headless one only names them."""
    given = list(objects)
    return [
        service
        for service in of_kind(given, "Service")
        if dig(service, "spec", "clusterIP") != "None"
        and dig(service, "spec", "type") != "ExternalName"
        and any(reaches(service, each) for each in workloads(given))
    ]


def same_zone_word(kubernetes: tuple[int, int]) -> str | None:
    """How a Service keeps requests in their zone, in the words of a Kubernetes version; None before there is one.

    ServiceTrafficDistribution is on from 1.31 with `PreferClose`, PreferSameTrafficDistribution from 1.34 with its new
    name `PreferSameZone` (kube_features.go; KEP-4444, KEP-3015).
    """
    if kubernetes >= (1, 34):
        return "PreferSameZone"
    return "PreferClose" if kubernetes >= (1, 31) else None


def is_destination_rule(obj: Object) -> bool:
    return obj.get("kind") == "DestinationRule" and str(obj.get("apiVersion")).startswith("networking.istio.io/")


def is_rule_for(obj: Object, service: Object, namespace: str) -> bool:
    """Whether an object is a DestinationRule for a Service, whichever of the names that it has is written there."""
    if not is_destination_rule(obj):
        return False
    name, place = name_of(service), namespace_of(service, namespace)
    names = [f"{name}.{place}", f"{name}.{place}.svc", f"{name}.{place}.svc.cluster.local"]
    names += [name] if namespace_of(obj, namespace) == place else []
    return dig(obj, "spec", "host") in names
