"""Storage classes: those that the stacks and the topology name, and the default one. Pure."""

from collections.abc import Iterator

from hakit.findings import Finding
from hakit.observe import Object
from hakit.preflight.seen import Seen
from hakit.preflight.wanted import Wanted

#: Of classes from before Kubernetes 1.6 too: the API server reads both.
_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def judge(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    if "/apis/storage.k8s.io/v1/storageclasses" in seen.unread:
        return  # said already
    classes = {each["metadata"]["name"]: each for each in seen.classes}
    defaults = sorted(name for name, each in classes.items() if _is_default(each))
    there = f"there are: {', '.join(sorted(classes))}" if classes else "there is none at all"
    for name, users in sorted(_users(wanted).items()):
        if name and name not in classes:
            yield Finding("HK106", f"StorageClass/{name}", "", f"missing, for {', '.join(users)}", detail=there)
        elif not name and not defaults:
            message = "these claims name no class, and there is no default"
            yield Finding("HK106", ", ".join(users), "storageClassName", message, detail=there)
    if len(defaults) != 1:
        message = f"{len(defaults)} of them: {', '.join(defaults)}" if defaults else "none is the default"
        yield Finding("HK107", "StorageClass", "", message, detail=there)
    zonal = wanted.region.storage.zonal
    if zonal in classes and classes[zonal].get("volumeBindingMode") != "WaitForFirstConsumer":
        yield Finding("HK108", f"StorageClass/{zonal}", "volumeBindingMode", "Immediate")


def _users(wanted: Wanted) -> dict[str, list[str]]:
    """What asks for each class, by its name; empty: the default one."""
    storage = wanted.region.storage
    asked = {(storage.zonal, "the topology's storage.zonal"), *wanted.claims}
    if storage.regional:
        asked.add((storage.regional, "the topology's storage.regional"))
    users: dict[str, list[str]] = {}
    for name, user in sorted(asked):
        users.setdefault(name, []).append(user)
    return users


def _is_default(storage_class: Object) -> bool:
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(key) == "true" for key in _DEFAULT)
