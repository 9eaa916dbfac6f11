"""What a ZonalApp is to be: its arguments, checked, and what follows from them for each role. Pure.

The chart itself is not looked at here: what its workloads are called is known only after it was rendered; `workloads`
brings the two together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hakit.charts.intent import PROBES, Autoscaling, Istio, Network, Spread, WorkloadIntent
from hakit.errors import HakitError
from hakit.plan import hardening
from hakit.plan.arguments import Arguments
from hakit.plan.place import pair_of, region_of
from hakit.plan.stores import kubernetes_name
from hakit.topology import handovers
from hakit.topology.model import Pair, Topology

ACTIVE, STANDBY = "active", "standby"

#: What `adopt` takes over: a Helm release, or objects that no release has.
RELEASE, OBJECTS = "release", "objects"
#: How the objects are delivered: as one Helm release, or as resources of their own.
BY_RELEASE, BY_OBJECTS = "release", "objects"

#: Seconds that Helm waits for pods: the default timeout of 300 is short for images that are pulled into a new zone.
TIMEOUT = 600
#: What is taken for the cluster's version when none is given. The newest field that hakit sets needs 1.30.
KUBERNETES = "1.34"

_ROLE_KEYS = ("replicas", "needs", "autoscaling", "hooks", "wait", "spot")
_WORKLOAD_ROLE_KEYS = ("replicas", "needs", "autoscaling", "resources", "probes", "suspend")
_WORKLOAD_KEYS = (
    *_WORKLOAD_ROLE_KEYS,
    "clustered",
    "max_unavailable",
    "spread",
    "priority_class",
    "container",
    ACTIVE,
    STANDBY,
)
_PROBE_WORDS = {"readiness": PROBES[1], "liveness": PROBES[0], "startup": PROBES[2]}
ARGUMENTS = (
    "chart",
    "version",
    "repo",
    "namespace",
    "release_name",
    "values",
    "zones",
    "topology",
    "pair",
    "scope",
    "kubernetes",
    "api_versions",
    "replicas",
    "needs",
    "autoscaling",
    ACTIVE,
    STANDBY,
    "workloads",
    "spread",
    "same_zone",
    "network",
    "istio",
    "priority_class",
    "storage",
    "storage_class",
    "access_mode",
    "existing_volumes",
    "accept",
    "timeout",
    "adopt",
    "delivery",
    "leave",
)


@dataclass(frozen=True)
class RoleSpec:
    """What holds in one role.

    Attributes:
        replicas, needs, autoscaling: of the chart's only workload.
        run_hooks: install and upgrade hooks run.
        wait: the deployment waits until the pods are ready, and takes an upgrade back that does not get there.
        spot: whose spot capacity its pods prefer; a standby only.
        workloads: by name as given.
    """

    replicas: int | None
    needs: int | None
    autoscaling: Autoscaling | None
    run_hooks: bool
    wait: bool
    spot: str | None
    workloads: Mapping[str, WorkloadIntent]


@dataclass(frozen=True)
class AppSpec:
    """A ZonalApp's arguments, checked. Everything after this trusts it.

    Attributes:
        possible_roles: that it may ever have here; of an active-active pair there is one.
        runs_jobs: CronJobs and migrations run here: False where the application serves beside the region that it
            writes to.
    """

    name: str
    chart: str
    version: str
    repo: str
    namespace: str
    release_name: str
    values: Mapping[str, Any] = field(repr=False)
    zones: tuple[str, ...]
    kubernetes: tuple[int, int]
    api_versions: tuple[str, ...] | None
    region: str
    role: str
    possible_roles: tuple[str, ...]
    runs_jobs: bool
    roles: Mapping[str, RoleSpec]
    spread: Spread
    same_zone: bool
    network: Network | None
    istio: Istio | None
    priority_class: str | None
    storage: hardening.Storage
    reserved: tuple[str, str] | None
    existing_volumes: bool
    accept: Mapping[str, str]
    timeout: int
    adopt: str
    delivery: str
    leave: bool

    @property
    def where(self) -> str:
        return f"ZonalApp {self.name!r}"

    @property
    def has_roles(self) -> bool:
        """Whether the application is deployed in several regions, and so in both roles."""
        return bool(self.region)


def specify(name: str, args: Any, topology: Topology | None) -> AppSpec:
    """Check a ZonalApp's arguments.

    Args:
        name: the component's name.
        args: as the user gave them, see `ZonalAppArgs`.
        topology: what `args["topology"]` names, loaded; None when there is none.

    Raises:
        HakitError: an argument is unknown, missing, of a wrong type, or contradicts another one.
    """
    given = Arguments(args, f"ZonalApp {name!r}", ARGUMENTS)
    place = _place(given, topology)
    release_name = given.text("release_name", name)
    kubernetes_name(release_name, given.where, "release_name", 53)  # Helm's own limit
    namespace = given.text("namespace")
    kubernetes_name(namespace, given.where, "namespace")
    if "adopt" in given and given.flag("leave"):
        raise HakitError(
            "leave: nothing is taken over and let go at once", where=given.where, do="take adopt out first"
        )
    return AppSpec(
        name=name,
        chart=given.text("chart"),
        version=given.text("version") if "version" in given else "",
        repo=given.text("repo") if "repo" in given else "",
        namespace=namespace,
        release_name=release_name,
        values=given.mapping("values"),
        zones=place.zones,
        kubernetes=place.kubernetes,
        api_versions=given.names("api_versions") if "api_versions" in given else None,
        region=place.region,
        role=place.role,
        possible_roles=place.possible_roles,
        runs_jobs=place.runs_jobs,
        roles={role: _role(given, role, runs_jobs=place.runs_jobs) for role in (ACTIVE, STANDBY)},
        spread=hardening.spread(given),
        same_zone=given.flag("same_zone"),
        network=hardening.network(given),
        istio=hardening.istio(given),
        priority_class=given.text("priority_class") if "priority_class" in given else None,
        reserved=_reserved(topology, place.region),
        storage=hardening.storage(given, topology.region(place.region) if topology is not None else None),
        existing_volumes=given.flag("existing_volumes"),
        accept=given.mapping("accept"),
        timeout=given.number("timeout", TIMEOUT, least=1),
        adopt=given.word("adopt", (RELEASE, OBJECTS), RELEASE) if "adopt" in given else "",
        delivery=given.word("delivery", (BY_RELEASE, BY_OBJECTS), BY_RELEASE),
        leave=given.flag("leave"),
    )


@dataclass(frozen=True)
class _Place:
    """Where the application is deployed, and what follows for it; see AppSpec."""

    region: str
    role: str
    possible_roles: tuple[str, ...]
    runs_jobs: bool
    zones: tuple[str, ...]
    kubernetes: tuple[int, int]


def _place(given: Arguments, topology: Topology | None) -> _Place:
    """From the topology, or from the arguments."""
    if topology is None:
        for key in ("pair", "scope", ACTIVE, STANDBY):
            if key in given:
                raise given.missing("topology", f"{key} goes with a topology: name its file, or leave {key} out")
        if "zones" not in given:
            raise given.missing("zones", "list the cluster's zones, or name a topology that does")
        _refuse_roles(given)
        zones = given.names("zones")
        if not zones:
            raise HakitError(
                "zones: empty", where=given.where, allowed="one zone or more; three survive the loss of one"
            )
        return _Place("", ACTIVE, (ACTIVE,), True, zones, _version(given, given.text("kubernetes", KUBERNETES)))
    if "kubernetes" in given:
        raise HakitError(
            "kubernetes: the topology has it", where=given.where, do=f"leave it out; see {topology.where('regions')}"
        )
    region_of(given, topology)  # an unknown region is told before an unknown pair
    pair = pair_of(given, topology)
    declared = region_of(given, topology, pair)
    zones = given.names("zones") or declared.zones
    declared.check_zones(zones, where=f"{given.where}: zones")
    everywhere = pair.mode == "active-active"
    if everywhere:
        _refuse_standby(given, pair)
    return _Place(
        declared.name,
        ACTIVE if handovers.serves(pair, declared.name) else STANDBY,
        (ACTIVE,) if everywhere else (ACTIVE, STANDBY),
        not everywhere or handovers.runs_jobs(pair, declared.name),
        zones,
        _version(given, declared.kubernetes),
    )


def _reserved(topology: Topology | None, region: str) -> tuple[str, str] | None:
    declared = None if topology is None else topology.region(region).capacity
    return None if declared is None else (declared.cpu, declared.memory)


def _refuse_roles(given: Arguments) -> None:
    """Without a topology there is one role, so what is said for another would be ignored."""
    for path, role in _roles_of_workloads(given):
        raise given.missing("topology", f"{path} goes with a topology: name its file, or leave {role} out")


def _refuse_standby(given: Arguments, pair: Pair) -> None:
    """An active-active pair has no standby, so what is said for one would be ignored."""
    paths = [STANDBY] if STANDBY in given else []
    for path in [*paths, *(path for path, role in _roles_of_workloads(given) if role == STANDBY)]:
        raise HakitError(
            f"{path}: pair {pair.name} has no standby, it is active-active",
            where=given.where,
            do="leave it out: every region runs the active size",
        )


def _roles_of_workloads(given: Arguments) -> list[tuple[str, str]]:
    """What `workloads` says for one role only: where, and for which."""
    return [
        (f"workloads.{name}.{role}", role)
        for name, wanted in given.mapping("workloads").items()
        for role in (ACTIVE, STANDBY)
        if isinstance(wanted, Mapping) and role in wanted
    ]


def _version(given: Arguments, text: str) -> tuple[int, int]:
    found = re.fullmatch(r"1\.(\d+)", text)
    if not found:
        raise HakitError(
            "kubernetes: not a version", where=given.where, given=text, allowed='major and minor in quotes: "1.34"'
        )
    return 1, int(found[1])


def _role(given: Arguments, role: str, *, runs_jobs: bool) -> RoleSpec:
    """What holds in a role: what is given for the role, else what is given for both."""
    inner = given.inner(role, _ROLE_KEYS)
    both = {key: given.maybe_number(key) for key in ("replicas", "needs")}
    named = given.mapping("workloads")
    replicas = both["replicas"] if (own := inner.maybe_number("replicas")) is None else own
    return RoleSpec(
        replicas=replicas,
        # What must still serve is asked of the active side; of a standby only when it says so itself.
        needs=inner.maybe_number("needs") if "needs" in inner or role == STANDBY else both["needs"],
        autoscaling=_autoscaling(inner if "autoscaling" in inner else given, replicas),
        run_hooks=inner.word("hooks", ("run", "hold"), "run" if role == ACTIVE and runs_jobs else "hold") == "run",
        # A standby's pods may never be ready: their database is read-only.
        wait=inner.flag("wait", default=role == ACTIVE),
        spot=hardening.spot(inner, standby=role == STANDBY),
        workloads={name: _workload(given, name, named[name], role) for name in named},
    )


def _workload(given: Arguments, name: str, wanted: Any, role: str) -> WorkloadIntent:
    path = f"workloads.{name}"
    outer = Arguments(wanted, given.where, _WORKLOAD_KEYS, path)
    inner = outer.inner(role, _WORKLOAD_ROLE_KEYS)

    def either(key: str) -> Arguments:
        return inner if key in inner else outer

    needs = inner if "needs" in inner or role == STANDBY else outer
    replicas = either("replicas").maybe_number("replicas")
    return WorkloadIntent(
        replicas=replicas,
        needs=needs.maybe_number("needs"),
        autoscaling=_autoscaling(either("autoscaling"), replicas),
        clustered=outer.flag("clustered"),
        suspend=either("suspend").maybe_flag("suspend"),
        max_unavailable=outer.number_or_share("max_unavailable", 1),
        spread=hardening.spread(outer),
        priority_class=outer.text("priority_class") if "priority_class" in outer else None,
        container=outer.text("container") if "container" in outer else None,
        resources=either("resources").mapping("resources") if "resources" in either("resources") else None,
        probes=_probes(either("probes")),
    )


def _autoscaling(given: Arguments, replicas: int | None) -> Autoscaling | None:
    if "autoscaling" not in given:
        return None
    inner = given.inner("autoscaling", ("max", "cpu", "memory"))
    wanted = Autoscaling(
        inner.number("max", least=1), inner.maybe_number("cpu", least=1), inner.maybe_number("memory", least=1)
    )
    if wanted.cpu is None and wanted.memory is None:
        raise inner.missing("cpu", "say what it follows: cpu or memory, in percent of what the containers request")
    if replicas is None:
        raise given.missing("replicas", "autoscaling needs them: the fewest pods, which must survive a zone")
    if wanted.most < replicas:
        raise HakitError(
            f"{inner.path}.max: fewer than replicas",
            where=given.where,
            given=str(wanted.most),
            allowed=f"{replicas} or more",
        )
    return wanted


def _probes(given: Arguments) -> dict[str, Any]:
    probes = given.inner("probes", _PROBE_WORDS)
    return {_PROBE_WORDS[word]: probes.mapping(word) for word in _PROBE_WORDS if word in probes}
