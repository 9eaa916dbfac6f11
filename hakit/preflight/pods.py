"""Which room a running pod holds, and whose it is."""

from dataclasses import dataclass

from hakit.charts.requests import pod_request
from hakit.errors import HakitError
from hakit.observe import Object
from hakit.preflight.amounts import Amount


@dataclass(frozen=True)
class Pod:
    """A pod that holds room on a node; `node` is empty while it waits for one.

    Attributes:
        owner: (kind, namespace, name) of what keeps it running; of a Deployment's pods the Deployment.
        asks: what it requests.
    """

    node: str
    owner: tuple[str, str, str]
    asks: Amount


def pod_of(pod: Object) -> Pod:
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    where = f"Pod/{metadata['name']}"
    try:
        asks = Amount(1, pod_request(spec, "cpu", where), pod_request(spec, "memory", where))
    except HakitError:
        asks = Amount(1)  # the server has let it in, so the scheduler reads it; hakit does not
    return Pod(spec.get("nodeName") or "", _owner(pod), asks)


def _owner(pod: Object) -> tuple[str, str, str]:
    metadata = pod["metadata"]
    namespace = metadata.get("namespace") or ""
    for reference in metadata.get("ownerReferences") or []:
        if reference.get("controller"):
            kind, name = reference["kind"], reference["name"]
            # A Deployment's ReplicaSets carry its name and a hash.
            return (
                ("Deployment", namespace, name.rpartition("-")[0]) if kind == "ReplicaSet" else (kind, namespace, name)
            )
    return "Pod", namespace, metadata["name"]
