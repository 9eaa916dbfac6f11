"""Which rendered workload each argument of a ZonalApp means. An argument that means none is refused, never ignored."""

from collections.abc import Iterable
from dataclasses import replace

from hakit.charts.intent import Intent, Network, Peer, Spread, WorkloadIntent
from hakit.charts.manifests import Object
from hakit.charts.objects import containers, id_of, pod_makers, runs_to_an_end, workloads
from hakit.errors import HakitError, did_you_mean
from hakit.plan.zonal import STANDBY, AppSpec, RoleSpec


def intent(spec: AppSpec, role: str, objects: Iterable[Object]) -> Intent:
    """What is wanted of the rendered objects in a role.

    Args:
        spec: the application.
        role: `active` or `standby`.
        objects: as the chart renders them.

    Raises:
        HakitError: `workloads` names one that the chart does not render, one twice, a container that it does not have,
            or asks of it what its kind cannot do; or `replicas` or `needs` is given for a chart with several.
    """
    wanted = spec.roles[role]
    running = workloads(objects := list(objects))
    known = [*running, *runs_to_an_end(objects)]
    named: dict[str, WorkloadIntent] = {}
    for name, each in wanted.workloads.items():
        workload = _resolve(spec, name, known)
        if id_of(workload) in named:
            raise HakitError(f"workloads: {id_of(workload)} is named twice", where=spec.where, given=name)
        _refuse_misplaced(spec, name, workload, each)
        named[id_of(workload)] = each
    if wanted.replicas is not None or wanted.needs is not None:
        if len(running) != 1:
            raise _not_one(spec, role, [id_of(workload) for workload in running])
        only = id_of(running[0])
        named[only] = _with_defaults(named.get(only, WorkloadIntent()), wanted)
    return Intent(
        namespace=spec.namespace,
        zones=len(spec.zones),
        kubernetes=spec.kubernetes,
        standby=role == STANDBY,
        beside=not spec.runs_jobs,
        existing_volumes=spec.existing_volumes,
        run_hooks=wanted.run_hooks,
        hold_hooks=not wanted.run_hooks,
        storage_class=spec.storage.storage_class,
        access_mode=spec.storage.access_mode,
        zonal_class=spec.storage.zonal_class,
        reserved=spec.reserved,
        places=(spec.region, *spec.zones) if spec.region else (),
        priority_class=spec.priority_class,
        spot=wanted.spot,
        spread=spec.spread,
        same_zone=spec.same_zone,
        network=_network(spec, objects),
        istio=spec.istio,
        workloads=named,
    )


def _network(spec: AppSpec, objects: list[Object]) -> Network | None:
    """The network as asked, its workloads resolved to what the chart renders."""
    if spec.network is None:
        return None
    makers = pod_makers(objects)

    def resolved(key: str, peers: tuple[Peer, ...]) -> tuple[Peer, ...]:
        return tuple(
            peer
            if peer.workload is None
            else replace(
                peer, workload=id_of(_resolve(spec, peer.workload, makers, f"network.{key}[{number}].workload"))
            )
            for number, peer in enumerate(peers)
        )

    wanted = spec.network
    return replace(wanted, ingress=resolved("ingress", wanted.ingress), egress=resolved("egress", wanted.egress))


def _with_defaults(only: WorkloadIntent, wanted: RoleSpec) -> WorkloadIntent:
    return replace(
        only,
        replicas=wanted.replicas if only.replicas is None else only.replicas,
        needs=wanted.needs if only.needs is None else only.needs,
        autoscaling=wanted.autoscaling if only.autoscaling is None else only.autoscaling,
    )


def _resolve(spec: AppSpec, name: str, known: list[Object], path: str = "workloads") -> Object:
    """The object that a user's `name` or `Kind/name` means."""
    found = [each for each in known if name in (id_of(each), id_of(each).partition("/")[2])]
    if len(found) == 1:
        return found[0]
    names = [id_of(each) for each in known]
    two = [id_of(each) for each in found]
    raise HakitError(
        f"{path}: {'two workloads have this name' if found else 'the chart renders no such workload'}",
        where=spec.where,
        given=name,
        allowed=two or names,
        do=f"write {two[0]} or {two[1]}"
        if found
        else did_you_mean(name, [*(each.partition("/")[2] for each in names), *names]),
    )


def _refuse_misplaced(spec: AppSpec, name: str, workload: Object, wanted: WorkloadIntent) -> None:
    """What the workload's kind has no use for."""
    kind, where = workload["kind"], f"{spec.where}: workloads.{name}"
    asked = {
        "replicas": wanted.replicas is not None,
        "needs": wanted.needs is not None,
        "autoscaling": wanted.autoscaling is not None,
        "max_unavailable": wanted.max_unavailable != 1,
        "spread": wanted.spread != Spread(),
        "priority_class": wanted.priority_class is not None,
        "resources": wanted.resources is not None,
        "probes": bool(wanted.probes),
        "container": wanted.container is not None,
        "clustered": wanted.clustered,
        "suspend": wanted.suspend is not None,
    }
    possible = {
        "CronJob": ["suspend"],
        "Job": ["suspend"],
        "Deployment": [key for key in asked if key not in ("suspend", "clustered")],
        # More pods under load, and fewer after it, would be members of a database that come and go.
        "StatefulSet": [key for key in asked if key not in ("suspend", "autoscaling")],
    }[kind]
    for key, given in asked.items():
        if given and key not in possible:
            raise HakitError(f"{key}: a {kind} has no use for it", where=where, given=key, allowed=", ".join(possible))
    if wanted.container is not None:
        there = [str(each.get("name")) for each in containers(workload)]
        if wanted.container not in there:
            what = f"container: {id_of(workload)} has no such container"
            raise HakitError(what, where=where, given=wanted.container, allowed=there)


def _not_one(spec: AppSpec, role: str, running: list[str]) -> HakitError:
    example = ", ".join(f'"{each.partition("/")[2]}": {{"replicas": 3}}' for each in running[:2])
    return HakitError(
        f"replicas: the chart renders {len(running) or 'no'} workloads, so it is not clear which one is meant",
        where=f"{spec.where} ({role})" if spec.has_roles else spec.where,
        given=", ".join(running) or None,
        allowed=f"workloads={{{example}}}" if running else "no replicas and no needs",
    )
