"""What a region's cluster has, as far as the stacks want something of it: asked once, kept as plain facts."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hakit.observe import Object, Reader, RefusedError
from hakit.plan import guard
from hakit.preflight.certificates import Certificate, of_cert_manager, of_secret
from hakit.preflight.pods import Pod, pod_of
from hakit.preflight.restores import GROUP, STORES
from hakit.preflight.rights import REVIEWS, Right, needed_rights, review
from hakit.preflight.wanted import Wanted

#: (plural, whether it is namespaced), by (apiVersion, kind).
Kinds = Mapping[tuple[str, str], tuple[str, bool]]
#: Where the databases are listed that the guard holds.
_DATABASES = {
    ("postgresql.cnpg.io/v1", "Cluster"): "/apis/postgresql.cnpg.io/v1/clusters",
    ("k8s.mariadb.com/v1alpha1", "MariaDB"): "/apis/k8s.mariadb.com/v1alpha1/mariadbs",
}
NODES, PODS = "/api/v1/nodes", "/api/v1/pods"
#: Pods that hold room on a node.
RUNNING = "status.phase!=Succeeded,status.phase!=Failed"
_ANYTHING = Right("*", "*", "*", "")


@dataclass(frozen=True)
class Seen:
    """Facts about one cluster. What could not be read is empty, and named in `unread`.

    Attributes:
        version: of Kubernetes, as the server says it: `v1.34.2-eks-1a2b3c4`.
        kinds: of the API groups that the stacks need.
        nodes, classes, deployments: all of them.
        pods: those that hold room on a node.
        databases: what the guard holds: Clusters of CloudNativePG and MariaDBs that hakit has made.
        stores: ObjectStores, which say what their archives have.
        namespaces: those that the stacks need and that are there, by name.
        guard: policies and bindings that are there, by (kind, name).
        quotas: ResourceQuotas of the stacks' namespaces.
        certificates: of the stacks' namespaces; their dates, nothing else of them.
        denied: rights that are missing.
        unread: paths that were refused, and how.
    """

    version: str = ""
    kinds: Kinds = field(default_factory=dict)
    nodes: Sequence[Object] = ()
    pods: Sequence[Pod] = ()
    classes: Sequence[Object] = ()
    deployments: Sequence[Object] = ()
    databases: Sequence[Object] = ()
    stores: Sequence[Object] = ()
    namespaces: Mapping[str, Object] = field(default_factory=dict)
    guard: Mapping[tuple[str, str], Object] = field(default_factory=dict)
    quotas: Sequence[Object] = ()
    certificates: Sequence[Certificate] = ()
    denied: Sequence[Right] = ()
    unread: Mapping[str, RefusedError] = field(default_factory=dict)


def see(reader: Reader, wanted: Wanted) -> Seen:
    """Ask a cluster for everything that the rules look at.

    Raises:
        UnreachableError: it does not answer, or not in time.
    """
    asking = _Asking(reader)
    version = str((asking.find("/version") or {}).get("gitVersion", ""))
    groups = {each.api_version for each in wanted.objects}
    kinds = {key: value for group in sorted(groups) for key, value in asking.kinds(group).items()}
    lists = [path for kind, path in _DATABASES.items() if kind in kinds]
    names = sorted(wanted.namespaces | {guard.NAMESPACE})
    return Seen(
        version=version,
        kinds=kinds,
        nodes=asking.list(NODES),
        pods=[pod_of(each) for each in asking.list(PODS, fieldSelector=RUNNING)],
        classes=asking.list("/apis/storage.k8s.io/v1/storageclasses"),
        deployments=asking.list("/apis/apps/v1/deployments"),
        databases=[each for path in lists for each in asking.list(path, labelSelector=guard.PAIR)],
        stores=asking.list(STORES) if (GROUP, "ObjectStore") in kinds else [],
        namespaces={name: found for name in names if (found := asking.find(f"/api/v1/namespaces/{name}"))},
        guard=_guard(asking, wanted, kinds),
        quotas=[
            each
            for name in sorted(wanted.namespaces)
            for each in asking.list(f"/api/v1/namespaces/{name}/resourcequotas")
        ],
        certificates=[each for name in sorted(wanted.namespaces) for each in _certificates(asking, name)],
        denied=asking.denied(needed_rights(wanted, kinds)),
        unread=asking.unread,
    )


def group_path(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


class _Asking:
    """Reads what it may, and keeps in mind what it may not."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.unread: dict[str, RefusedError] = {}

    def list(self, path: str, **query: str) -> list[Object]:
        try:
            return self._reader.list(path, **query)
        except RefusedError as error:
            return self._refused(path, error) or []

    def find(self, path: str) -> Object | None:
        try:
            return self._reader.find(path)
        except RefusedError as error:
            return self._refused(path, error)

    def kinds(self, api_version: str) -> dict[tuple[str, str], tuple[str, bool]]:
        found = self.find(group_path(api_version)) or {}
        return {
            (api_version, each["kind"]): (each["name"], each["namespaced"])
            for each in found.get("resources") or []
            if "/" not in each["name"]
        }

    def denied(self, rights: Sequence[Right]) -> Sequence[Right]:
        """Which of them are missing. Whoever may do everything is asked no more than that."""
        try:
            if review(self._reader, _ANYTHING):
                return []
            with ThreadPoolExecutor(8) as pool:
                allowed = list(pool.map(lambda right: review(self._reader, right), rights))
        except RefusedError as error:
            return self._refused(REVIEWS, error) or ()
        return [right for right, fine in zip(rights, allowed, strict=True) if not fine]

    def _refused(self, path: str, error: RefusedError) -> None:
        if error.status != 404:  # no such API group: nothing of it is there
            self.unread[path] = error


def _guard(asking: _Asking, wanted: Wanted, kinds: Kinds) -> dict[tuple[str, str], Object]:
    api = "admissionregistration.k8s.io/v1"
    asked = {(kind, name): kinds[api, kind][0] for kind, name in wanted.guard if (api, kind) in kinds}
    found = {key: asking.find(f"/apis/{api}/{plural}/{key[1]}") for key, plural in asked.items()}
    return {key: each for key, each in found.items() if each is not None}


def _certificates(asking: _Asking, namespace: str) -> list[Certificate]:
    managed = asking.list(f"/apis/cert-manager.io/v1/namespaces/{namespace}/certificates")
    secrets = asking.list(f"/api/v1/namespaces/{namespace}/secrets", fieldSelector="type=kubernetes.io/tls")
    theirs = {each.get("spec", {}).get("secretName") for each in managed}
    found = [of_cert_manager(each) for each in managed]
    found += [of_secret(each) for each in secrets if each["metadata"]["name"] not in theirs]
    return [each for each in found if each is not None]
