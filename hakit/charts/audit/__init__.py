"""Auditing: objects and what is wanted of them in, findings out. Pure, and the same for any set of objects.

Each check is one function that yields the findings of one code; its module is its subject.
"""

from collections.abc import Iterable

from hakit.charts.audit import disruption, network, nodes, placement, release, storage, traffic, wiring
from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from hakit.findings import Finding, in_order

CHECKS = (
    *placement.CHECKS,
    *nodes.CHECKS,
    *disruption.CHECKS,
    *storage.CHECKS,
    *wiring.CHECKS,
    *release.CHECKS,
    *network.CHECKS,
    *traffic.CHECKS,
)


def audit(objects: Iterable[Object], intent: Intent) -> list[Finding]:
    """All findings about the objects, errors first."""
    given = list(objects)
    return in_order(finding for check in CHECKS for finding in check(given, intent))
