"""What each of the four back ends can do."""

from dataclasses import dataclass

from hakit.plan.traffic import health

CLOUDFLARE, ROUTE53, ACCELERATOR, EXTERNAL_DNS = "cloudflare", "route53", "global-accelerator", "external-dns"
_NO_CHECK = "Route 53 asks with a fixed timeout, no retry, and the origin's own name as Host and SNI"


@dataclass(frozen=True)
class Backend:
    """What one back end can do.

    Attributes:
        own: the argument that holds what only it needs, and that argument's keys.
        ordered, shared: words of `steering` in active-passive and in active-active, the default first.
        affinity: words of `affinity.by`, the default first.
        check: what of a health check can be set.
        ttl: seconds that a resolver keeps an answer; None where users are not told an origin's address.
    """

    own: str
    keys: tuple[str, ...]
    ordered: tuple[str, ...]
    shared: tuple[str, ...]
    affinity: tuple[str, ...]
    check: health.Terms
    ttl: int | None


BACKENDS: dict[str, Backend] = {
    CLOUDFLARE: Backend(
        "cloudflare",
        ("account_id", "zone_id", "zone", "plan", "bought", "proxied", "check_regions", "retry_elsewhere", "shed",
         "rules", "notify", "universal_ssl"),
        ("ordered",),
        ("geo", "weighted", "proximity", "latency"),
        ("none", "cookie", "ip_cookie", "header"),
        # Cloudflare's own defaults are 60 s, 5 s and 2 retries; 15 s is the least that a plan without contract has.
        health.Terms({}, {"interval": 15, "timeout": 5, "retries": 1, "consecutive_down": 2, "consecutive_up": 2}),
        None,
    ),
    ROUTE53: Backend(
        "route53",
        ("zone_id", "zone", "routing_controls", "alias", "bias"),
        ("ordered", "failover"),
        ("latency", "weighted", "proximity"),
        ("none",),
        health.Terms(
            dict.fromkeys(("timeout", "retries", "consecutive_up", "host", "method"), _NO_CHECK)
            | {"expected_codes": "Route 53 takes every 2xx and 3xx for healthy", "follow_redirects": _NO_CHECK},
            {"interval": 10, "consecutive_down": 3},
        ),
        # Route 53 asks for 60 s or less beside a health check (resource-record-sets-values-weighted).
        60,
    ),
    ACCELERATOR: Backend(
        "global_accelerator",
        ("endpoints", "ports", "protocol", "dials", "client_ip_preservation", "zone_id"),
        ("ordered",),
        ("proximity",),
        ("none", "source_ip"),
        health.Terms(
            dict.fromkeys(
                ("retries", "host", "method", "expected_body", "follow_redirects"), "a target group has none"
            ),
            # Elastic Load Balancing's own are 30 s and 2; 10 s is the next shorter that is usual.
            {"interval": 10, "timeout": 6, "consecutive_down": 2, "consecutive_up": 2},
        ),
        None,
    ),
    EXTERNAL_DNS: Backend(
        "external_dns",
        ("namespace", "annotation_prefix", "dns_provider", "health_check_ids", "bias", "name"),
        # No failover records: after a handover each cluster would wait for the other to give its place up.
        ("ordered",),
        ("latency", "weighted", "proximity"),
        ("none",),
        health.Terms(
            dict.fromkeys(
                [key for key in health.KEYS if key not in ("interval", "consecutive_down")],
                "external-dns makes no health check; say interval and consecutive_down of the one you name",
            ),
            {"interval": 10, "consecutive_down": 3},
        ),
        60,
    ),
}  # fmt: skip
