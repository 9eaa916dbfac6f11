"""DNSEndpoints against external-dns's own definition, on a real API server.

What this does not prove: what external-dns makes of them, and what Route 53 answers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.plan.traffic import external_dns, intent, spec
from lab.harness import LabRegion, RefusedError
from lab.harness.tools import BIN, REGION_TOOLS
from tests.lab.conftest import need, running
from tests.traffic.shop import external_dns as arguments
from tests.traffic.shop import loaded

pytestmark = pytest.mark.lab
#: Of external-dns 0.20.0: the chart that lab/build.py pins has it.
DEFINITION = "charts/external-dns/crds/dnsendpoints.externaldns.k8s.io.yaml"
NAMESPACE = "external-dns"
EAST, WEST = "us-east-1", "us-west-2"


@pytest.fixture(scope="module")
def region(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    need(*REGION_TOOLS, DEFINITION)
    with running(request, "dns", ["a"], hosts=1) as started:
        (definition,) = [each for each in yaml.safe_load_all((BIN / DEFINITION).read_text()) if each]
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        started.apply([definition, namespace])
        started.wait_for("the kind", lambda: knows(started, definition["metadata"]["name"]))
        yield started


def knows(region: LabRegion, name: str) -> bool:
    found = region.client.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
    conditions = {each["type"]: each["status"] for each in found.get("status", {}).get("conditions", [])}
    return conditions.get("Established") == "True"


def manifest(folder: Path, mode: str = "active-passive", traffic: str = "serve", **more: Any) -> dict[str, Any]:
    wanted = spec.specify(
        "shop", arguments(EAST, **more), loaded(folder, EAST, WEST, mode=mode, traffic={EAST: traffic})
    )
    return external_dns.plan(wanted, external_dns.read(wanted), intent.intent(wanted)).manifest


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"traffic": "drain"},
        {"mode": "active-active", "steering": "latency"},
        {"mode": "active-active", "steering": "weighted"},
        {"mode": "active-active", "steering": "proximity"},
    ],
    ids=str,
)
def test_an_endpoint_is_stored_word_for_word(region: LabRegion, more: dict[str, Any], tmp_path: Path) -> None:
    wanted = manifest(tmp_path, **more)
    region.client.apply(wanted, NAMESPACE, manager="hakit", force=True)
    stored = region.client.get(wanted["apiVersion"], wanted["kind"], "shop", NAMESPACE)
    # a field that the definition does not have would be gone
    assert stored["spec"] == wanted["spec"]


def test_the_definition_refuses_what_is_none(region: LabRegion, tmp_path: Path) -> None:
    wrong = manifest(tmp_path)
    wrong["spec"]["endpoints"][0]["targets"] = "us-east-1.origin.shop.example.com"
    with pytest.raises(RefusedError, match="targets"):
        region.client.apply(wrong, NAMESPACE, manager="hakit", force=True)
