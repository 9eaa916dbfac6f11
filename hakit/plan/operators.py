"""The operators that a region needs: what is known of them, and their manifests in the order that they take. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hakit.charts.objects import dig
from hakit.errors import HakitError
from hakit.plan.arguments import Arguments

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Operator:
    """An operator whose version matters to hakit, and how it is known in a cluster.

    Attributes:
        title: for messages.
        group: API group whose kinds need it.
        deployment: its usual name.
        labels: by which a chart's Deployment is known, whatever its name.
        image: last part of its image's name.
        least: version.
        feature: something that takes a newer one.
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

    def runs_as(self, deployment: Mapping[str, Any]) -> bool:
        """Whether a Deployment is this operator's: by its name, its labels or its image."""
        metadata = deployment["metadata"]
        labels = metadata.get("labels") or {}
        named = metadata["name"] == self.deployment or any(labels.get(key) == value for key, value in self.labels)
        return named or any(name == self.image for name, _ in images_of(deployment))

    def tag(self, deployment: Mapping[str, Any]) -> str:
        """The tag of its image: of the one with the operator's name, where there are several. Empty without one."""
        images = images_of(deployment)
        found = [tag for name, tag in images if name == self.image] or [tag for _, tag in images]
        return found[0] if found else ""


#: The versions whose fields hakit's plans set; names and labels as in the operators' manifests and charts.
OPERATORS = {
    "cloudnative-pg": Operator(
        "CloudNativePG",
        "postgresql.cnpg.io",
        "cnpg-controller-manager",
        (("app.kubernetes.io/name", "cloudnative-pg"),),
        "cloudnative-pg",
        (1, 30),
    ),
    "plugin-barman-cloud": Operator(
        "plugin-barman-cloud",
        "barmancloud.cnpg.io",
        "barman-cloud",
        (("app", "barman-cloud"), ("app.kubernetes.io/name", "plugin-barman-cloud")),
        "plugin-barman-cloud",
        (0, 14),
    ),
    "mariadb-operator": Operator(
        "mariadb-operator",
        "k8s.mariadb.com",
        "mariadb-operator",
        (("app.kubernetes.io/name", "mariadb-operator"),),
        "mariadb-operator",
        (25, 10),
        "multiCluster",
        (26, 6),
    ),
}
#: The plugin's certificates come from cert-manager, and it registers with CloudNativePG. Others need none of these.
_FIRST = ("cert-manager", "cloudnative-pg", "plugin-barman-cloud")
#: Namespaces and definitions before what uses them, webhooks after what answers them; everything else between them.
#: A Deployment comes last of the rest: it may wait for certificates that custom resources ask for.
_RANKS = {
    "Namespace": 0,
    "CustomResourceDefinition": 1,
    "Deployment": 3,
    "MutatingWebhookConfiguration": 4,
    "ValidatingWebhookConfiguration": 4,
}
_OTHERS = 2
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


def version_of(tag: str) -> tuple[int, int] | None:
    """Major and minor of a tag such as `v1.30.0`; None where it says none."""
    found = _VERSION.match(tag)
    return (int(found[1]), int(found[2])) if found else None


def images_of(deployment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of each container the last name of its image, and its tag, or else its digest."""
    containers = dig(deployment, "spec", "template", "spec", "containers")
    return [_split(str(each.get("image") or "")) for each in containers or [] if isinstance(each, Mapping)]


def _split(image: str) -> tuple[str, str]:
    """`ghcr.io/x/cloudnative-pg:1.30.0@sha256:...` in `cloudnative-pg` and `1.30.0`."""
    rest, _, digest = image.rpartition("/")[2].partition("@")
    name, _, tag = rest.partition(":")
    return name, tag or digest or "latest"


def specify(given: Arguments) -> dict[str, str]:
    """The manifest's path of each operator that RegionBase is to bring, in the order in which they are brought.

    Raises:
        HakitError: neither or both of `manifest` and `provided` are given.
    """
    found = {}
    for name in given.mapping("operators"):
        inner = Arguments(given.mapping("operators")[name], given.where, ("manifest", "provided"), f"operators.{name}")
        if ("manifest" in inner) == ("provided" in inner):
            raise HakitError(
                f"operators.{name}: say which of the two",
                where=given.where,
                allowed="manifest: the file that brings it; provided: who brings it instead",
            )
        if "manifest" in inner:
            found[name] = inner.text("manifest")
        else:
            inner.text("provided")
    return {name: found[name] for name in [*_FIRST, *sorted(set(found) - set(_FIRST))] if name in found}


def plan(name: str, documents: Sequence[Manifest], where: str) -> list[dict[str, Manifest]]:
    """An operator's objects in stages, each by what its resource is called; a stage comes after the one before it.

    Args:
        name: of the operator, as in `operators`.
        documents: of its manifest.
        where: names the file in messages.

    Raises:
        HakitError: an object has no kind or name, or is there twice; an image is not pinned; the operator is older than
            hakit needs, or is not in its manifest.
    """
    stages: dict[int, dict[str, Manifest]] = {}
    for each in documents:
        key = f"operator-{name}-{_title(each, where)}"
        stage = stages.setdefault(_RANKS.get(each["kind"], _OTHERS), {})
        if key in stage:
            raise HakitError(f"operators.{name}: an object is there twice", where=where, given=_title(each, where))
        stage[key] = each
    deployments = [each for each in documents if each["kind"] == "Deployment"]
    for each in deployments:
        _refuse_unpinned(name, each, where)
    if name in OPERATORS:
        _refuse_old(name, OPERATORS[name], deployments, where)
    return [stages[rank] for rank in sorted(stages)]


def _title(manifest: Manifest, where: str) -> str:
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(manifest.get("kind"), str) or not isinstance(manifest.get("apiVersion"), str) or not name:
        raise HakitError("not a Kubernetes object", where=where, given=manifest.get("kind"), do="give a plain manifest")
    place = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    return "-".join(str(part) for part in (manifest["kind"], place, name) if part)


def _refuse_unpinned(name: str, deployment: Manifest, where: str) -> None:
    for image, tag in images_of(deployment):
        if tag in ("latest", "main", "master"):
            raise HakitError(
                f"operators.{name}: an image without a version is another one on every node",
                where=f"{where}: Deployment/{deployment['metadata']['name']}",
                given=f"{image}:{tag}",
                do="take the manifest of a release",
            )


def _refuse_old(name: str, operator: Operator, deployments: Iterable[Manifest], where: str) -> None:
    mine = [each for each in deployments if operator.runs_as(each)]
    if not mine:
        raise HakitError(f"operators.{name}: its manifest has no Deployment of it", where=where)
    for each in mine:
        version = version_of(operator.tag(each))
        if version is not None and version < operator.least:
            least = ".".join(map(str, operator.least))
            raise HakitError(
                f"operators.{name}: older than hakit needs",
                where=where,
                given=operator.tag(each),
                allowed=f"{least} or newer",
            )
