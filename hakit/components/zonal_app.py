"""ZonalApp: one Helm chart in one region, made to survive the loss of a zone."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from hakit.charts import freeze
from hakit.charts.audit.placement import left_after_a_zone
from hakit.charts.capacity import on_top
from hakit.charts.examine import Examined, examine, examine_chart, refuse_nothing
from hakit.charts.holes import Draft, Hole, draft, needs_a_plain_value
from hakit.charts.known import advised
from hakit.charts.manifests import Object
from hakit.charts.objects import has_claims, id_of, name_of, namespace_of, of_kind, replicas_of, workloads
from hakit.charts.render import Release, rendered_by
from hakit.charts.source import Chart, load
from hakit.charts.templates import capabilities_elsewhere
from hakit.components.contents import as_value, filler
from hakit.components.order import after
from hakit.components.project import load_topology, project_root
from hakit.components.providers import claim_release, provider_of
from hakit.components.unreachable import told_when_unreachable
from hakit.components.zonal_app_args import ZonalAppArgs
from hakit.components.zonal_app_objects import register
from hakit.errors import HakitError, counted
from hakit.findings import AppReport, Finding, Settled, is_collecting, report, settle
from hakit.plan import delivery, zonal
from hakit.plan.delivery import Part
from hakit.plan.workloads import intent
from hakit.plan.zonal import AppSpec

#: Revisions that Helm keeps, each in a Secret of up to 1 MiB. Helm's own default is 10; Pulumi's is no limit.
MAX_HISTORY = 10
#: About the Secret in which Helm keeps a release; without Helm there is none.
_TOO_LARGE = "HK021"


class ZonalApp(pulumi.ComponentResource):
    """A Helm chart, rendered, hardened, audited, and deployed as one Helm release of the hardened objects, or as
    resources of their own.

    Creates:
        - a `kubernetes:helm.sh/v3:Release` `<name>-release` of a generated chart whose values are the objects;
        - with `delivery="objects"` in its place each object as `<name>-<kind>-<object>` (with `-<namespace>` outside of
          the release's), claims and what has claims protected, claims, definitions and namespaces kept on delete; and a
          ConfigMap `<name>-delivery`, by which a release is not delivered beside them;
        - a `kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition` `<name>-<definition>`, kept on delete, for
          each definition in the chart's `crds/` folder.

    Raises:
        HakitError: an argument is wrong, the chart does not load or render, or no provider names the cluster.
        FindingsError: the audit found errors that `accept` does not name. Nothing of the application is registered.
    """

    name: pulumi.Output[str]
    """Name of the Helm release."""
    namespace: pulumi.Output[str]
    """Namespace of the release."""
    services: pulumi.Output[dict[str, str]]
    """DNS name within the cluster of each Service, by its name."""
    replicas: pulumi.Output[dict[str, int]]
    """Pods of each workload, by `Kind/name`; the minimum where there is an autoscaler."""
    accepted: pulumi.Output[list[dict[str, str]]]
    """The findings that were let through, with their reasons."""
    region: pulumi.Output[str]
    """Region of the topology; empty without one."""
    role: pulumi.Output[str]
    """`active` or `standby`; `active` without a topology."""
    summary: pulumi.Output[str]
    """One line: what runs, and what is left of it when a zone is lost."""

    def __init__(self, name: str, args: ZonalAppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        given: Any = args  # a Ready of RegionPair's, which has looked at all of its charts before
        spec = given.spec if isinstance(given, Ready) else _specify(name, args)
        provider = provider_of(spec.where, spec.region, opts)
        ready = given if isinstance(given, Ready) else examined_app(name, spec)
        chart = ready.chart
        claim_release(provider, spec.namespace, spec.release_name, name)

        super().__init__("hakit:index:ZonalApp", name, None, opts)
        definitions = [self._definition(name, definition, opts, adopted=bool(spec.adopt)) for definition in chart.crds]
        filled = filler(spec.values, ready.drafted, ready.unknown)
        if spec.delivery == zonal.BY_OBJECTS:
            register(self, name, spec, ready.parts, filled, definitions, opts)
        else:
            self._release(
                name, ready, {key: as_value(filled, obj) for key, obj in ready.objects.items()}, definitions, opts
            )
        examined = ready.examined
        running = workloads(examined.objects)
        outputs = {
            "name": spec.release_name,
            "namespace": spec.namespace,
            "services": {
                name_of(service): f"{name_of(service)}.{namespace_of(service, spec.namespace)}.svc"
                for service in of_kind(examined.objects, "Service")
            },
            "replicas": {id_of(workload): replicas_of(workload, examined.objects) for workload in running},
            "accepted": [each.as_dict() for each in ready.settled.accepted],
            "region": spec.region,
            "role": spec.role,
            "summary": ready.summary,
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)

    def _release(
        self,
        name: str,
        ready: "Ready",
        objects: Mapping[str, Any],
        definitions: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        spec = ready.spec
        told = ({"adopt": spec.adopt} if spec.adopt else {}) | ({"leave": True} if spec.leave else {})
        k8s.helm.v3.Release(
            f"{name}-release",
            chart=_frozen(ready.chart),
            name=spec.release_name,
            namespace=spec.namespace,
            values={"objects": objects} | told,
            # Atomic takes a failed upgrade back; claims and definitions are annotated to stay in every case.
            # But what an install took over, it would delete: helm pkg/action/install.go, failRelease.
            atomic=spec.roles[spec.role].wait and spec.adopt != zonal.OBJECTS,
            skip_await=not spec.roles[spec.role].wait,
            timeout=spec.timeout,
            max_history=MAX_HISTORY,
            skip_crds=True,
            # Without it the provider takes nulls out, and makes every empty list one (pulumi-kubernetes excludeNulls).
            allow_null_values=True,
            opts=told_when_unreachable(
                after(
                    opts,
                    pulumi.ResourceOptions(
                        parent=self,
                        depends_on=definitions,
                        retain_on_delete=spec.leave or None,
                        # release.go, parseFqName: how the provider finds a release that it did not make.
                        import_=f"{spec.namespace}/{spec.release_name}" if spec.adopt == zonal.RELEASE else None,
                    ),
                )
            ),
        )

    def _definition(
        self, name: str, definition: Object, opts: pulumi.ResourceOptions | None, *, adopted: bool
    ) -> pulumi.Resource:
        """A definition of the chart's `crds/` folder: Helm would never update it, and a deletion would take all objects
        of its kind along, in every namespace."""
        return k8s.apiextensions.v1.CustomResourceDefinition(
            f"{name}-{name_of(definition)}",
            api_version=definition["apiVersion"],
            kind=definition["kind"],
            metadata=definition["metadata"],
            spec=definition["spec"],
            opts=told_when_unreachable(
                after(
                    opts,
                    pulumi.ResourceOptions(
                        parent=self, retain_on_delete=True, import_=name_of(definition) if adopted else None
                    ),
                )
            ),
        )


@dataclass(frozen=True)
class Ready:
    """An application of which all is known that can be known before something is registered.

    Attributes:
        unknown: the Output that belongs into each hole of the values.
        objects: by key, hardened, with holes.
        parts: the same as resources of their own, where they are delivered so.
    """

    spec: AppSpec
    chart: Chart
    drafted: Draft = field(repr=False)
    unknown: Mapping[Hole, pulumi.Output[Any]] = field(repr=False)
    examined: Examined = field(repr=False)
    settled: Settled
    objects: Mapping[str, Object] = field(repr=False)
    parts: Sequence[Part] = field(repr=False)
    summary: str


def examined_app(name: str, spec: AppSpec) -> Ready:
    """Render, harden and audit an application's chart, and hand in what was found.

    Raises:
        HakitError: the chart does not load or render.
        FindingsError: the audit found errors that `accept` does not name.
    """
    chart = load(spec.chart, project_root(), spec.where, version=spec.version, repo=spec.repo)
    release = Release(spec.release_name, spec.namespace, spec.kubernetes, spec.api_versions)
    unknown: dict[Hole, pulumi.Output[Any]] = {}
    with _told_for(spec):
        values = _with_holes(spec.values, "", unknown)
        drafted = draft(chart, values, release, spec.where)
        refuse_nothing(chart, drafted.objects, spec.where)
        by_role = {role: examine(drafted.objects, intent(spec, role, drafted.objects)) for role in spec.possible_roles}
        examined, settled = by_role[spec.role], _settled(spec, chart, drafted, release, by_role)
        objects = freeze.keyed(examined.objects, spec.namespace)
        parts = _parts(spec, drafted, by_role)
    summary = _summary(spec, chart, examined, settled, rendered_by(chart, release))
    report(
        AppReport(
            name,
            spec.region,
            spec.role,
            settled,
            examined.mended,
            summary,
            failover=_failover(spec, by_role),
            reserved=spec.reserved,
        )
    )
    return Ready(spec, chart, drafted, unknown, examined, settled, objects, parts, summary)


def _specify(name: str, args: Any) -> AppSpec:
    path = args.get("topology") if isinstance(args, Mapping) else None
    return zonal.specify(name, args, load_topology(path) if isinstance(path, str) else None)


def _settled(spec: AppSpec, chart: Chart, drafted: Draft, release: Release, by_role: Mapping[str, Examined]) -> Settled:
    """What is accepted, settled against what either role raises."""
    about_chart = examine_chart(chart, drafted, release)
    _refuse_silent_outputs(spec, drafted, about_chart)
    elsewhere = [finding for role, other in by_role.items() if role != spec.role for finding in other.findings]
    elsewhere += capabilities_elsewhere(chart)
    # Room for the active role is needed in a standby's region before it is active there.
    room = [each for each in by_role[zonal.ACTIVE].findings if each.code == "HK049"]
    found = advised([*about_chart, *by_role[spec.role].findings, *room], chart)
    if spec.delivery == zonal.BY_OBJECTS:
        found = [each for each in found if each.code != _TOO_LARGE]
    return settle(found, spec.accept, spec.where, elsewhere)


def _parts(spec: AppSpec, drafted: Draft, by_role: Mapping[str, Examined]) -> Sequence[Part]:
    """The objects as resources; what cannot be one in a role that is not this one's yet is refused now, not at the
    failover."""
    if spec.delivery != zonal.BY_OBJECTS:
        return ()
    found = {
        role: delivery.parts(spec, role, drafted.objects, freeze.keyed(each.objects, spec.namespace))
        for role, each in by_role.items()
    }
    return found[spec.role]


def _failover(spec: AppSpec, by_role: Mapping[str, Examined]) -> Mapping[str, str | int]:
    """What must be free before the standby can become active; nothing where a request is not known yet."""
    if spec.role != zonal.STANDBY:
        return {}
    try:
        needed = on_top(by_role[zonal.STANDBY].objects, by_role[zonal.ACTIVE].objects)
    except HakitError:
        return {}
    return needed.as_dict() if needed.pods else {}


@contextmanager
def _told_for(spec: AppSpec) -> Generator[None]:
    """Errors of a chart name the application that deploys it as well."""
    try:
        yield
    except HakitError as error:
        if spec.where in (error.where or ""):
            raise
        where = f"{spec.where}: {error.where}" if error.where else spec.where
        told = HakitError(error.what, where=where, given=error.given, allowed=error.allowed, do=error.do)
    else:
        return
    raise told  # outside of the handler: what it was made from may hold more than it shows


def _refuse_silent_outputs(spec: AppSpec, drafted: Draft, findings: list[Finding]) -> None:
    """An Output that shows in no rendered field would never be asked for, whatever the chart decides by it."""
    ignored = [finding.path for finding in findings if finding.code in ("HK003", "HK031")]
    for hole in drafted.unused:
        if not any(hole.name == path or hole.name.startswith((f"{path}.", f"{path}[")) for path in ignored):
            why = "no rendered field shows it, so the chart may only decide something by it"
            raise needs_a_plain_value(hole, why, spec.where)


def _with_holes(value: Any, path: str, unknown: dict[Hole, pulumi.Output[Any]]) -> Any:
    """The values with a hole in place of each Output, and which Output belongs into which hole."""
    if isinstance(value, pulumi.Output):
        hole = Hole(path)
        unknown[hole] = value
        return hole
    if isinstance(value, Mapping):
        return {key: _with_holes(item, f"{path}.{key}" if path else str(key), unknown) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_holes(item, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise HakitError(
        f"values.{path}: wrong type",
        given=type(value).__name__,
        allowed="texts, numbers, true and false, lists, mappings, and Outputs of them",
        do="give an attribute of the resource instead of the resource" if isinstance(value, pulumi.Resource) else None,
    )


def _frozen(chart: Chart) -> str:
    """The frozen chart's folder as the provider finds it: relative, because state is shared between machines.

    The provider's plugin runs in the program's own working directory (pulumi engine/deployment.go,
    ProjectInfoContext). A preview that no engine runs has no use for the folder, and writes nothing.
    """
    root = project_root()
    folder = root / freeze.folder_of(chart) if is_collecting() else freeze.write(chart, root)
    return os.path.relpath(folder)


def _summary(spec: AppSpec, chart: Chart, examined: Examined, settled: Settled, renderer: str) -> str:
    place = f" {spec.role} in {spec.region}" if spec.has_roles else ""
    running = workloads(examined.objects)
    pods = [
        _pods(
            name_of(workload),
            replicas_of(workload, examined.objects),
            # Volumes that are bound to zones already keep their pods there, evenly or not.
            None if spec.existing_volumes and has_claims(workload) else len(spec.zones),
        )
        for workload in running
    ]
    parts = [
        f"{spec.release_name} ({chart.name} {chart.version}){place}",
        f"{', '.join(pods) or 'no workload'} over {counted(len(spec.zones), 'zone')}",
    ]
    if renderer:
        parts.append(renderer)
    if settled.accepted:
        parts.append(f"{len(settled.accepted)} accepted")
    if settled.open:
        errors = len(settled.errors)
        parts.append(f"{counted(errors, 'error')}, {counted(len(settled.open) - errors, 'warning')}")
    return "; ".join(parts)


def _pods(name: str, replicas: int, zones: int | None) -> str:
    """`storefront 6 (4 with a zone lost)`; without the promise where nobody knows how they stand."""
    if zones is None:
        return f"{name} {replicas} (where their volumes are)" if replicas else f"{name} 0"
    return f"{name} {replicas} ({left_after_a_zone(replicas, zones)} with a zone lost)" if replicas else f"{name} 0"
