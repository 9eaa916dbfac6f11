"""The ready endpoint's objects before a real API server and its controllers, in a namespace that enforces the strictest
Pod Security Standard. PostgREST's image is not there: no pod becomes more than scheduled."""

import pytest

from hakit.plan import ready, ready_objects
from hakit.plan.arguments import Arguments
from hakit.topology import load
from lab.harness import LabRegion
from lab.harness.tools import ROOT

pytestmark = pytest.mark.lab

TOPOLOGY = load(ROOT / "stacks" / "topology.prod.yaml")
FACTS = {"host": "orders-rw.shop.svc", "port": "5432", "name": "orders"}


def test_its_objects_are_admitted_and_its_pods_stand_in_two_zones(region: LabRegion) -> None:
    region.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
            }
        ]
    )
    ingress = {"hostname": "shop.example.com", "class_name": "nginx", "tls_secret": "shop-tls"}
    given = Arguments({"password": "of the lab", "ingress": ingress}, "test", ready.ARGUMENTS, "ready")
    spec = ready.specify(given, TOPOLOGY.pair("shop"), "us-east-1")
    login = ready.secret(spec, "shop")
    login["stringData"]["password"] = "of the lab"  # noqa: S105
    region.wait_for(
        "the namespace's own account", lambda: region.client.list("v1", "ServiceAccount", "shop"), lambda found: found
    )
    objects = ready_objects.objects(spec, "shop", TOPOLOGY.region("us-east-1"), "shop", FACTS)
    region.apply([login, *objects], "shop")
    region.apply([login, *objects], "shop")  # the same once more changes nothing that the server would refuse

    def hosts() -> list[str]:
        pods = region.client.list("v1", "Pod", "shop")
        return [each["spec"].get("nodeName", "") for each in pods]

    placed = region.wait_for("two pods with a node", hosts, lambda found: len(found) == 2 and all(found), seconds=120)
    zones = {
        region.client.get("v1", "Node", each)["metadata"]["labels"]["topology.kubernetes.io/zone"] for each in placed
    }
    assert len(zones) == 2
