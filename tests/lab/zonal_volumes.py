"""Volumes of zones: what a cloud's volume provisioner does, as far as the scheduler can tell.

The scheduler chooses a node for a pod whose claim waits for its first consumer, writes it on the claim, and waits; a
provisioner makes a volume in that node's zone (https://kubernetes.io/docs/concepts/storage/storage-classes/
#volume-binding-mode). No data is stored and nothing is attached: that a ReadWriteOnce volume is on one node at a time
is not played, that it is in one zone is.
"""

import threading
from types import TracebackType
from typing import Self

from lab.harness import Client, LabRegion
from lab.harness.client import Object

_ZONE, _HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
_SELECTED = "volume.kubernetes.io/selected-node"
NAME = "zonal"
CLASS: Object = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": NAME, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "lab.hakit/zonal",
    "volumeBindingMode": "WaitForFirstConsumer",
}


def claim(name: str) -> Object:
    """A claim for a volume of one node."""
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": NAME, "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def volume_for(found: Object, place: dict[str, str]) -> Object:
    """A volume for a claim; `place` are the node labels that it is bound to, none for one that is everywhere."""
    metadata, spec = found["metadata"], found["spec"]
    volume: Object = {
        "accessModes": spec["accessModes"],
        "capacity": {"storage": spec["resources"]["requests"]["storage"]},
        "storageClassName": spec.get("storageClassName", NAME),
        "claimRef": {"kind": "PersistentVolumeClaim", "name": metadata["name"], "namespace": metadata["namespace"]},
        "csi": {"driver": "lab.hakit", "volumeHandle": f"{metadata['namespace']}-{metadata['name']}"},
    }
    if place:
        terms = [{"key": key, "operator": "In", "values": [value]} for key, value in place.items()]
        volume["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": terms}]}}
    name = f"{metadata['namespace']}-{metadata['name']}"
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume}


def volume_in(region: LabRegion, namespace: str, name: str, zone: str) -> None:
    """A claim with a volume that has always been in a zone."""
    region.apply([CLASS])
    found = {**claim(name), "metadata": {"name": name, "namespace": namespace}}
    found["spec"] = {**found["spec"], "volumeName": f"{namespace}-{name}"}
    region.apply([volume_for(found, {_ZONE: zone}), found], namespace)


class Provisioning:
    """Makes volumes, in a thread of its own, from entering to leaving the block."""

    def __init__(self, region: LabRegion) -> None:
        self._client = region.another_client()
        self._client.apply(CLASS)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-volumes", daemon=True)
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        self._client.close()
        if self._failure is not None and kind is None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._end.wait(0.3):
                _provision(self._client)
        except Exception as error:  # noqa: BLE001  it is raised again where the block ends
            self._failure = error


def _provision(client: Client) -> None:
    for found in client.list("v1", "PersistentVolumeClaim"):
        chosen = found["metadata"].get("annotations", {}).get(_SELECTED)
        if chosen is None or found["status"].get("phase") != "Pending":
            continue
        labels = client.get("v1", "Node", chosen)["metadata"]["labels"]
        key = _ZONE if _ZONE in labels else _HOST
        shared = "ReadWriteMany" in found["spec"]["accessModes"]  # a volume of the region, such as EFS
        client.apply(volume_for(found, {} if shared else {key: labels[key]}))
