"""Who serves a client: Cloudflare's steering by its documentation, as a pure function.

Pages of developers.cloudflare.com that are named here without a folder lie in load-balancing/understand-basics;
`provider` stands for the descriptions of LoadBalancer's and LoadBalancerPool's arguments.

Where the documentation leaves a choice, the one that is worse for availability is taken: pools whose weights are all
zero serve nobody, a place whose list of pools is empty has only the fallback pool. What it does not play: custom
rules, pool sets, regional health, DNS caches of clients of a DNS-only load balancer.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lab.edge.account import Inputs
from lab.edge.balancer_rules import affinity_of, steering_of

#: A pool's id and an endpoint's name.
Endpoint = tuple[str, str]


@dataclass(frozen=True)
class Client:
    """One request: `region` is that of the Cloudflare data center which it reaches (geo-steering), as are `country`,
    `pop` and `place` (latitude, longitude). `session` is what its cookie, or its session key, says. The draws are the
    request's random numbers, from 0 to just below 1; `shed` at 1 sheds nothing."""

    region: str
    country: str = ""
    pop: str = ""
    place: tuple[float, float] | None = None
    address: str = "192.0.2.1"
    session: Endpoint | None = None
    draw: float = 0.0
    origin_draw: float = 0.0
    shed: float = 1.0


