"""RegionBase and PostgresCluster by `up` of two regions' stacks: what an entry changes, and what an old checkout gets.

The API servers, the definitions, the operator's admission in the west and the engine are real; the Kubernetes provider
is the lab's stand-in, and nothing runs containers, so no data moves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi.automation as auto
import pytest

from lab.harness import LabRegion
from lab.harness.engine import Engine
from lab.harness.tools import REGION_TOOLS
from tests.lab.conftest import need, running
from tests.lab.definitions import FILES, define
from tests.lab.operator_process import start_operator
from tests.unit.topology.example import EXAMPLE, with_handovers

pytestmark = [pytest.mark.lab, pytest.mark.long]

EAST, WEST = "prod-us-east-1", "prod-us-west-2"
PLANNED = "{kind: planned, to: us-west-2}"
CANCEL = "{kind: cancel, to: us-east-1}"
FAILOVER = "{kind: failover, to: us-west-2, accept_loss: 30s}"
REBUILD = "{kind: rebuild, to: us-east-1, incarnation: 2}"
PROGRAM = Path(__file__).parent / "programs" / "postgres_pair.py"


@dataclass
class System:
    engine: Engine
    east: LabRegion
    west: LabRegion

    def write(self, *entries: str) -> None:
        text = with_handovers(*entries) if entries else EXAMPLE
        (self.engine.project / "topology.yaml").write_text(text, encoding="utf-8")

    def up(self, stack: str) -> str:
        with self.engine.stack(stack) as opened:
            return str(opened.up().outputs["role"].value)

    def preview(self, stack: str) -> dict[str, set[str]]:
        """What an update would change: by resource, the fields."""
        found: dict[str, set[str]] = {}

        def event(each: auto.EngineEvent) -> None:
            if each.resource_pre_event and each.resource_pre_event.metadata.op.value != "same":
                metadata = each.resource_pre_event.metadata
                name = f"{metadata.op.value} {metadata.urn.rpartition('::')[2]}"
                found[name] = set(metadata.detailed_diff or {})

        with self.engine.stack(stack) as opened:
            opened.preview(on_event=event)
        return found


@pytest.fixture(scope="module")
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    need(*REGION_TOOLS, *FILES, "cnpg", "pulumi")
    with running(request, "east", ["a"], hosts=1) as east, running(request, "west", ["a"], hosts=1) as west:
        for region in (east, west):
            define(region)
        start_operator(west, tmp_path_factory.mktemp("operator"))
        folder = tmp_path_factory.mktemp("engine") / "pair"
        clusters = {"prod-use1": east.kubeconfig, "prod-usw2": west.kubeconfig}
        with Engine(folder, clusters, PROGRAM) as engine:
            yield System(engine, east, west)


def replica(region: LabRegion, name: str = "orders-g1") -> dict[str, str]:
    return region.client.get("postgresql.cnpg.io/v1", "Cluster", name, "shop")["spec"]["replica"]


def appliers(region: LabRegion, *what: str) -> list[str]:
    fields = region.client.get(*what, "shop")["metadata"]["managedFields"]
    return [each["manager"] for each in fields if each["operation"] == "Apply"]


def test_a_pair_through_its_handovers(system: System) -> None:
    """One test, since each step starts from what the last one left."""
    system.write()
    assert (system.up(EAST), system.up(WEST)) == ("active", "standby")
    assert replica(system.east)["primary"] == "orders-g1-us-east-1"
    assert appliers(system.east, "postgresql.cnpg.io/v1", "Cluster", "orders-g1") == ["hakit"], "as its annotation says"
    assert appliers(system.east, "v1", "Service", "orders-rw") == ["pulumi-kubernetes"], "which has no such annotation"
    assert system.preview(EAST) == {}, "a second update has nothing to do"

    # One entry changes exactly this: the east demotes, the west only learns of it.
    system.write(PLANNED)
    record = {"update base-record-shop-orders": {"data.number"}}
    epoch = 'metadata.annotations["hakit/epoch"]'
    assert system.preview(EAST) == record | {"update orders-cluster-g1": {epoch, "spec.replica.primary"}}
    assert system.preview(WEST) == record | {"update orders-cluster-g1": {epoch}}

    # Cancelled before a token; then the region is lost.
    system.up(EAST)
    system.up(WEST)
    assert replica(system.east)["primary"] == "orders-g1-us-west-2", "demoted"
    assert replica(system.west)["primary"] == "orders-g1-us-east-1", "and the other one waits"
    system.write(PLANNED, CANCEL, FAILOVER)
    assert system.up(WEST) == "active"
    assert replica(system.west)["primary"] == "orders-g1-us-west-2"

    # Old checkouts.
    system.write()
    with pytest.raises(auto.CommandError, match=r"a record is never lowered, and this one says 30"):
        system.up(WEST)
    assert replica(system.west)["primary"] == "orders-g1-us-west-2", "nothing happened to it"

    # The lost region is back, is rebuilt, and its old copy stays.
    system.write(PLANNED, CANCEL, FAILOVER, REBUILD)
    assert system.up(EAST) == "standby"
    assert replica(system.east, "orders-g2") == {
        "self": "orders-g2-us-east-1",
        "primary": "orders-g1-us-west-2",
        "source": "orders-g1-us-west-2",
    }
    assert replica(system.east)["primary"] == "orders-g1-us-west-2"
    created = system.east.client.get("v1", "ConfigMap", "created.shop.orders", "hakit-system")
    assert created["data"] == {"number": "2"}
    system.up(WEST)
    listed = system.west.client.get("postgresql.cnpg.io/v1", "Cluster", "orders-g1", "shop")["spec"]["externalClusters"]
    assert [each["name"] for each in listed] == ["orders-g2-us-east-1", "orders-g1-us-west-2"]
    assert system.preview(EAST) == {}


def test_destroying_the_stack_keeps_the_data_and_the_guard(system: System) -> None:
    """It runs after the test above, on what that one left."""
    with system.engine.stack(EAST) as opened:
        with pytest.raises(auto.CommandError, match="protected"):
            opened.destroy()
        state = opened.export_stack()
        for each in state.deployment["resources"]:
            each.pop("protect", None)
        opened.import_stack(state)
        opened.destroy()
    names = [each["metadata"]["name"] for each in system.east.client.list("postgresql.cnpg.io/v1", "Cluster", "shop")]
    assert sorted(names) == ["orders-g1", "orders-g2"]
    assert system.east.client.get("v1", "ConfigMap", "epoch.shop.orders", "hakit-system")["data"] == {"number": "40"}
    assert len(system.east.client.list("barmancloud.cnpg.io/v1", "ObjectStore", "shop")) == 2


def test_the_folder_of_a_deployment_holds_no_password(system: System) -> None:
    found = [str(path) for path in Path(system.engine.state).rglob("*.json*") if b"s3cret" in path.read_bytes()]
    assert found == []
