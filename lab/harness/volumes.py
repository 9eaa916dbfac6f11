"""Volumes on demand: what a cloud's storage driver does, with folders of this machine."""

import shutil
import threading
from pathlib import Path

import requests

from lab.harness.client import Client, Object, RefusedError

PROVISIONER = "lab.hakit/folders"
_CLASS = "lab"
#: Waits for the first pod, as a class of zonal disks should: the disk is then where the pod can run.
STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": _CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": PROVISIONER,
    "volumeBindingMode": "WaitForFirstConsumer",
    "reclaimPolicy": "Delete",
}
#: Set by the scheduler on a claim once it knows where the pod goes (kubernetes.io/docs, "Labels, annotations, taints").
_SELECTED = "volume.kubernetes.io/selected-node"
_ZONE, _HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


class Provisioner:
    """Makes a volume for each claim whose pod has a node, and removes it after the claim.

    A volume may be used in the whole zone of that node, as a cloud's disk may; on a node without a zone, the real one
    among them, only there. The class is the default one.

    Args:
        client: of its own; it is closed with it.
        folder: for the volumes' content.
    """

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-volumes", daemon=True)

    def start(self) -> None:
        self._client.apply(STORAGE_CLASS)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._end.wait(0.3):
            try:
                self._turn()
            except (RefusedError, requests.RequestException):
                continue  # the control plane is down, or an object went meanwhile; the next turn sees what is

    def _turn(self) -> None:
        for claim in self._client.list("v1", "PersistentVolumeClaim"):
            spec, place = claim["spec"], claim["metadata"].get("annotations", {}).get(_SELECTED)
            if spec.get("storageClassName") == _CLASS and place and "volumeName" not in spec:
                self._provide(claim, place)
        for volume in self._client.list("v1", "PersistentVolume"):
            if volume["spec"].get("storageClassName") != _CLASS:
                continue
            if volume["status"].get("phase") == "Released":
                self._client.delete("v1", "PersistentVolume", volume["metadata"]["name"])
                shutil.rmtree(volume["spec"]["hostPath"]["path"], ignore_errors=True)

    def _provide(self, claim: Object, place: str) -> None:
        name = f"volume-{claim['metadata']['uid']}"
        if self._client.find("v1", "PersistentVolume", name):
            return  # made in an earlier turn, and not bound yet
        labels = self._client.get("v1", "Node", place)["metadata"]["labels"]
        key = _ZONE if _ZONE in labels else _HOST
        path = self._folder / name
        path.mkdir(parents=True)
        path.chmod(0o777)  # pods of any user write to it: kubelet hands no hostPath over to a pod's group
        wanted: Object = {"key": key, "operator": "In", "values": [labels[key]]}
        self._client.create(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
                "spec": {
                    "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
                    "accessModes": claim["spec"]["accessModes"],
                    "storageClassName": _CLASS,
                    # The provisioner removes it itself: kubelet knows how to delete no folder of ours.
                    "persistentVolumeReclaimPolicy": "Retain",
                    "hostPath": {"path": str(path), "type": "Directory"},
                    "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [wanted]}]}},
                    "claimRef": {
                        "apiVersion": "v1",
                        "kind": "PersistentVolumeClaim",
                        "name": claim["metadata"]["name"],
                        "namespace": claim["metadata"]["namespace"],
                        "uid": claim["metadata"]["uid"],
                    },
                },
            }
        )
