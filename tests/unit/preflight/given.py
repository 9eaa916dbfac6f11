"""A region of three zones in which nothing is missing, and the facts of which tests spoil one at a time."""

from decimal import Decimal
from typing import Any

from hakit.observe import Object
from hakit.preflight.amounts import Amount
from hakit.preflight.pods import Pod
from hakit.preflight.seen import Seen
from hakit.preflight.wanted import Deployed, Wanted, Workload
from hakit.topology.model import Region

GIB = 2**30


def region(**changed: Any) -> Region:
    given = {
        "zones": ["a", "b", "c"],
        "kubernetes": "1.34",
        "cluster": {"context": "there"},
        "storage": {"zonal": "disk", "regional": "share"},
    }
    return Region.model_validate(given | changed)


def amount(pods: int, cpu: str, gib: int) -> Amount:
    return Amount(pods, Decimal(cpu), Decimal(gib * GIB))


def workload(name: str, pods: int, cpu: str = "1", gib: int = 1, **more: Any) -> Workload:
    given = {"part": ("", ""), "role": "active", "kind": "Deployment", "namespace": "shop"} | more
    return Workload(name=name, pods=pods, each=amount(1, cpu, gib), **given)


def wanted(**changed: Any) -> Wanted:
    given: dict[str, Any] = {
        "region": region(),
        "objects": frozenset(
            {
                Deployed("apps/v1", "Deployment", "shop", "helm"),
                Deployed("postgresql.cnpg.io/v1", "Cluster", "shop", "pulumi"),
                Deployed("barmancloud.cnpg.io/v1", "ObjectStore", "shop", "pulumi"),
            }
        ),
        "namespaces": frozenset({"shop"}),
        "levels": {"shop": "baseline"},
        "claims": frozenset({("disk", "Cluster/orders-g1")}),
        "workloads": (workload("web", 6), workload("orders-g1", 3, kind="Cluster", zonal=True)),
        "guard": (
            ("ValidatingAdmissionPolicy", "hakit-epoch"),
            ("ValidatingAdmissionPolicyBinding", "hakit-epoch.shop"),
        ),
    }
    return Wanted(**(given | changed))


def node(name: str, zone: str = "", *, cpu: str = "4", gib: int = 8, pods: int = 10, **spec: Any) -> Object:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    size = {"cpu": cpu, "memory": f"{gib}Gi", "pods": str(pods)}
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"allocatable": size, "conditions": ready},
    }


def pod(node_name: str, cpu: str, *, owner: tuple[str, str, str] = ("Deployment", "other", "x")) -> Pod:
    return Pod(node_name, owner, amount(1, cpu, 0))


def storage_class(name: str, *, default: bool = False, binding: str = "WaitForFirstConsumer") -> Object:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {"metadata": {"name": name, "annotations": annotations}, "volumeBindingMode": binding}


def deployment(name: str, image: str, *, ready: int = 1, labels: dict[str, str] | None = None) -> Object:
    return {
        "metadata": {"name": name, "namespace": "cnpg-system", "labels": labels or {}},
        "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": image}]}}},
        "status": {"readyReplicas": ready} if ready else {},
    }


CNPG = deployment("cnpg-controller-manager", "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0")
PLUGIN = deployment("barman-cloud", "ghcr.io/cloudnative-pg/plugin-barman-cloud:v0.14.0")
NAMESPACE = {"metadata": {"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}


def seen(**changed: Any) -> Seen:
    given: dict[str, Any] = {
        "version": "v1.34.2-eks-1a2b3c4",
        "kinds": {
            ("apps/v1", "Deployment"): ("deployments", True),
            ("postgresql.cnpg.io/v1", "Cluster"): ("clusters", True),
            ("barmancloud.cnpg.io/v1", "ObjectStore"): ("objectstores", True),
        },
        "nodes": [node(f"{zone}-0", zone) for zone in "abc"],
        "classes": [storage_class("disk", default=True), storage_class("share")],
        "deployments": [CNPG, PLUGIN],
        "namespaces": {"shop": NAMESPACE, "hakit-system": {"metadata": {"name": "hakit-system"}}},
        "guard": {
            ("ValidatingAdmissionPolicy", "hakit-epoch"): {"spec": {"failurePolicy": "Fail"}},
            ("ValidatingAdmissionPolicyBinding", "hakit-epoch.shop"): {"spec": {"validationActions": ["Deny"]}},
        },
    }
    return Seen(**(given | changed))


#: A database that hakit has made is there: the region has been deployed to.
DEPLOYED = {"databases": [{"metadata": {"name": "orders-g1", "namespace": "shop"}}]}
