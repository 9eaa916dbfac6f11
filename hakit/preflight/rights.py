"""What whoever deploys must be allowed to do, and whether the API server says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hakit.observe import Reader
from hakit.preflight.wanted import Wanted

#: Whether whoever asks may do something; every user may ask.
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
#: Pulumi's provider applies by server-side apply, which is a patch that may create.
#: https://kubernetes.io/docs/reference/using-api/server-side-apply/#rbac-and-permissions
_BY_PULUMI = ("get", "create", "patch")
#: An upgrade of Helm deletes what the new revision no longer has, and a failed one is rolled back.
_BY_HELM = ("get", "create", "patch", "delete")
#: Helm keeps each revision in a Secret of the release's namespace, and waits for the pods of what it deploys. Each
#: release has a ConfigMap by which no other delivery begins beside it (`plan.delivery`).
_OF_HELM = (
    ("", "secrets", ("get", "list", "create", "update", "delete")),
    ("", "configmaps", ("get", "create", "patch", "delete")),
    ("", "pods", ("list",)),
    ("apps", "replicasets", ("list",)),
)


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource, in a namespace or, where it is empty, in all of them."""

    verb: str
    group: str
    resource: str
    namespace: str

    @property
    def what(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


def needed_rights(wanted: Wanted, kinds: Mapping[tuple[str, str], tuple[str, bool]]) -> Sequence[Right]:
    """Every right that the stacks' first and later deployments take, of the kinds that the cluster has."""
    found = set()
    for each in wanted.objects:
        if (each.api_version, each.kind) in kinds:
            plural, namespaced = kinds[each.api_version, each.kind]
            group = each.api_version.rpartition("/")[0]
            namespace = each.namespace if namespaced else ""
            verbs = _BY_HELM if each.by == "helm" else _BY_PULUMI
            found |= {Right(verb, group, plural, namespace) for verb in verbs}
    for namespace in {each.namespace for each in wanted.objects if each.by == "helm"} - {""}:
        found |= {Right(verb, group, name, namespace) for group, name, verbs in _OF_HELM for verb in verbs}
    return sorted(found)


def review(reader: Reader, right: Right) -> bool:
    """Whether the API server would let it through. The question needs no right of its own."""
    attributes = {"verb": right.verb, "group": right.group, "resource": right.resource, "namespace": right.namespace}
    answer = reader.review(
        REVIEWS,
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        },
    )
    return answer.get("status", {}).get("allowed") is True
