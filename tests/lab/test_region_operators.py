"""RegionBase with operators by `up`: CloudNativePG's own manifest, on a real API server, by the real engine.

The Kubernetes provider is the lab's stand-in, which does not await plain objects; the operator's pod is simulated.
"""

from collections.abc import Iterator
from pathlib import Path

import pulumi.automation as auto
import pytest

from hakit.charts.manifests import parse
from hakit.errors import HakitError
from hakit.plan.operators import OPERATORS, plan
from lab.harness import LabRegion
from lab.harness.engine import Engine
from lab.harness.tools import BIN, REGION_TOOLS
from tests.lab.conftest import need, running
from tests.unit.topology.example import EXAMPLE

pytestmark = [pytest.mark.lab, pytest.mark.long]
STACK = "prod-us-east-1"
PROGRAM = Path(__file__).parent / "programs" / "region_operators.py"


@pytest.fixture(scope="module")
def region(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    need(*REGION_TOOLS, "pulumi", "manifests/cnpg.yaml", "manifests/barman.yaml")
    with running(request, "east", ["a"], hosts=1) as found:
        yield found


@pytest.fixture(scope="module")
def engine(region: LabRegion, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("engine") / "base", {"prod-use1": region.kubeconfig}, PROGRAM) as found:
        (found.project / "topology.yaml").write_text(EXAMPLE, encoding="utf-8")
        (found.project / "cnpg.yaml").write_text((BIN / "manifests" / "cnpg.yaml").read_text("utf-8"), encoding="utf-8")
        yield found


def test_the_operator_comes_whole_stays_and_is_made_once(engine: Engine, region: LabRegion) -> None:
    with engine.stack(STACK) as stack:
        stack.up()
        changes = stack.preview().change_summary
    assert set(changes) == {auto.OpType.SAME}, "a second update has nothing to do"
    deployment = region.client.get("apps/v1", "Deployment", "cnpg-controller-manager", "cnpg-system")
    assert OPERATORS["cloudnative-pg"].tag(deployment) == "1.30.0"
    region.wait_for("its pod", lambda: region.ready_pods("cnpg-system"))
    webhooks = "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"
    assert region.client.find(*webhooks, "cnpg-validating-webhook-configuration")
    assert region.client.get("v1", "ResourceQuota", "hakit", "shop")["spec"]["hard"] == {
        "pods": "40",
        "requests.cpu": "20",
    }
    with engine.stack(STACK) as stack:
        stack.destroy()
    region.client.get("apps/v1", "Deployment", "cnpg-controller-manager", "cnpg-system")
    clusters = "clusters.postgresql.cnpg.io"
    region.client.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", clusters)
    assert region.client.find("v1", "ResourceQuota", "hakit", "shop") is None, "a quota goes with the program"


def test_the_plugins_manifest_of_a_branch_is_no_release(region: LabRegion) -> None:
    documents = parse((BIN / "manifests" / "barman.yaml").read_text(encoding="utf-8"))
    with pytest.raises(HakitError, match="without a version"):
        plan("plugin-barman-cloud", documents, "barman.yaml")
