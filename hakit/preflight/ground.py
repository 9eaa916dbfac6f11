"""What a cluster must be before anything is deployed to it: its version, its kinds, its operators, the rights. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hakit.findings import Finding
from hakit.observe import Object
from hakit.plan import guard
from hakit.preflight.seen import Seen, group_path
from hakit.preflight.wanted import Wanted


@dataclass(frozen=True)
class Operator:
    """An operator that hakit's databases need.

    Attributes:
        title: for messages.
        deployment: its usual name.
        labels: by which a chart's Deployment is known, whatever its name.
        image: last part of its image's name.
        least: version.
    """

    title: str
    deployment: str
    labels: tuple[tuple[str, str], ...]
    image: str
    least: tuple[int, int]


#: The versions whose fields hakit's plan for PostgreSQL sets; names and labels as in their manifests and charts.
POSTGRES = Operator(
    "CloudNativePG",
    "cnpg-controller-manager",
    (("app.kubernetes.io/name", "cloudnative-pg"),),
    "cloudnative-pg",
    (1, 30),
)
BARMAN = Operator(
    "plugin-barman-cloud",
    "barman-cloud",
    (("app", "barman-cloud"), ("app.kubernetes.io/name", "plugin-barman-cloud")),
    "plugin-barman-cloud",
    (0, 14),
)
_FORBIDDEN = 403
BARMAN_PLUGIN = "barman-cloud.cloudnative-pg.io"


def judge(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    yield from _version(wanted, seen)
    yield from _kinds(wanted, seen)
    yield from _operators(wanted, seen)
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


def _operators(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    if "/apis/apps/v1/deployments" in seen.unread:
        return  # said already
    if wanted.databases:
        yield from _operator(POSTGRES, seen)
    if BARMAN_PLUGIN in wanted.plugins:
        yield from _operator(BARMAN, seen)


def _operator(operator: Operator, seen: Seen) -> Iterator[Finding]:
    least = ".".join(map(str, operator.least))
    mend = f"install {operator.title} {least} or newer"
    found = [each for each in seen.deployments if _is(operator, each)]
    if not found:
        yield Finding("HK102", operator.title, "", "there is no Deployment of it", mend=mend)
    for each in found:
        title = f"Deployment/{each['metadata']['name']}"
        where = f"namespace {each['metadata']['namespace']}"
        text = _version_of(operator, each)
        version = re.match(r"v?(\d+)\.(\d+)", text)
        if version is None:
            message = f"cannot tell which {operator.title} it is"
            detail = f"its image has no version as its tag: {text}" if text else "it has no container"
            yield Finding("HK102", title, "", message, where, detail, f"{mend}, by an image whose tag says so")
        elif (int(version[1]), int(version[2])) < operator.least:
            yield Finding("HK102", title, "", f"{operator.title} {text}, older than {least}", where, mend=mend)
        if not (each.get("status") or {}).get("readyReplicas"):
            mend_pods = f"look at its pods: kubectl --namespace {each['metadata']['namespace']} get pods"
            yield Finding("HK102", title, "", "no pod of it is ready", where, mend=mend_pods)


def _is(operator: Operator, deployment: Object) -> bool:
    metadata = deployment["metadata"]
    labels = metadata.get("labels") or {}
    named = metadata["name"] == operator.deployment or any(labels.get(key) == value for key, value in operator.labels)
    return named or any(_split(image)[0] == operator.image for image in _images(deployment))


def _version_of(operator: Operator, deployment: Object) -> str:
    """The tag of its image: of the one with the operator's name, where there are several."""
    images = [_split(image) for image in _images(deployment)]
    known = [tag for name, tag in images if name == operator.image] or [tag for _, tag in images]
    return known[0] if known else ""


def _images(deployment: Object) -> list[str]:
    return [each.get("image") or "" for each in deployment["spec"]["template"]["spec"].get("containers") or []]


def _split(image: str) -> tuple[str, str]:
    """`ghcr.io/x/cloudnative-pg:1.30.0@sha256:...` in its last name and its tag, or else its digest."""
    rest, _, digest = image.rpartition("/")[2].partition("@")
    name, _, tag = rest.partition(":")
    return name, tag or digest or "latest"


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