@dataclass(frozen=True)
class State:
    """What steering reads beside the load balancer: pools by id, the health of endpoints (None or absent is unknown),
    round trip times by region and pool, requests under way by pool and by endpoint, and for how many seconds an
    endpoint has been disabled."""

    pools: Mapping[str, Inputs]
    health: Mapping[Endpoint, bool | None] = field(default_factory=dict)
    round_trips: Mapping[tuple[str, str], float] = field(default_factory=dict)
    busy: Mapping[str | Endpoint, int] = field(default_factory=dict)
    disabled_for: Mapping[Endpoint, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The endpoint that gets the request, or none. `why` is `session`, `steering`, `fallback`, `failover` or a reason
    for an error; `session` is the cookie to set."""

    pool: str | None
    origin: str | None
    why: str
    session: Endpoint | None = None


def resolve(balancer: Inputs, client: Client, state: State) -> Answer:
    """The endpoint for a request."""
    if not balancer.get("enabled", True):
        return Answer(None, None, "the load balancer is disabled")
    if held := _held_session(balancer, client, state):
        return Answer(*held, why="session", session=held)
    for pool in _order(balancer, client, state):
        if pool_serves(pool, state) and not _sheds(state.pools[pool], client):
            name = _endpoint(balancer, client, state, pool, _usable(pool, state))
            return _answer(balancer, pool, name, "steering")
    return _fallback(balancer, client, state)


def retry(balancer: Inputs, client: Client, state: State, failed: Answer) -> Answer | None:
    """The single retry of zero-downtime failover, when an endpoint gave 521, 522, 523, 525 or 526 (adaptive-routing).

    In the same pool when another endpoint there is healthy; in the next pool of the failover order only with
    `failoverAcrossPools`. Requests of a session follow `zeroDowntimeFailover`: none by default, `temporary` keeps the
    session where it was, `sticky` moves it (session-affinity, #zero-downtime-failover).
    """
    mode = balancer.get("sessionAffinityAttributes", {}).get("zeroDowntimeFailover", "none")
    if not balancer.get("proxied") or failed.pool is None or (failed.why == "session" and mode == "none"):
        return None
    without = replace(state, health={**state.health, (failed.pool, failed.origin or ""): False})
    pools = [failed.pool]
    if balancer.get("adaptiveRouting", {}).get("failoverAcrossPools"):
        pools += [pool for pool in _order(balancer, client, state) if pool != failed.pool]
    for pool in pools:
        others = [each for each in _usable(pool, without) if (pool, each["name"]) != (failed.pool, failed.origin)]
        if others and (pool == failed.pool or pool_serves(pool, without)):
            found = _answer(balancer, pool, _endpoint(balancer, client, without, pool, others), "failover")
            return replace(found, session=client.session) if mode == "temporary" and client.session else found
    return None


def pool_serves(identity: str, state: State) -> bool:
    """«Disabled pools will not receive traffic» (provider); a pool below its health threshold is critical and gets
    none, and «when no monitor is attached to a pool, the health status is not considered» (health-details)."""
    pool = state.pools[identity]
    usable = len(_usable(identity, state))
    return bool(pool.get("enabled", True)) and usable >= max(1, int(pool.get("minimumOrigins", 1)))


def _monitored(pool: Inputs) -> bool:
    return bool(pool.get("monitor") or pool.get("monitorGroup"))


def _enabled(pool: Inputs) -> list[Inputs]:
    return [each for each in pool["origins"] if each.get("enabled", True)]


def _usable(identity: str, state: State) -> list[Inputs]:
    """Enabled endpoints that are known to be healthy: «origins are considered down when monitoring is enabled, but the
    health status is still unknown» (health-details)."""
    pool = state.pools[identity]
    healthy = [each for each in _enabled(pool) if state.health.get((identity, each["name"]))]
    return healthy if _monitored(pool) else _enabled(pool)


def _held_session(balancer: Inputs, client: Client, state: State) -> Endpoint | None:
    """A session's endpoint «as long as the endpoint remains healthy» (session-affinity), and while it is drained
    (additional-options/planned-maintenance, #gradual-rotation)."""
    affine = affinity_of(balancer) != "none" and balancer.get("proxied")
    if not affine or client.session is None or client.session[0] not in _offered(balancer) & state.pools.keys():
        return None
    pool = state.pools[client.session[0]]
    origin = next((each for each in pool["origins"] if each["name"] == client.session[1]), None)
    shed = _hash(client.address) * 100 < pool.get("loadShedding", {}).get("sessionPercent", 0)
    if origin is None or shed or not pool.get("enabled", True):
        return None
    if origin.get("enabled", True):
        return client.session if state.health.get(client.session) or not _monitored(pool) else None
    drain = balancer.get("sessionAffinityAttributes", {}).get("drainDuration", 0)
    return client.session if state.disabled_for.get(client.session, math.inf) < drain else None


def _offered(balancer: Inputs) -> set[str]:
    places = (balancer.get(key, {}).values() for key in ("regionPools", "countryPools", "popPools"))
    listed = (pool for lists in places for pools in lists for pool in pools)
    return {*balancer["defaultPools"], *listed, balancer["fallbackPool"]}


def _order(balancer: Inputs, client: Client, state: State) -> list[str]:
    """The pools in the order in which this request would try them."""
    policy = steering_of(balancer)
    pools: list[str] = list(balancer["defaultPools"])
    if policy == "geo":
        # «Any data center not explicitly defined will fall back to using the corresponding country_pool, then
        # region_pool mapping (if it exists), and finally to associated default pools» (geo-steering, #pop-steering).
        for key, place in (("popPools", client.pop), ("countryPools", client.country), ("regionPools", client.region)):
            if place in balancer.get(key, {}):
                return list(balancer[key][place])
        return pools
    serving = [pool for pool in pools if pool_serves(pool, state)]
    if policy == "dynamic_latency":
        # «If there is no current RTT data for your pool in a region ..., Cloudflare directs traffic to the pools in
        # failover order» (dynamic-steering).
        times = {pool: state.round_trips.get((client.region, pool)) for pool in serving}
        return pools if None in times.values() else sorted(serving, key=lambda pool: times[pool] or 0.0)
    if policy == "proximity":
        return sorted(serving, key=lambda pool: _distance(client.place, state.pools[pool]))
    if policy in ("random", "least_outstanding_requests", "least_connections"):
        return _drawn({pool: _pool_weight(balancer, pool, policy, state) for pool in serving}, client.draw)
    return pools


def _pool_weight(balancer: Inputs, pool: str, policy: str, state: State) -> float:
    """`randomSteering`; «pools with more pending requests are weighted proportionately less», and none are counted for
    a DNS-only load balancer (least-outstanding-requests). How much less is not documented."""
    weights = balancer.get("randomSteering", {})
    weight = float(weights.get("poolWeights", {}).get(pool, weights.get("defaultWeight", 1)))
    return weight if policy == "random" or not balancer.get("proxied") else weight / (1 + state.busy.get(pool, 0))


def _drawn(weights: Mapping[str, float], draw: float) -> list[str]:
    """Names in the order of a draw without returning: the first by the draw, the next by the same among the rest."""
    left = {name: weight for name, weight in weights.items() if weight > 0}
    order: list[str] = []
    while left:
        order.append(_picked(left, draw))
        del left[order[-1]]
    return order


def _picked(weights: Mapping[str, float], draw: float) -> str:
    point = draw * sum(weights.values())
    for name, weight in weights.items():
        if point < weight:
            return name
        point -= weight
    return list(weights)[-1]  # by rounding


def _distance(place: tuple[float, float] | None, pool: Inputs) -> float:
    """Kilometres on the globe; a pool without coordinates is farther than any other."""
    if place is None or "latitude" not in pool:
        return math.inf
    one, two = math.radians(place[0]), math.radians(pool["latitude"])
    across = math.radians(pool["longitude"] - place[1])
    chord = math.sin((two - one) / 2) ** 2 + math.cos(one) * math.cos(two) * math.sin(across / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(chord))


def _fallback(balancer: Inputs, client: Client, state: State) -> Answer:
    """«Its health is not taken into account»; when it is disabled too, a proxied host name answers 530, error 1016
    (health-details, #fallback-pools and #how-a-load-balancer-becomes-unhealthy)."""
    pool = balancer["fallbackPool"]
    if not state.pools[pool].get("enabled", True):
        return Answer(None, None, "530: the fallback pool is disabled")
    name = _endpoint(balancer, client, state, pool, _enabled(state.pools[pool]))
    return _answer(balancer, pool, name, "fallback")


def _endpoint(balancer: Inputs, client: Client, state: State, pool: str, among: list[Inputs]) -> str | None:
    """An endpoint of a pool by weight: «% of traffic to endpoint = endpoint weight ÷ sum of all weights in the pool»,
    and one with a weight of 0 gets none (traffic-steering/origin-level-steering, #weights)."""
    policy = state.pools[pool].get("originSteering", {}).get("policy", "random")
    weights = {each["name"]: float(each.get("weight", 1)) for each in among}
    if policy.startswith("least_"):
        weights = {name: weight / (1 + state.busy.get((pool, name), 0)) for name, weight in weights.items()}
    # ip_cookie: «the initial endpoint selection is stable and based on the client's IP address» (session-affinity).
    stable = policy == "hash" or affinity_of(balancer) == "ip_cookie"
    return next(iter(_drawn(weights, _hash(client.address) if stable else client.origin_draw)), None)


def _answer(balancer: Inputs, pool: str, name: str | None, why: str) -> Answer:
    if name is None:
        return Answer(pool, None, "530: no endpoint of the pool takes traffic")
    pinned = affinity_of(balancer) != "none" and balancer.get("proxied")
    return Answer(pool, name, why, (pool, name) if pinned else None)


def _sheds(pool: Inputs, client: Client) -> bool:
    """A percentage of requests at random, or of IP addresses by hash (additional-options/load-shedding)."""
    shedding = pool.get("loadShedding", {})
    point = client.shed if shedding.get("defaultPolicy", "random") == "random" else _hash(client.address)
    return point * 100 < shedding.get("defaultPercent", 0)


def _hash(address: str) -> float:
    """A number from 0 to just below 1, the same for an address at every time."""
    return zlib.crc32(address.encode()) / 2**32
