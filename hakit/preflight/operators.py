"""The operators that hakit's databases need: which version, and whether one runs. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hakit.findings import Finding
from hakit.observe import Object
from hakit.preflight.seen import Seen
from hakit.preflight.wanted import Wanted


@dataclass(frozen=True)
class Operator:
    """An operator, and how it is known in a cluster.

    Attributes:
        title: for messages.
        group: API group whose kinds need it.
        deployment: its usual name.
        labels: by which a chart's Deployment is known, whatever its name.
        image: last part of its image's name.
        least: version.
        feature: of `Wanted.features`, that takes a newer one.
        least_with: version then.
    """

    title: str
    group: str
    deployment: str
    labels: tuple[tuple[str, str], ...]
    image: str
    least: tuple[int, int]
    feature: str = ""
    least_with: tuple[int, int] = (0, 0)


#: The versions whose fields hakit's plans set; names and labels as in the operators' manifests and charts.
OPERATORS = (
    Operator(
        "CloudNativePG",
        "postgresql.cnpg.io",
        "cnpg-controller-manager",
        (("app.kubernetes.io/name", "cloudnative-pg"),),
        "cloudnative-pg",
        (1, 30),
    ),
    Operator(
        "plugin-barman-cloud",
        "barmancloud.cnpg.io",
        "barman-cloud",
        (("app", "barman-cloud"), ("app.kubernetes.io/name", "plugin-barman-cloud")),
        "plugin-barman-cloud",
        (0, 14),
    ),
    Operator(
        "mariadb-operator",
        "k8s.mariadb.com",
        "mariadb-operator",
        (("app.kubernetes.io/name", "mariadb-operator"),),
        "mariadb-operator",
        (25, 10),
        "multiCluster",
        (26, 6),
    ),
)


def judge(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    if "/apis/apps/v1/deployments" in seen.unread:
        return  # said already
    for operator in OPERATORS:
        if operator.group in wanted.groups:
            least = operator.least_with if operator.feature in wanted.features else operator.least
            yield from _one(operator, least, seen)


def _one(operator: Operator, least: tuple[int, int], seen: Seen) -> Iterator[Finding]:
    text = ".".join(map(str, least))
    mend = f"install {operator.title} {text} or newer"
    found = [each for each in seen.deployments if _is(operator, each)]
    if not found:
        yield Finding("HK102", operator.title, "", "there is no Deployment of it", mend=mend)
    for each in found:
        title, namespace = f"Deployment/{each['metadata']['name']}", each["metadata"]["namespace"]
        where, tag = f"namespace {namespace}", _tag(operator, each)
        version = re.match(r"v?(\d+)\.(\d+)", tag)
        if version is None:
            message = f"cannot tell which {operator.title} it is"
            detail = f"its image has no version as its tag: {tag}" if tag else "it has no container"
            yield Finding("HK102", title, "", message, where, detail, f"{mend}, by an image whose tag says so")
        elif (int(version[1]), int(version[2])) < least:
            yield Finding("HK102", title, "", f"{operator.title} {tag}, older than {text}", where, mend=mend)
        if not (each.get("status") or {}).get("readyReplicas"):
            look = f"look at its pods: kubectl --namespace {namespace} get pods"
            yield Finding("HK102", title, "", "no pod of it is ready", where, mend=look)


def _is(operator: Operator, deployment: Object) -> bool:
    metadata = deployment["metadata"]
    labels = metadata.get("labels") or {}
    named = metadata["name"] == operator.deployment or any(labels.get(key) == value for key, value in operator.labels)
    return named or any(name == operator.image for name, _ in _images(deployment))


def _tag(operator: Operator, deployment: Object) -> str:
    """The tag of its image: of the one with the operator's name, where there are several."""
    images = _images(deployment)
    found = [tag for name, tag in images if name == operator.image] or [tag for _, tag in images]
    return found[0] if found else ""


def _images(deployment: Object) -> list[tuple[str, str]]:
    containers = deployment["spec"]["template"]["spec"].get("containers") or []
    return [_split(each.get("image") or "") for each in containers]


def _split(image: str) -> tuple[str, str]:
    """`ghcr.io/x/cloudnative-pg:1.30.0@sha256:...` in its last name and its tag, or else its digest."""
    rest, _, digest = image.rpartition("/")[2].partition("@")
    name, _, tag = rest.partition(":")
    return name, tag or digest or "latest"
