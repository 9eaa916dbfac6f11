"""The CloudNativePG operator in a region, as its own release manifest has it, admission webhooks included."""

from typing import Any

import yaml

from lab.harness.client import Object, RefusedError
from lab.harness.realnode import LABEL, TOLERATION
from lab.harness.region import LabRegion
from lab.harness.tools import BIN

OPERATOR_IMAGE = "localhost/cloudnative-pg:1.30.0"
POSTGRES_IMAGE = "localhost/postgresql:15"
_NAMESPACE = "cnpg-system"


def install_operator(region: LabRegion) -> None:
    """Apply the operator's manifest and return when it answers; the region has a real node.

    Changed are only the image, which comes from no registry, where the pod may run, and how much of a processor it may
    use: a tenth, as released, takes it minutes to start.
    """
    text = (BIN / "manifests" / "cnpg.yaml").read_text(encoding="utf-8")
    region.apply([_placed(obj) for obj in yaml.load_all(text, Loader=yaml.CSafeLoader) if obj])
    region.wait_for("the operator's pod", lambda: region.ready_pods(_NAMESPACE))
    region.wait_for("the operator's admission", lambda: _admits(region))


def _placed(obj: Object) -> Object:
    if obj["kind"] != "Deployment":
        return obj
    pod: dict[str, Any] = obj["spec"]["template"]["spec"]
    pod |= {"nodeSelector": LABEL, "tolerations": [TOLERATION]}
    (manager,) = pod["containers"]
    manager |= {"image": OPERATOR_IMAGE, "imagePullPolicy": "Never"}
    del manager["resources"]["limits"]["cpu"]
    for variable in manager["env"]:
        if variable["name"] == "OPERATOR_IMAGE_NAME":
            variable["value"] = OPERATOR_IMAGE
    return obj


def _admits(region: LabRegion) -> bool:
    """Whether the webhook is called: it refuses what the schema alone would let pass."""
    wrong = {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "probe"},
        "spec": {"instances": 1, "storage": {"size": "not a size"}},
    }
    try:
        region.client.apply(wrong, dry=True)
    except RefusedError as error:
        return "admission webhook" in error.message and "denied the request" in error.message
    return False
