"""The tree of a stack's resources, and the objects within."""

from collections.abc import Mapping, Sequence
from typing import Any

from hakit.preview.document import ObjectDocument, ResourceDocument
from hakit.preview.objects import RELEASE, ZONAL_APP
from hakit.preview.paint import Paint

_REFERENCE = "pulumi:pulumi:StackReference"


def tree(resources: Sequence[ResourceDocument], paint: Paint) -> list[str]:
    """One line a resource and object, children beneath their parents, each level in the order of types and names."""
    children: dict[str, list[ResourceDocument]] = {}
    urns = {resource["urn"] for resource in resources}
    for resource in resources:
        parent = resource["parent"] if resource["parent"] in urns else ""
        children.setdefault(parent, []).append(resource)
    several = len({resource["provider"] for resource in resources if resource["provider"]}) > 1
    return _level("", "", children, several, paint)


def _level(
    parent: str, indent: str, children: Mapping[str, list[ResourceDocument]], several: bool, paint: Paint
) -> list[str]:
    lines = []
    below = children.get(parent, [])
    for number, resource in enumerate(below):
        last = number == len(below) - 1
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{resource_line(resource, several, paint)}")
        inner = indent + ("   " if last else "│  ")
        has_children = bool(children.get(resource["urn"]))
        if resource["type"] == RELEASE:
            lines += _objects(resource["objects"], inner, has_children, paint)
        lines += _level(resource["urn"], inner, children, several, paint)
    return lines


def _objects(objects: Sequence[ObjectDocument], indent: str, more: bool, paint: Paint) -> list[str]:
    return [
        f"{indent}{'├─ ' if more or number < len(objects) - 1 else '└─ '}{_object_line(one, paint)}"
        for number, one in enumerate(objects)
    ]


def resource_line(resource: ResourceDocument, several_providers: bool, paint: Paint) -> str:
    """`kubernetes:helm.sh/v3:Release storefront  (7 objects)`"""
    parts = [f"{paint(short_type(resource['type']), 'cyan')} {resource['name']}"]
    described = _describe(resource)
    if described:
        parts.append(paint(described, "dim"))
    marks = [mark for mark, on in (("protect", resource["protect"]), ("retain", resource["retain_on_delete"])) if on]
    if several_providers and resource["provider"]:
        marks.append(f"provider {resource['provider']}")
    return "  ".join([*parts, *(f"[{mark}]" for mark in marks)])


def _describe(resource: ResourceDocument) -> str:
    objects, inputs = resource["objects"], resource["inputs"]
    if resource["type"] == RELEASE and objects:
        return f"({_count(len(objects), 'object')})"
    if resource["type"] == RELEASE or "helm.sh" in resource["type"]:
        chart, version = inputs.get("chart") or "?", inputs.get("version")
        return f"(chart {chart}{f' {version}' if version else ''}, not rendered)"
    if resource["remote"]:
        return "(built by its provider, not rendered)"
    if resource["type"] == _REFERENCE:
        return "(read)" if inputs.get("name") == resource["name"] else f"(reads {inputs.get('name')})"
    if resource["read"]:
        return "(read, not managed)"
    if resource["type"] == ZONAL_APP:
        outputs = resource["outputs"] or {}
        return " · ".join(str(outputs[key]) for key in ("region", "role") if outputs.get(key))
    if objects:
        return _object_place(objects[0], resource["name"])
    return ""


def _object_place(one: ObjectDocument, logical: str) -> str:
    place = f"{one['namespace']}/{one['name']}" if one["namespace"] else one["name"]
    shown = [] if place == logical else [place]
    return ", ".join([*shown, *_replicas(one)])


def _object_line(one: ObjectDocument, paint: Paint) -> str:
    place = f"{one['namespace']}/{one['name']}" if one["namespace"] else one["name"]
    return "  ".join([f"{paint(one['kind'], 'cyan')} {place}", *(paint(text, "dim") for text in _replicas(one))])


def _replicas(one: ObjectDocument) -> list[str]:
    replicas: Any = one["replicas"]
    if replicas is None:
        return []
    return [_count(replicas, "replica")] if isinstance(replicas, int) else [f"{replicas} replicas"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def short_type(token: str) -> str:
    """`aws:s3/bucket:Bucket` as `aws:s3:Bucket`, as Pulumi shows it; the module `index` says nothing."""
    package, _, rest = token.partition(":")
    module, _, name = rest.rpartition(":")
    head, slash, tail = module.rpartition("/")
    if slash and tail.lower() == name.lower():
        module = head
    return ":".join(part for part in (package, module, name) if part and part != "index")
