"""Where a component stands in the topology: its arguments `pair` and `scope`. Pure."""

from collections.abc import Iterable

from hakit.errors import HakitError, did_you_mean
from hakit.plan.arguments import Arguments
from hakit.topology.model import Pair, Region, Topology


def pair_of(given: Arguments, topology: Topology, default: str | None = None) -> Pair:
    """The pair that `pair` names.

    Raises:
        HakitError: it is missing, and there is no default; or the topology has no such pair.
    """
    wanted = given.text("pair", default)
    if wanted not in topology.pairs:
        raise HakitError("pair: the topology has no such pair", where=given.where, given=wanted, allowed=topology.pairs)
    return topology.pair(wanted)


def region_of(given: Arguments, topology: Topology, pair: Pair | None = None, also: Iterable[str] = ()) -> Region:
    """The region that `scope` names.

    Args:
        given: the component's arguments.
        topology: the topology.
        pair: when given, the region must be one of its own.
        also: words that the component takes besides, for the message.

    Raises:
        HakitError: it is missing, or no region of the topology or of the pair.
    """
    scope = given.text("scope")
    if scope not in topology.regions:
        raise HakitError(
            "scope: unknown region", where=given.where, given=scope, allowed=[*topology.regions, *also],
            do=did_you_mean(scope, topology.regions) or f"regions are declared in {topology.where('regions')}",
        )  # fmt: skip
    if pair is not None and scope not in pair.regions:
        what = f"scope: pair {pair.name} is not in this region"
        raise HakitError(what, where=given.where, given=scope, allowed=", ".join(pair.regions))
    return topology.region(scope)
