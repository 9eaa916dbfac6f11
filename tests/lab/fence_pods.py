"""The fence's Deployment, as RegionPair made it, on a region's real node."""

import datetime as dt
import json
from typing import Any

from lab.harness import LabRegion, RefusedError
from lab.harness.tools import BIN, PYTHON_IMAGE
from tests.lab import object_store
from tests.lab.conftest import need

Manifest = dict[str, Any]

IMAGE = "localhost/python:3.11"
#: A Secret with the access keys of a reader of the witness.
READER = "witness-reader"


def give_image(region: LabRegion) -> str:
    """What the Deployment runs, to a region's node; returns its name by its digest."""
    need(PYTHON_IMAGE)
    region.node.import_image(BIN / PYTHON_IMAGE)
    return region.node.pin_image(IMAGE)


def reader() -> Manifest:
    keys = {"ACCESS_KEY_ID": object_store.ACCESS, "ACCESS_SECRET_KEY": object_store.SECRET}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": READER}, "stringData": keys}


def pods(region: LabRegion) -> list[Manifest]:
    """Those that nobody has deleted."""
    found = region.client.list("v1", "Pod", "shop", {"app.kubernetes.io/name": "shop-fence"})
    return [each for each in found if "deletionTimestamp" not in each["metadata"]]


def run_them(region: LabRegion) -> list[str]:
    """Until now its pods lay on a simulated node, where nothing runs. Those that the Deployment makes in their place
    are for the scheduler to put on the real one, as no other takes pods any more. Returns their names."""
    for node in region.nodes():
        name = node["metadata"]["name"]
        if name == region.node.name:
            region.client.merge("v1", "Node", name, {"spec": {"taints": None}})
        else:
            region.cordon(name)
    for pod in pods(region):
        region.client.delete("v1", "Pod", pod["metadata"]["name"], "shop", now=True)
    region.wait_for("the fence's pods", lambda: [each for each in pods(region) if _runs(region, each)], _both)
    return [each["metadata"]["name"] for each in pods(region)]


def _runs(region: LabRegion, pod: Manifest) -> bool:
    there = pod["spec"].get("nodeName") == region.node.name
    conditions = {each["type"]: each["status"] for each in pod.get("status", {}).get("conditions", [])}
    return there and conditions.get("Ready") == "True"


def _both(running: list[Manifest]) -> bool:
    return len(running) == 2


def said(region: LabRegion, names: list[str]) -> list[list[dict[str, str]]]:
    """What each of the pods has written: a line of JSON for each thing that it saw or did."""
    return [[json.loads(line) for line in _log(region, name).splitlines()] for name in names]


def away(region: LabRegion, names: list[str]) -> list[int]:
    """How often each of them found the witness out of reach."""
    return [sum(each["what"] == "witness out of reach" for each in lines) for lines in said(region, names)]


def restarts(region: LabRegion) -> list[int]:
    return [state["restartCount"] for state in _containers(region)]


def age(region: LabRegion) -> float:
    """Seconds since the younger one started."""
    started = [state["state"]["running"]["startedAt"] for state in _containers(region)]
    return (dt.datetime.now(dt.UTC) - max(map(dt.datetime.fromisoformat, started))).total_seconds()


def _containers(region: LabRegion) -> list[Manifest]:
    return [state for pod in pods(region) for state in pod["status"]["containerStatuses"]]


def _log(region: LabRegion, name: str) -> str:
    try:
        return region.client.request("GET", f"{region.client.path('v1', 'Pod', name, 'shop')}/log")
    except RefusedError:
        return ""  # kubelet does not know of it yet
