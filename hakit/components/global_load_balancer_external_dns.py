"""The part of GlobalLoadBalancer that stands in each region's cluster, with external-dns."""

from dataclasses import dataclass
from typing import Any

import pulumi

from hakit.components.providers import provider_of
from hakit.components.unreachable import told_when_unreachable
from hakit.plan.traffic import external_dns
from hakit.plan.traffic.detection import Detection
from hakit.plan.traffic.external_dns import ExternalDnsPlan, ExternalDnsSpec
from hakit.plan.traffic.intent import Traffic
from hakit.plan.traffic.spec import TrafficSpec


@dataclass(frozen=True)
class Prepared:
    """Everything that is decided before anything is registered."""

    region: str
    own: ExternalDnsSpec
    plan: ExternalDnsPlan
    edge_zone: str = ""

    @property
    def detection(self) -> Detection:
        return self.plan.detection

    @property
    def unchecked(self) -> str:
        """The region, when its record has no health check."""
        return self.region if self.own.health_check is None and self.plan.annotations else ""


def prepare(spec: TrafficSpec, traffic: Traffic, opts: pulumi.ResourceOptions | None) -> Prepared:
    own = external_dns.read(spec)
    planned = external_dns.plan(spec, own, traffic)
    provider_of(spec.where, spec.scope, opts)
    return Prepared(spec.scope, own, planned)


def create(name: str, parent: pulumi.Resource, prepared: Prepared) -> dict[str, Any]:
    """The DNSEndpoint, beneath the component; the same record as annotations for its outputs."""
    from pulumi_kubernetes.apiextensions import CustomResource

    own, plan = prepared.own, prepared.plan
    annotations: dict[str, Any] = dict(plan.annotations)
    if annotations and own.health_check is not None:
        annotations[f"{own.prefix}aws-health-check-id"] = own.health_check
    manifest = plan.manifest
    CustomResource(
        f"{name}-record-{prepared.region}",
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        metadata=manifest["metadata"],
        spec={"endpoints": [_checked(endpoint, own.health_check) for endpoint in manifest["spec"]["endpoints"]]},
        opts=told_when_unreachable(pulumi.ResourceOptions(parent=parent)),
    )
    return {"annotations": annotations}


def _checked(endpoint: dict[str, Any], check: Any) -> dict[str, Any]:
    if check is None:
        return endpoint
    properties = [*endpoint["providerSpecific"], {"name": "aws/health-check-id", "value": check}]
    return {**endpoint, "providerSpecific": properties}
