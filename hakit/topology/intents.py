"""What each region's program emits for a database, from the pair's list of handovers. All pure.

Never `cnpg.io/fencedInstances`: the region's fence owns it (`fence`), and CloudNativePG's own demotion removes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hakit.topology.copies import Copy, Epoch
from hakit.topology.handovers import Standing, check_region, epoch, standing
from hakit.topology.model import Pair

Bootstrap = Literal["initdb", "recovery"]


@dataclass(frozen=True)
class ClusterIntent:
    """What a region's program emits for one copy of one database.

    Attributes:
        member: this copy; its name is `replica.self`.
        primary: `replica.primary`; writable only when it is `member` itself.
        source: `replica.source`; never `member` itself.
        epoch: the annotation, as `epoch.number`.
        promotion_token: `replica.promotionToken`; only on a primary.
        clear_token: write the token's field empty, as an older version of the file filled it.
        bootstrap: `initdb` only for the founded copy, incarnation 1.
        recover_from: the copy whose archive a recovery reads; None with `initdb`.
        awaits_ready: False for a copy that lost its role to a failover: it may never become ready.
        quarantined: an older incarnation, kept for its data, never created.
        kept: the older incarnations of this region, each an intent of its own.
    """

    database: str
    member: Copy
    primary: Copy
    source: Copy
    epoch: Epoch
    promotion_token: str | None
    clear_token: bool
    bootstrap: Bootstrap
    recover_from: Copy | None
    awaits_ready: bool = True
    quarantined: bool = False
    kept: tuple["ClusterIntent", ...] = ()

    @property
    def incarnation(self) -> int:
        return self.member.incarnation

    @property
    def is_primary(self) -> bool:
        return self.primary == self.member


def cluster_intent(pair: Pair, database: str, region: str, *, promoted_with: str | None = None) -> ClusterIntent:
    """What a region's program emits for a database.

    Args:
        pair: with its list.
        database: one of the pair's.
        region: one of the pair's.
        promoted_with: the token that hakit saw in the active Cluster's `status.lastPromotionToken` and recorded.
            Without it the token stays in the manifest even if the entry says settled, as a person could type that too
            early; it does no harm there.

    Raises:
        HakitError: the pair has no such database or region.
    """
    check_region(pair, region)
    now, at = standing(pair, database), epoch(pair, database)
    member = Copy(region, now.current[region])
    if pair.is_partitioned:
        return _of_its_own(database, member, _peer(pair, now, member), at)
    primary = now.active
    if now.target and member == now.active:
        primary = now.target  # it demotes and publishes its token
    source = primary if primary != member else _peer(pair, now, member)
    token = now.token if primary == member and now.token != promoted_with else None
    founded = member == Copy(pair.founded, 1)
    intent = ClusterIntent(
        database=database,
        member=member,
        primary=primary,
        source=source,
        epoch=at,
        promotion_token=token,
        clear_token=member in now.tokened and token is None,
        bootstrap="initdb" if founded else "recovery",
        recover_from=None if founded else source,
        awaits_ready=member not in now.superseded,
    )
    older = [number for number in range(1, now.highest[region] + 1) if number != member.incarnation]
    return replace(intent, kept=tuple(_quarantined(intent, now, Copy(region, number)) for number in older))


def _of_its_own(database: str, member: Copy, peer: Copy, at: Epoch) -> ClusterIntent:
    """A copy that is primary for good: its region owns its rows, and learns of the others' by publications."""
    return ClusterIntent(
        database=database,
        member=member,
        primary=member,
        source=peer,
        epoch=at,
        promotion_token=None,
        clear_token=False,
        bootstrap="initdb",
        recover_from=None,
    )


def _quarantined(intent: ClusterIntent, now: Standing, copy: Copy) -> ClusterIntent:
    return replace(
        intent,
        member=copy,
        primary=now.active,
        source=now.active,
        promotion_token=None,
        clear_token=copy in now.tokened,
        bootstrap="recovery",
        recover_from=now.active,
        awaits_ready=False,
        quarantined=True,
    )


def _peer(pair: Pair, now: Standing, member: Copy) -> Copy:
    """The source of a primary: the former active, which it follows until its token is reached."""
    regions: Sequence[str] = pair.regions
    if now.former and now.former.region != member.region:
        regions = (now.former.region,)
    region = next(region for region in regions if region != member.region)
    return Copy(region, now.current[region])
