"""What an adoption would change: the objects as they should run, beside those that run. Pure.

A server fills in defaults, so a field that runs and is not asked for counts only where the release is known to have had
it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hakit.charts.manifests import Object
from hakit.charts.objects import WORKLOADS, dig, hook_events, id_of, mapping, namespace_of
from hakit.charts.quantity import parse_quantity
from hakit.errors import HakitError

#: What is known of an object when it is compared.
SAME, CHANGED, REFUSED, NEW, GOES, KEPT, LEFT = "same", "changed", "refused", "new", "goes", "kept", "left"
#: Fields that never change in an object that is there: as `charts.freeze_guards` refuses them.
_FIXED: Mapping[str, tuple[str, ...]] = {
    "ClusterRoleBinding": ("roleRef",),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": ("spec.template",),
    "PersistentVolumeClaim": ("spec.accessModes", "spec.storageClassName", "spec.volumeName"),
    "RoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": ("spec.podManagementPolicy", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"),
}
_QUANTITIES = ("limits", "requests", "hard")
_MASKED = ("[secret]", "[unknown]")
_KEEP = "helm.sh/resource-policy"
#: Said by whoever deploys, of itself.
_NOT_COMPARED = (
    "metadata.annotations.pulumi.com/",
    "metadata.namespace",
    f"metadata.annotations.{_KEEP}",
    "apiVersion",
)


@dataclass(frozen=True)
class Row:
    """One object.

    Attributes:
        verdict: `same`, `changed`, `refused` (a field that cannot change), `new` (it is made), `goes` (it is deleted),
            `kept` (no longer the application's, and not deleted), `left` (nobody asks for it).
        fields: what changes; of a refused one, what cannot.
        pods: they are made anew.
        data: a claim, a definition or a namespace would be deleted.
    """

    object: str
    namespace: str
    verdict: str
    fields: tuple[str, ...] = ()
    pods: bool = False
    data: bool = False


def compare(
    wanted: Iterable[Object], live: Iterable[Object], namespace: str, before: Iterable[Object] = ()
) -> list[Row]:
    """Compare, object by object, in the order of their names.

    Args:
        wanted: as they should run.
        live: as they run.
        namespace: of those that name none.
        before: what the Helm release had that is taken over: Helm deletes what is in it and not wanted, and takes out
            fields that are.
    """
    asked = {_key(each, namespace): each for each in wanted if not hook_events(each)}
    there = {_key(each, namespace): each for each in live}
    had = {_key(each, namespace): each for each in before if not hook_events(each)}
    rows = [_row(key, each, there.get(key), had.get(key)) for key, each in asked.items()]
    for key, each in there.items():
        if key not in asked:
            rows.append(_dropped(key, each, is_of_release=key in had))
    return sorted(rows, key=lambda row: (row.object, row.namespace))


def _key(obj: Object, namespace: str) -> tuple[str, str, str]:
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    return group, id_of(obj), namespace_of(obj, namespace)


def _row(key: tuple[str, str, str], wanted: Object, live: Object | None, had: Object | None) -> Row:
    _, name, namespace = key
    if live is None:
        return Row(name, namespace, NEW)
    changed = _changes(wanted, live, had)
    fixed = tuple(path for path in changed if _is_fixed(wanted, path, live))
    if fixed:
        return Row(name, namespace, REFUSED, fixed)
    pods = wanted["kind"] in (*WORKLOADS, "DaemonSet") and any(path.startswith("spec.template.") for path in changed)
    return Row(name, namespace, CHANGED if changed else SAME, tuple(changed), pods=pods)


def _dropped(key: tuple[str, str, str], live: Object, *, is_of_release: bool) -> Row:
    _, name, namespace = key
    if not is_of_release:
        return Row(name, namespace, LEFT)
    if dig(live, "metadata", "annotations", _KEEP) == "keep":
        return Row(name, namespace, KEPT)
    is_data = live.get("kind") in ("PersistentVolumeClaim", "CustomResourceDefinition", "Namespace")
    return Row(name, namespace, GOES, data=is_data)


def _is_fixed(wanted: Object, path: str, live: Object) -> bool:
    kind = str(wanted["kind"])
    if kind == "Service":
        # Only from or to a headless one; else the API server keeps the address that it gave.
        return path == "spec.clusterIP" and "None" in (dig(wanted, "spec", "clusterIP"), dig(live, "spec", "clusterIP"))
    if kind == "Job" and path.startswith("spec.template.metadata"):
        return False
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in _FIXED.get(kind, ()))


def _changes(wanted: Object, live: Object, had: Object | None) -> list[str]:
    found = list(_differences(wanted, live, ""))
    if had is not None:
        found += [path for path in _removed(had, wanted, live, "") if path not in found]
    return [path for path in found if not path.startswith(_NOT_COMPARED) and path != "status"]


def _differences(wanted: Any, live: Any, path: str) -> Iterable[str]:
    """What is asked for and does not run; what is masked in a preview cannot be told, and counts as the same."""
    if isinstance(wanted, dict) and (live is None or isinstance(live, dict)):
        for key, value in wanted.items():
            yield from _differences(value, mapping(live).get(key), f"{path}.{key}" if path else key)
    elif isinstance(wanted, list) and isinstance(live, list):
        if len(wanted) != len(live):
            yield path
            return
        for index, (one, other) in enumerate(_matched(wanted, live)):
            yield from _differences(one, other, f"{path}[{_label(one, index)}]")
    elif not _is_equal(wanted, live, path):
        yield path


def _matched(wanted: list[Any], live: list[Any]) -> Iterable[tuple[Any, Any]]:
    """Lists of named things are compared by their names, whatever their order."""
    names = {mapping(each).get("name"): each for each in live}
    by_name = len(names) == len(live) and None not in names
    for index, each in enumerate(wanted):
        name = mapping(each).get("name")
        yield each, names.get(name) if by_name and name is not None else live[index]


def _label(item: Any, index: int) -> str:
    return str(mapping(item).get("name") or index)


def _is_equal(wanted: Any, live: Any, path: str) -> bool:
    if isinstance(wanted, str) and any(mask in wanted for mask in _MASKED):
        return True
    empty = (None, "", [], {})
    if wanted in empty and live in empty:
        return True
    if wanted == live:
        return True
    if not any(f".{each}." in path for each in _QUANTITIES):
        return False
    one, other = _quantity(wanted), _quantity(live)
    return one is not None and one == other


def _quantity(value: Any) -> Decimal | None:
    try:
        return parse_quantity(value)
    except HakitError:
        return None


def _removed(had: Any, wanted: Any, live: Any, path: str) -> Iterable[str]:
    """What the release had, runs, and is not asked for any more."""
    if isinstance(had, dict) and isinstance(wanted, dict):
        for key, value in had.items():
            inner = f"{path}.{key}" if path else key
            there = mapping(live).get(key)
            if key not in wanted:
                if there not in (None, "", [], {}):
                    yield inner
            else:
                yield from _removed(value, wanted[key], there, inner)
    elif isinstance(had, list) and isinstance(wanted, list) and len(had) == len(wanted):
        running = live if isinstance(live, list) else []
        for index, (one, other) in enumerate(_matched(had, wanted)):
            named = next(
                (each for each in running if mapping(each).get("name") == mapping(one).get("name")),
                running[index] if index < len(running) else None,
            )
            yield from _removed(one, other, named, f"{path}[{_label(one, index)}]")
