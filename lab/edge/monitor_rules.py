"""What Cloudflare refuses in a monitor."""

import re

from lab.edge.account import MONITOR, Account, Inputs
from lab.edge.registry import Found, rule

_HTTP = ("http", "https")
_TYPES = (*_HTTP, "tcp", "udp_icmp", "icmp_ping", "smtp")
_ONLY_HTTP = ("allowInsecure", "expectedBody", "expectedCodes", "followRedirects", "header", "path", "probeZone")
_CODES = re.compile(r"[1-5]([0-9]{2}|xx)")


def _type(inputs: Inputs) -> str:
    return inputs.get("type", "http").lower()  # provider: the default is http, any case is read


@rule(MONITOR, "load-balancing/reference/limitations/")
def the_interval_is_within_the_plan(inputs: Inputs, account: Account) -> Found:
    """The words are the API's own (terraform-provider-cloudflare issue 133)."""
    interval = inputs.get("interval", 60)
    low = account.shortest_interval()
    if not low <= interval <= 3600:
        yield "interval", f"interval is not in range [{low}, 3600]: validation failed"


@rule(MONITOR, "load-balancing/monitors/create-monitor/")
def the_type_is_one_of_the_plan(inputs: Inputs, account: Account) -> Found:
    given = _type(inputs)
    if given not in _TYPES:
        yield "type", f"{given} is no monitor type; there are {', '.join(_TYPES)}"
    elif given not in (*_HTTP, "tcp") and not account.enterprise:
        yield "type", f"{given} is for Enterprise; the others choose http, https or tcp"


@rule(MONITOR, "provider: LoadBalancerMonitor.port")
def a_port_is_given_where_none_is_usual(inputs: Inputs, _: Account) -> Found:
    """«Required for TCP, UDP, and SMTP checks.»"""
    if _type(inputs) in ("tcp", "udp_icmp", "smtp") and not inputs.get("port"):
        yield "port", f"required for a {_type(inputs)} monitor"


@rule(MONITOR, "load-balancing/monitors/create-monitor/")
def http_settings_are_for_http(inputs: Inputs, _: Account) -> Found:
    """«This parameter is only valid for HTTP and HTTPS monitors.»"""
    if _type(inputs) in _HTTP:
        return
    for key in _ONLY_HTTP:
        if inputs.get(key):
            yield key, "only valid for HTTP and HTTPS monitors"


@rule(MONITOR, "load-balancing/monitors/create-monitor/")
def expected_codes_are_codes_or_ranges(inputs: Inputs, _: Account) -> Found:
    """«Listed individually (`200`, `302`) or as a range (for example, entering `2xx` ...)»."""
    for code in inputs.get("expectedCodes", "").split(","):
        if inputs.get("expectedCodes") and not _CODES.fullmatch(code.strip()):
            yield "expectedCodes", f"{code.strip()!r} is neither a code such as 200 nor a range such as 2xx"


@rule(MONITOR, "load-balancing/monitors/create-monitor/")
def the_user_agent_stays(inputs: Inputs, _: Account) -> Found:
    for name in inputs.get("header", {}):
        if name.lower() == "user-agent":
            yield f"header.{name}", "the User-Agent header cannot be overridden"


@rule(MONITOR, "load-balancing/reference/limitations/")
def monitors_are_not_more_than_half_again_the_pools(_: Inputs, account: Account) -> Found:
    """«1.5x the number of pools»: of those bought, or the first monitor could not come before the first pool."""
    most = account.pools * 3 // 2
    if len(account.objects[MONITOR]) >= most:
        yield "", f"exceeded quota: {most} monitors"
