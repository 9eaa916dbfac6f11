"""NetworkPolicies: whom they leave open, and whom they cut off."""

from collections.abc import Iterator

from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.charts.objects import dig, id_of, is_selected, mappings, of_kind, pod_makers
from hakit.findings import Finding


def isolated_pods_are_all_of_them(objects: list[Object], intent: Intent) -> Iterator[Finding]:
    if intent.network is None:
        return
    for maker in pod_makers(objects):
        held = [direction for policy in _policies_of(maker, objects) for direction in _directions(policy)]
        open_to = [direction.lower() for direction in ("Ingress", "Egress") if direction not in held]
        if open_to:
            message = f"no NetworkPolicy holds its {' and '.join(open_to)}"
            yield Finding("HK041", id_of(maker), "spec.template.metadata.labels", message)


def isolated_pods_can_resolve_names(objects: list[Object], intent: Intent) -> Iterator[Finding]:  # noqa: ARG001
    for maker in pod_makers(objects):
        policies = [policy for policy in _policies_of(maker, objects) if "Egress" in _directions(policy)]
        rules = [rule for policy in policies for rule in mappings(dig(policy, "spec", "egress"))]
        if policies and not any(_allows_dns(rule) for rule in rules):
            names = ", ".join(id_of(policy) for policy in policies)
            yield Finding("HK042", id_of(maker), "", f"{names} lets it out to no port 53: no name resolves")


def _policies_of(maker: Object, objects: list[Object]) -> list[Object]:
    return [policy for policy in of_kind(objects, "NetworkPolicy") if is_selected(policy, maker)]


def _directions(policy: Object) -> list[str]:
    """What a policy isolates for: as it says; else ingress, and egress where it has rules (NetworkPolicySpec)."""
    given = dig(policy, "spec", "policyTypes")
    if isinstance(given, list) and given:
        return [str(each) for each in given]
    return ["Ingress", "Egress"] if dig(policy, "spec", "egress") else ["Ingress"]


def _allows_dns(rule: Object) -> bool:
    ports = mappings(rule.get("ports"))
    return not ports or any(_is_dns(port) for port in ports)


def _is_dns(port: Object) -> bool:
    first, last = port.get("port"), port.get("endPort")
    if isinstance(first, int) and isinstance(last, int):
        return first <= 53 <= last
    # No port is every port of the protocol; a name may be any.
    return first in (None, 53) or isinstance(first, str)


CHECKS = (isolated_pods_are_all_of_them, isolated_pods_can_resolve_names)
