"""What a cluster must be before anything is deployed to it: its version, its kinds, its operators, the rights. Pure."""

import re
from collections.abc import Iterator

from hakit.findings import Finding
from hakit.plan import guard
from hakit.preflight import operators
from hakit.preflight.seen import Seen, group_path
from hakit.preflight.wanted import Wanted

_FORBIDDEN = 403


def judge(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    yield from _version(wanted, seen)
    yield from _kinds(wanted, seen)
    yield from operators.judge(wanted, seen)
    yield from _rights(seen)
    yield from _guard(wanted, seen)
    yield from _levels(wanted, seen)


def _version(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    found = re.match(r"v1\.(\d+)", seen.version)
    if found is None:
        return
    declared, here = int(wanted.region.kubernetes.rpartition(".")[2]), int(found[1])
    if here != declared:
        code, word = ("HK113", "older") if here < declared else ("HK114", "newer")
        message = f"{seen.version}, {word} than 1.{declared}, which the topology declares"
        yield Finding(code, "Kubernetes", "", message, mend=_version_mend(here, declared))


def _version_mend(here: int, declared: int) -> str:
    declare = f'declare kubernetes: "1.{here}"'
    return f"upgrade the cluster to 1.{declared}, or {declare}" if here < declared else declare


def _kinds(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    missing = {(each.api_version, each.kind) for each in wanted.objects} - set(seen.kinds)
    for api_version, kind in sorted(missing):
        brought = (api_version.rpartition("/")[0], kind) in wanted.brought
        if not brought and group_path(api_version) not in seen.unread:
            yield Finding("HK101", kind, api_version, "the cluster does not have this kind")


def _rights(seen: Seen) -> Iterator[Finding]:
    by_resource: dict[tuple[str, str], list[str]] = {}
    for right in seen.denied:
        by_resource.setdefault((right.what, right.namespace), []).append(right.verb)
    for (what, namespace), verbs in sorted(by_resource.items()):
        place = f"namespace {namespace}" if namespace else ""
        yield Finding("HK109", what, "", f"may not {', '.join(verbs)}", place)
    for path, error in sorted(seen.unread.items()):
        code, message, mend = ("HK109", "may not be read", "grant the right to read it")
        if error.status != _FORBIDDEN:
            code, message, mend = (
                "HK100",
                "it does not answer to this",
                "look at the API server, or what it asks for it",
            )
        missing = "; what preflight would find there is not found"
        yield Finding(code, "preflight", path, message, detail=error.message or error.reason, mend=mend + missing)


def _guard(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    if not seen.databases:
        return  # nothing to guard yet: before the first deployment there is no guard either
    names = ", ".join(sorted(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in seen.databases))
    if guard.NAMESPACE not in seen.namespaces:
        yield Finding("HK116", f"Namespace/{guard.NAMESPACE}", "", "it is missing", detail=f"databases: {names}")
    for kind, name in wanted.guard:
        live = seen.guard.get((kind, name))
        title = f"{kind}/{name}"
        if live is None:
            yield Finding("HK115", title, "", "it is missing", detail=f"databases: {names}")
        elif kind == "ValidatingAdmissionPolicyBinding" and "Deny" not in live["spec"].get("validationActions", []):
            yield Finding("HK115", title, "spec.validationActions", "it refuses nothing", detail=f"databases: {names}")
        elif kind == "ValidatingAdmissionPolicy" and live["spec"].get("failurePolicy") == "Ignore":
            message = "what it cannot judge it lets through"
            yield Finding("HK115", title, "spec.failurePolicy", message, detail=f"databases: {names}")


def _levels(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    label = "pod-security.kubernetes.io/enforce"
    for name, level in sorted(wanted.levels.items()):
        if name in seen.namespaces:
            live = (seen.namespaces[name]["metadata"].get("labels") or {}).get(label)
            if live != level:
                message = f"{live or 'no level'} is enforced, {level} is declared"
                yield Finding("HK117", f"Namespace/{name}", f"metadata.labels.{label}", message)
