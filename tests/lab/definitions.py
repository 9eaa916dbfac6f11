"""Custom resource definitions of the operators whose kinds hakit writes, out of their own modules."""

from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from lab.harness import LabRegion
from lab.harness.tools import BIN

#: What each comes from: CloudNativePG 1.30.0, plugin-barman-cloud 0.14.0, prometheus-operator 0.93.1.
FILES = (
    "manifests/cnpg.yaml",
    "definitions/objectstores.yaml",
    "definitions/podmonitors.yaml",
    "definitions/prometheusrules.yaml",
)


#: Of the other data stores: mariadb-operator 25.10.4, redis-operator 0.16.0, Percona's XtraDB Cluster operator 1.20.0.
STORES = ("stores/mariadb", "stores/redis", "stores/xtradb")

#: Of Velero 1.18.1.
BACKUPS = ("backups/velero",)


def documents(name: str) -> Iterator[dict[str, Any]]:
    """The objects in a file, or in every file of a folder."""
    found = BIN / name
    for path in sorted(found.glob("*.yaml")) if found.is_dir() else [found]:
        yield from (each for each in yaml.load_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader) if each)


def define(region: LabRegion, names: Iterable[str] = FILES, only: str = "") -> None:
    """Apply them, or the one that is named, and return when the region's API server knows their kinds."""
    kinds = []
    for part in names:
        for each in documents(part):
            name = each["metadata"]["name"]
            if each["kind"] == "CustomResourceDefinition" and only in ("", name):
                region.client.apply(each)
                kinds.append(name)

    def established(name: str) -> bool:
        found = region.client.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
        conditions = {each["type"]: each["status"] for each in (found.get("status") or {}).get("conditions") or []}
        return conditions.get("Established") == "True"

    for name in kinds:
        region.wait_for(f"the kind {name}", lambda name=name: established(name))
