"""The arguments of GlobalLoadBalancer.

Plain types only, and no `from __future__ import annotations` here: Pulumi's schema analyzer reads these classes when
hakit is packaged as a component plugin.
"""

from typing import Any, Required, TypedDict

import pulumi


class OriginArgs(TypedDict, total=False):
    """One address under which a region takes its users' requests."""

    address: Required[str]
    """Host name or IP address."""
    port: int
    """Default: the usual one."""
    weight: float
    """0 to 1, its share beside the region's other origins. Default 1."""
    host: str
    """Host header in place of the one that the user sent. Cloudflare only."""
    proxied: bool
    """Cloudflare proxies the address itself: refused, its checks would ask Cloudflare. Default false."""


class HealthArgs(TypedDict, total=False):
    """The question whether a region can serve in its role."""

    path: str
    """Path that answers 200 only when the region can serve in its role: of a standby it must fail. This, or `ready`."""
    ready: bool
    """Ask `/rpc/ready`, where RegionPair's `ready` endpoint answers. Not of an active-active pair. Default false."""
    type: str
    """`https` (default) or `http`."""
    port: int
    """Default 443, of http 80."""
    method: str
    """Default GET."""
    host: str
    """Host header of the check. Default: the load balancer's host name, as users ask."""
    expected_codes: str
    """Default 200."""
    expected_body: str
    """Text that the answer must hold."""
    redirects: bool
    """The path answers with a redirect. Refused unless it is followed or expected. Default false."""
    follow_redirects: bool
    """Default false."""
    interval: int
    """Seconds from one check to the next. Default: Cloudflare 15, Route 53 10 (or 30), Global Accelerator's NLB 10."""
    timeout: int
    """Seconds until a try counts as failed. Default: Cloudflare 5, an NLB 6; fixed at Route 53."""
    retries: int
    """Further tries after a timeout, at once. Cloudflare only. Default 1."""
    consecutive_down: int
    """Failures in a row until the region counts as down. Default: Cloudflare and an NLB 2, Route 53 3."""
    consecutive_up: int
    """Successes in a row until it counts as up again. Default 2."""


class LocationArgs(TypedDict):
    """Where a region is. hakit knows AWS's regions by name."""

    latitude: float
    """Degrees, north positive."""
    longitude: float
    """Degrees, east positive."""


class AffinityArgs(TypedDict, total=False):
    """Whether one user stays with one region."""

    by: str
    """Cloudflare: `none` (default), `cookie`, `ip_cookie`, `header`. Global Accelerator: `none`, `source_ip`."""
    ttl: int
    """Seconds that a session lasts. Default: Cloudflare's, 23 hours, by header 30 minutes."""
    headers: list[str]
    """Headers that tell one user from another, with `by: header`."""
    drain: int
    """Seconds that sessions of a drained region go on. Default: as long as a session."""


class BoughtArgs(TypedDict, total=False):
    """What the account's load balancing add-on holds, in place of the plan's usual quantities."""

    pools: int
    """One a region."""
    endpoints: int
    """Origins of all pools."""
    interval: int
    """Seconds between two checks, at least."""
    check_regions: int
    """Regions that checks come from."""
    steering: list[str]
    """Words of `steering` beside `ordered` and `weighted`, which every account has."""


class CloudflareArgs(TypedDict, total=False):
    """What only Cloudflare needs."""

    account_id: Required[pulumi.Input[str]]
    """The account's id."""
    zone_id: Required[pulumi.Input[str]]
    """The zone's id."""
    zone: str
    """The zone's name. With it, a host name that Universal SSL does not cover is found before users find it."""
    universal_ssl: bool
    """False: another certificate covers the host name. Default true."""
    plan: str
    """`self-serve` (default; 20 pools, 20 endpoints, 15 s) or `enterprise` (10 s, numbers as agreed)."""
    bought: BoughtArgs
    """Where the account has bought something else than the plan's usual."""
    proxied: bool
    """Users get Cloudflare's addresses, and no DNS answer to wait for. Default true."""
    check_regions: list[str]
    """Region codes that checks come from. Default ENAM, WEU and WNAM; all 13 with latency steering, which measures
    from them."""
    retry_elsewhere: bool
    """A request that no origin of a region took (521, 522, 523) is sent to the next. Default: true where all regions
    serve; refused in an active-passive pair. Say false where a request that was perhaps done must not be done again."""
    shed: dict[str, float]
    """By region, percent of new users that are sent elsewhere."""
    rules: list[dict[str, Any]]
    """Rules as pulumi_cloudflare's LoadBalancerRuleArgs takes them. Not beside geo steering."""
    notify: list[str]
    """Addresses that are told when a pool changes its health."""


