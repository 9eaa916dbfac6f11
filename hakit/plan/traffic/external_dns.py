"""external-dns with Route 53: one DNSEndpoint in each region's cluster, which owns that region's record and no other.

external-dns is no health checker and makes none: each record names a health check of Route 53 that stands elsewhere. It
runs in the cluster, so a dead region's record stays, and only its health check takes users away. It deletes records
with `--policy sync` alone.
"""

from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError
from hakit.plan.traffic import aws
from hakit.plan.traffic.detection import Detection
from hakit.plan.traffic.intent import SERVE, Place, Traffic
from hakit.plan.traffic.spec import TrafficSpec

#: The default since 0.22 (kubernetes-sigs/external-dns #6424); before it was external-dns.alpha.kubernetes.io/.
PREFIX = "external-dns.kubernetes.io/"


@dataclass(frozen=True)
class ExternalDnsSpec:
    """The arguments that only external-dns has, checked.

    Attributes:
        health_check: id of the health check of this region, or an Output; None when there is none.
        bias: of geoproximity.
    """

    namespace: str
    name: str
    prefix: str
    health_check: Any = field(repr=False)
    bias: int


@dataclass(frozen=True)
class ExternalDnsPlan:
    """The manifest without the id of the health check, and the same record as annotations of a Service or Ingress."""

    manifest: dict[str, Any]
    annotations: dict[str, str]
    detection: Detection


def read(spec: TrafficSpec) -> ExternalDnsSpec:
    """external-dns's part of the arguments.

    Raises:
        HakitError: one is missing, wrong, or contradicts another.
    """
    own = spec.own
    provider = own.word("dns_provider", ("aws", "cloudflare"), "aws")
    if provider == "cloudflare":
        raise HakitError(
            "external_dns.dns_provider: external-dns has no routing policy for Cloudflare", where=spec.where,
            given=provider, do="say backend: cloudflare; two clusters would fight for the one record that there is",
        )  # fmt: skip
    prefix = own.text("annotation_prefix", PREFIX)
    if not prefix.endswith("/"):
        raise HakitError(
            "external_dns.annotation_prefix: not a prefix", where=spec.where, given=prefix, allowed=f"such as {PREFIX}"
        )
    return ExternalDnsSpec(
        namespace=own.text("namespace", "external-dns"),
        name=own.text("name", spec.name),
        prefix=prefix,
        health_check=own.mapping("health_check_ids").get(spec.scope),
        bias=aws.read_bias(spec).get(spec.scope, 0),
    )


def plan(spec: TrafficSpec, own: ExternalDnsSpec, traffic: Traffic) -> ExternalDnsPlan:
    """The manifest of the region that is deployed."""
    aws.check_settings(spec)
    place = traffic.place(spec.scope)
    properties = _properties(spec, own, place)
    # Drained or fenced it has no record: a weight of zero among zeros would be a share like any other.
    endpoints = [_endpoint(spec, place, properties)] if place.traffic == SERVE else []
    return ExternalDnsPlan(
        manifest={
            "apiVersion": "externaldns.k8s.io/v1alpha1",
            "kind": "DNSEndpoint",
            "metadata": {"name": own.name, "namespace": own.namespace},
            "spec": {"endpoints": endpoints},
        },
        annotations=_annotations(spec, own, place, properties) if endpoints else {},
        detection=aws.dns_detection(spec),
    )


def _endpoint(spec: TrafficSpec, place: Place, properties: dict[str, str]) -> dict[str, Any]:
    return {
        "dnsName": spec.hostname,
        # An A record cannot name a host (docs, crd: targets are what the record holds).
        "recordType": "CNAME",
        "targets": [aws.one_origin(spec, place)],
        "recordTTL": spec.ttl,
        "setIdentifier": place.region,
        "providerSpecific": [{"name": f"aws/{key}", "value": value} for key, value in sorted(properties.items())],
    }


def _properties(spec: TrafficSpec, own: ExternalDnsSpec, place: Place) -> dict[str, str]:
    """Without `aws/`, as external-dns names them (provider/aws/aws.go, docs/tutorials/aws.md)."""
    if spec.steering == "latency":
        return {"region": aws.aws_region(spec, place)}
    if spec.steering == "proximity":
        found = aws.geoproximity(spec, place, own.bias)
        properties = {"geoproximity-bias": str(found["bias"])} if "bias" in found else {}
        if "coordinates" in found:
            (point,) = found["coordinates"]
            return {**properties, "geoproximity-coordinates": f"{point['latitude']},{point['longitude']}"}
        return {**properties, "geoproximity-region": found["aws_region"]}
    return {"weight": str(aws.weight(spec, place))}


def _annotations(spec: TrafficSpec, own: ExternalDnsSpec, place: Place, properties: dict[str, str]) -> dict[str, str]:
    return {
        f"{own.prefix}hostname": spec.hostname,
        f"{own.prefix}ttl": str(spec.ttl),
        f"{own.prefix}set-identifier": place.region,
        **{f"{own.prefix}aws-{key}": value for key, value in sorted(properties.items())},
    }
