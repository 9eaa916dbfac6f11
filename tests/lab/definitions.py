"""Custom resource definitions of the operators that hakit's databases need, out of their own modules."""

from collections.abc import Iterator
from typing import Any

import yaml

from lab.harness import LabRegion
from lab.harness.tools import BIN

#: What each comes from: CloudNativePG 1.30.0, plugin-barman-cloud 0.14.0, prometheus-operator 0.93.1.
FILES = ("manifests/cnpg.yaml", "definitions/objectstores.yaml", "definitions/podmonitors.yaml")


def documents(name: str) -> Iterator[dict[str, Any]]:
    text = (BIN / name).read_text(encoding="utf-8")
    return (each for each in yaml.load_all(text, Loader=yaml.CSafeLoader) if each)


def define(region: LabRegion) -> None:
    """Apply them, and return when the region's API server knows their kinds."""
    kinds = []
    for name in FILES:
        for each in documents(name):
            if each["kind"] == "CustomResourceDefinition":
                region.client.apply(each)
                kinds.append(each["metadata"]["name"])

    def established(name: str) -> bool:
        found = region.client.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
        conditions = {each["type"]: each["status"] for each in found.get("status", {}).get("conditions", [])}
        return conditions.get("Established") == "True"

    for name in kinds:
        region.wait_for(f"the kind {name}", lambda name=name: established(name))