class Route53Args(TypedDict, total=False):
    """What only Route 53 needs."""

    zone_id: Required[pulumi.Input[str]]
    """The hosted zone's id."""
    zone: str
    """The hosted zone's name. With it, a zone's own name without `alias` is refused: it cannot be a CNAME."""
    routing_controls: dict[str, pulumi.Input[str]]
    """By region, ARN of a routing control of Application Recovery Controller: a switch that works without Route 53's
    control plane. All regions or none. Default none: such a cluster is paid by the hour."""
    alias: dict[str, dict[str, pulumi.Input[str]]]
    """By region, `name` and `zone_id` of the load balancer that an alias record points at. All regions or none."""
    bias: dict[str, float]
    """By region, -90 to 90, with proximity steering."""


class GlobalAcceleratorArgs(TypedDict, total=False):
    """What only Global Accelerator needs."""

    endpoints: Required[dict[str, list[pulumi.Input[str]]]]
    """By region, ARNs of the load balancers there."""
    ports: list[int]
    """Default 443."""
    protocol: str
    """`TCP` (default) or `UDP`."""
    dials: dict[str, float]
    """By region, percent of the users who would be sent there. Not in an active-passive pair. Default 100."""
    client_ip_preservation: bool
    """Whether the region sees the users' addresses. Default: AWS's own."""
    zone_id: pulumi.Input[str]
    """Route 53's hosted zone, for a record of the host name. Default: the record is made elsewhere."""


class ExternalDnsArgs(TypedDict, total=False):
    """What only external-dns needs."""

    health_check_ids: dict[str, pulumi.Input[str]]
    """By region, the id of a health check of Route 53 that stands elsewhere. A record without one is an error
    finding."""
    namespace: str
    """Of the DNSEndpoint. Default `external-dns`."""
    name: str
    """Of the DNSEndpoint. Default: the component's name."""
    annotation_prefix: str
    """Of the annotations among the outputs. Default `external-dns.kubernetes.io/`, that of 0.22 and later."""
    dns_provider: str
    """`aws` (default). Cloudflare is refused: external-dns has no routing policy there."""
    bias: dict[str, float]
    """By region, -90 to 90, with proximity steering."""


class GlobalLoadBalancerArgs(TypedDict, total=False):
    """What a GlobalLoadBalancer is made from."""

    topology: Required[str]
    """The topology's file, relative to the folder of Pulumi.yaml."""
    pair: Required[str]
    """Pair of the topology whose regions serve the host name."""
    hostname: Required[str]
    """The name that users ask for: `shop.example.com`."""
    health: HealthArgs
    """What a region is asked. Required, but with external-dns, which makes no checks."""
    backend: str
    """`cloudflare` (default), `route53`, `global-accelerator` or `external-dns`."""
    scope: str
    """external-dns only: the region whose cluster this program deploys."""
    origins: dict[str, list[OriginArgs]]
    """By region. Default: one, `<region>.origin.<hostname>`."""
    steering: str
    """Of an active-passive pair `ordered`, with Route 53 also `failover`. Of an active-active pair with
    Cloudflare `geo` (default), `weighted`, `proximity`, `latency`; with Route 53 and external-dns `latency` (default),
    `weighted`, `proximity`; with Global Accelerator `proximity`."""
    weights: dict[str, float]
    """By region, 0 to 1, with weighted steering. Default 1."""
    locations: dict[str, LocationArgs]
    """By region, for steering by place. Default: that of the AWS region of this name."""
    others: str
    """Geo steering: who serves the region codes that no region's `serves` has: `nearest`, or a region."""
    affinity: AffinityArgs
    """Whether one user stays with one region. Default: no."""
    ttl: int
    """Seconds that resolvers keep an answer. Default 60, of a Cloudflare name that is proxied none."""
    certificates: str
    """How the origins' certificates are renewed: `dns-01` (default), `managed`, or `http-01`, which is a finding."""
    accept: dict[str, str]
    """Findings that are let through, with the reason."""
    cloudflare: CloudflareArgs
    """What only Cloudflare needs."""
    route53: Route53Args
    """What only Route 53 needs."""
    global_accelerator: GlobalAcceleratorArgs
    """What only Global Accelerator needs."""
    external_dns: ExternalDnsArgs
    """What only external-dns needs."""
