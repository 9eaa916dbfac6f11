"""Whom the pods of a chart may talk to: one NetworkPolicy for each object that makes pods, and nothing else allowed."""

import copy
from collections.abc import Iterable
from typing import Any

from hakit.charts.intent import Intent, Network, Peer
from hakit.charts.manifests import Object
from hakit.charts.objects import (
    is_selected,
    lasting_labels,
    name_of,
    namespace_of,
    of_kind,
    own_selector,
    pod_makers,
)

Rule = dict[str, Any]

_DNS_PORTS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def isolate(objects: list[Object], intent: Intent) -> list[Object]:
    """Policies of hakit's own, where they are asked for, in place of the chart's: those only ever allow more.

    A policy that selects a pod denies what no policy allows, for the directions that it names, so that these are the
    default deny as well: https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """
    if intent.network is None:
        return objects
    makers = pod_makers(objects)
    kept = [
        obj
        for obj in objects
        if obj.get("kind") != "NetworkPolicy" or not any(is_selected(obj, maker) for maker in makers)
    ]
    taken = {name_of(obj) for obj in of_kind(kept, "NetworkPolicy")}
    own = [{"podSelector": copy.deepcopy(selector)} for maker in makers if (selector := own_selector(maker))]
    return kept + [_policy(maker, own, intent.network, intent, taken) for maker in makers if own_selector(maker)]


def _policy(maker: Object, own: list[Rule], network: Network, intent: Intent, taken: set[str]) -> Object:
    name = name_of(maker)
    if name in taken:
        name = f"{name}-{maker['kind'].lower()}"
    taken.add(name)
    metadata: dict[str, Any] = {"name": name, "namespace": namespace_of(maker, intent.namespace)}
    if labels := lasting_labels(maker):
        metadata["labels"] = labels
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": {
            "podSelector": copy.deepcopy(own_selector(maker)),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": copy.deepcopy(own)},
                *({"from": [_peer(peer)], **_ports(peer)} for peer in _of(maker, network.ingress)),
            ],
            "egress": [
                {"to": copy.deepcopy(own)},
                {"to": [_peer(network.dns)], "ports": copy.deepcopy(_DNS_PORTS)},
                *({"to": [_peer(peer)], **_ports(peer)} for peer in _of(maker, network.egress)),
            ],
        },
    }


def _of(maker: Object, peers: Iterable[Peer]) -> list[Peer]:
    """The peers that are meant for this object."""
    names = (None, name_of(maker), f"{maker['kind']}/{name_of(maker)}")
    return [peer for peer in peers if peer.workload in names]


def _peer(peer: Peer) -> Rule:
    if peer.cidr is not None:
        block: dict[str, Any] = {"cidr": peer.cidr}
        if peer.without:
            block["except"] = list(peer.without)
        return {"ipBlock": block}
    found: Rule = {}
    # The label is there, and cannot be changed, from Kubernetes 1.22 on.
    labels = dict(peer.namespace_labels)
    if peer.namespace is not None:
        labels["kubernetes.io/metadata.name"] = peer.namespace
    if labels:
        found["namespaceSelector"] = {"matchLabels": labels}
    if peer.pods or not labels:
        # Without a namespaceSelector it means pods of the policy's own namespace; with one, pods of those namespaces.
        found["podSelector"] = {"matchLabels": dict(peer.pods)} if peer.pods else {}
    return found


def _ports(peer: Peer) -> Rule:
    return {"ports": [{"port": port, "protocol": peer.protocol} for port in peer.ports]} if peer.ports else {}
