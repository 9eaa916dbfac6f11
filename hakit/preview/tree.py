"""The tree of a stack's resources, and the objects within."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hakit.errors import counted
from hakit.preview.document import ObjectDocument, ResourceDocument
from hakit.preview.objects import RELEASE, Scalers, is_postgres, scaler_of, scalers
from hakit.preview.paint import Paint

_REFERENCE = "pulumi:pulumi:StackReference"
_LONGEST = 40  # characters of a Secret's keys; more are counted, and named in JSON and in the manifests


@dataclass(frozen=True)
class _Look:
    """What each line of one tree needs to know beside its resource."""

    paint: Paint
    several_providers: bool
    scalers: Scalers


def tree(resources: Sequence[ResourceDocument], paint: Paint) -> list[str]:
    """One line a resource and object, children beneath their parents, each level in the order of types and names."""
    children: dict[str, list[ResourceDocument]] = {}
    urns = {resource["urn"] for resource in resources}
    for resource in resources:
        parent = resource["parent"] if resource["parent"] in urns else ""
        children.setdefault(parent, []).append(resource)
    several = len({resource["provider"] for resource in resources if resource["provider"]}) > 1
    return _level("", "", children, _Look(paint, several, scalers(resources)))


def _level(parent: str, indent: str, children: Mapping[str, list[ResourceDocument]], look: _Look) -> list[str]:
    lines = []
    below = children.get(parent, [])
    for number, resource in enumerate(below):
        last = number == len(below) - 1
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{_resource_line(resource, look)}")
        inner = indent + ("   " if last else "│  ")
        has_children = bool(children.get(resource["urn"]))
        if resource["type"] == RELEASE:
            lines += _objects(resource, inner, has_children, look)
        lines += _level(resource["urn"], inner, children, look)
    return lines


def _objects(resource: ResourceDocument, indent: str, more: bool, look: _Look) -> list[str]:
    objects = resource["objects"]
    return [
        f"{indent}{'├─ ' if more or number < len(objects) - 1 else '└─ '}{_object_line(one, resource, look)}"
        for number, one in enumerate(objects)
    ]


def _resource_line(resource: ResourceDocument, look: _Look) -> str:
    """`kubernetes:helm.sh/v3:Release storefront  (7 objects)`"""
    parts = [f"{look.paint(short_type(resource['type']), 'cyan')} {resource['name']}"]
    described = _describe(resource, look)
    if described:
        parts.append(look.paint(described, "dim"))
    marks = [mark for mark, on in (("protect", resource["protect"]), ("retain", resource["retain_on_delete"])) if on]
    if look.several_providers and resource["provider"]:
        marks.append(f"provider {resource['provider']}")
    return "  ".join([*parts, *(f"[{mark}]" for mark in marks)])


def _describe(resource: ResourceDocument, look: _Look) -> str:
    objects, inputs = resource["objects"], resource["inputs"]
    if resource["type"] == RELEASE and objects:
        return f"({counted(len(objects), 'object')})"
    if resource["type"] == RELEASE or "helm.sh" in resource["type"]:
        chart, version = inputs.get("chart") or "?", inputs.get("version")
        return f"(chart {chart}{f' {version}' if version else ''}, not rendered)"
    if resource["remote"]:
        return "(built by its provider, not rendered)"
    if resource["type"] == _REFERENCE:
        return "(read)" if inputs.get("name") == resource["name"] else f"(reads {inputs.get('name')})"
    if resource["read"]:
        return "(read, not managed)"
    if resource["type"].startswith("hakit:"):
        outputs = resource["outputs"] or {}
        return " · ".join(str(outputs[key]) for key in ("region", "role") if outputs.get(key))
    if objects:
        shown = [] if _place(objects[0]) == resource["name"] else [_place(objects[0])]
        return ", ".join([*shown, *_state(objects[0], resource, look.scalers)])
    return ""


def _object_line(one: ObjectDocument, resource: ResourceDocument, look: _Look) -> str:
    parts = [f"{look.paint(one['kind'], 'cyan')} {_place(one)}"]
    state = ", ".join(_state(one, resource, look.scalers))
    return "  ".join([*parts, look.paint(state, "dim")] if state else parts)


def _place(one: ObjectDocument) -> str:
    return f"{one['namespace']}/{one['name']}" if one["namespace"] else one["name"]


def _state(one: ObjectDocument, resource: ResourceDocument, known: Scalers) -> list[str]:
    """What sets an object apart from others of its kind: how many of it run, whether it runs at all, what it holds."""
    if one["kind"] == "Secret":
        return _contents(one["manifest"])
    if one["kind"] in ("CronJob", "Job"):
        spec = one["manifest"].get("spec")
        return ["suspended"] if isinstance(spec, Mapping) and spec.get("suspend") is True else []
    if is_postgres(one):
        return _database(one["manifest"].get("spec"))
    bounds = scaler_of(one, resource, known)
    if bounds is not None:
        least, most = bounds
        return [f"{_replicas(least) if least == most else f'{least}-{most} replicas'} (autoscaler)"]
    return [] if one["replicas"] is None else [_replicas(one["replicas"])]


def _database(spec: object) -> list[str]:
    """A CloudNativePG Cluster: how many instances, and which copy may be writable."""
    if not isinstance(spec, Mapping):
        return []
    replica = spec.get("replica")
    replica = replica if isinstance(replica, Mapping) else {}
    is_primary = replica.get("primary") == replica.get("self")
    instances = spec.get("instances", 1)
    number = counted(instances, "instance") if isinstance(instances, int) else f"{instances} instances"
    return [number, "primary" if is_primary else f"follows {replica.get('source')}"]


def _replicas(number: int | str) -> str:
    return counted(number, "replica") if isinstance(number, int) else f"{number} replicas"


def _contents(manifest: Mapping[str, object]) -> list[str]:
    """The type and the keys of a Secret: neither is secret."""
    parts = [manifest.get(key) for key in ("data", "stringData")]
    keys = sorted({str(key) for part in parts if isinstance(part, Mapping) for key in part})
    shown = [f"{key}: [secret]" for key in keys]
    if len(", ".join(shown)) > _LONGEST:
        shown = [counted(len(keys), "key")]
    return [str(manifest[key]) for key in ("type",) if manifest.get(key)] + shown


def short_type(token: str) -> str:
    """`aws:s3/bucket:Bucket` as `aws:s3:Bucket`, as Pulumi shows it; the module `index` says nothing."""
    package, _, rest = token.partition(":")
    module, _, name = rest.rpartition(":")
    head, slash, tail = module.rpartition("/")
    if slash and tail.lower() == name.lower():
        module = head
    return ":".join(part for part in (package, module, name) if part and part != "index")
