"""Hardening: rendered objects in, objects that survive the loss of a zone out.

Each step is one function over all objects; it changes them in place and returns them. `harden` copies first, so that
callers keep what they gave. The steps do not ask how a chart's values are called: they work on what is rendered. Their
modules have the names of those in `charts.audit`.
"""

import copy
from collections.abc import Callable, Iterable

from hakit.charts.harden import disruption, network, nodes, placement, release, traffic
from hakit.charts.intent import Intent
from hakit.charts.manifests import Object

Step = Callable[[list[Object], Intent], list[Object]]


def harden(objects: Iterable[Object], intent: Intent, steps: Iterable[Step] | None = None) -> list[Object]:
    """The objects as they should run. What is given stays as it is."""
    hardened = copy.deepcopy(list(objects))
    for step in STEPS if steps is None else steps:
        hardened = step(hardened, intent)
    return hardened


#: In this order: replicas first, because the later steps ask how many pods there are; then storage, because a rollout
#: depends on who may share it.
STEPS: tuple[Step, ...] = (
    placement.autoscale,
    placement.scale,
    placement.pause_keda_where_nothing_runs,
    placement.leave_replicas_to_the_autoscaler,
    release.set_storage,
    placement.drop_required_zone_anti_affinity,
    placement.spread_over_zones,
    placement.spread_over_hosts,
    disruption.roll_without_loss,
    disruption.leave_dead_nodes,
    disruption.stop_gracefully,
    disruption.own_disruption_budgets,
    nodes.set_priority,
    nodes.prefer_spot_in_standby,
    release.set_probes_and_resources,
    release.keep_data,
    release.keep_claims_of_sets,
    release.suspend_jobs_in_standby,
    release.hold_hooks_in_standby,
    network.isolate,
    traffic.keep_traffic_in_its_zone,
    traffic.break_circuits,
)
