"""A Cluster as the official `cluster` chart makes it, with its in-tree backup, is taken over by the engine: nothing is
made anew, deleted or left without an archive.

The API server, the operator's admission and the engine are real; the Kubernetes provider is the lab's stand-in, and
nothing runs containers, so no data moves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import pytest

from lab.harness import LabRegion, RefusedError
from lab.harness.engine import Engine
from lab.harness.tools import REGION_TOOLS
from tests.lab.conftest import need, running
from tests.lab.definitions import FILES, define
from tests.lab.operator_process import start_operator
from tests.unit.topology.example import EXAMPLE

pytestmark = [pytest.mark.lab, pytest.mark.long]

EAST = "prod-us-east-1"
PROGRAM = Path(__file__).parent / "programs" / "migration.py"
CLUSTER = ("postgresql.cnpg.io/v1", "Cluster")
#: What the chart renders of `helm install shop cnpg/cluster` with backups to S3, by its templates.
CHARTS_OWN: dict[str, Any] = {
    "apiVersion": "postgresql.cnpg.io/v1",
    "kind": "Cluster",
    "metadata": {
        "name": "shop-cluster",
        "namespace": "shop",
        "labels": {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "shop"},
        "annotations": {"meta.helm.sh/release-name": "shop"},
    },
    "spec": {
        "instances": 3,
        "imageName": "ghcr.io/cloudnative-pg/postgresql:16.4",
        "postgresUID": 26,
        "postgresGID": 26,
        "storage": {"size": "1Gi", "storageClass": "standard"},
        "primaryUpdateMethod": "switchover",
        "logLevel": "info",
        "enableSuperuserAccess": True,
        "monitoring": {"enablePodMonitor": False, "disableDefaultQueries": False},
        "bootstrap": {"initdb": {"database": "orders", "owner": "app"}},
        "backup": {
            "retentionPolicy": "30d",
            "barmanObjectStore": {
                "destinationPath": "s3://backups/shop",
                "s3Credentials": {
                    "accessKeyId": {"name": "shop-cluster-backup-s3-creds", "key": "ACCESS_KEY_ID"},
                    "secretAccessKey": {"name": "shop-cluster-backup-s3-creds", "key": "ACCESS_SECRET_KEY"},
                },
            },
        },
    },
}


@dataclass
class System:
    engine: Engine
    east: LabRegion

    def up(self, step: str) -> dict[str, int]:
        """What an update did: how many resources by operation."""
        with self.engine.stack(EAST) as opened:
            opened.set_config("step", auto.ConfigValue(step))
            return dict(opened.up().summary.resource_changes or {})

    def changes(self, step: str) -> dict[str, set[str]]:
        """What an update would change: by operation and resource, the fields."""
        found: dict[str, set[str]] = {}

        def event(each: auto.EngineEvent) -> None:
            if each.resource_pre_event and each.resource_pre_event.metadata.op.value != "same":
                metadata = each.resource_pre_event.metadata
                name = f"{metadata.op.value} {metadata.urn.rpartition('::')[2]}"
                found[name] = {part.split(".")[1] for part in metadata.detailed_diff or {} if "." in part}

        with self.engine.stack(EAST) as opened:
            opened.set_config("step", auto.ConfigValue(step))
            opened.preview(on_event=event)
        return found

    @property
    def cluster(self) -> dict[str, Any]:
        return self.east.client.get(*CLUSTER, "shop-cluster", "shop")


@pytest.fixture
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    need(*REGION_TOOLS, *FILES, "cnpg", "pulumi")
    with running(request, "east", ["a"], hosts=1) as east:
        define(east)
        start_operator(east, tmp_path / "operator-files")
        east.namespace("shop")
        east.client.request(
            "POST", east.client.path(*CLUSTER, namespace="shop") + "?fieldManager=helm", json=CHARTS_OWN
        )
        with Engine(tmp_path / "engine", {"prod-use1": east.kubeconfig}, PROGRAM) as engine:
            (engine.project / "topology.yaml").write_text(EXAMPLE, encoding="utf-8")
            yield System(engine, east)


def take_ownership(region: LabRegion) -> None:
    """The two commands of docs/migration.md: hakit owns each field too, then nobody else does."""
    found = region.client.get(*CLUSTER, "shop-cluster", "shop")
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    kept = {**{key: found[key] for key in ("apiVersion", "kind", "spec")}, "metadata": metadata}
    region.client.apply(kept, manager="hakit")
    found = region.client.get(*CLUSTER, "shop-cluster", "shop")
    owners = found["metadata"]["managedFields"]
    found["metadata"]["managedFields"] = [
        each for each in owners if each["manager"] == "hakit" or each.get("subresource") == "status"
    ]
    region.client.request("PUT", region.client.path(*CLUSTER, "shop-cluster", "shop"), json=found)


def test_a_cluster_of_the_chart_is_taken_over(system: System) -> None:
    """One test, since each step starts from what the last one left."""
    before = system.cluster
    take_ownership(system.east)
    assert system.cluster["metadata"]["uid"] == before["metadata"]["uid"]
    assert system.cluster["spec"] == before["spec"], "only who owns it has changed"

    # First step: it is read into the state, and nothing of it changes.
    done = system.up("as-it-is")
    assert done["import"] == 1
    assert not {"delete", "replace", "create-replacement"} & set(done)
    assert system.cluster["spec"] == before["spec"]
    backup = system.east.client.get("postgresql.cnpg.io/v1", "ScheduledBackup", "shop-cluster", "shop")
    assert backup["spec"]["suspend"] is True, "no backup can succeed before the plugin is there"
    assert system.changes("as-it-is") == {}, "a second update has nothing to do"

    # Second step: an update of that Cluster and of the schedule, and of nothing else.
    wanted = system.changes("done")
    assert set(wanted) == {"update orders-cluster-g1", "update orders-backup-g1"}
    assert {"backup", "plugins", "replica"} <= wanted["update orders-cluster-g1"]
    done = system.up("done")
    assert done["update"] == 2
    assert not {"delete", "replace", "create", "import"} & set(done)

    after = system.cluster
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["imageName"] == before["spec"]["imageName"], "no other version of PostgreSQL"
    assert after["spec"]["storage"] == before["spec"]["storage"]
    assert "walStorage" not in after["spec"]
    assert "backup" not in after["spec"], "in one update with the plugin's beginning"
    (plugin,) = after["spec"]["plugins"]
    assert plugin["isWALArchiver"] is True
    assert plugin["parameters"] == {"barmanObjectName": "orders-us-east-1-adopted", "serverName": "shop-cluster"}
    store = system.east.client.get("barmancloud.cnpg.io/v1", "ObjectStore", "orders-us-east-1-adopted", "shop")
    assert store["spec"]["configuration"]["destinationPath"] == "s3://backups/shop", "the archive goes on"
    assert after["spec"]["replica"]["primary"] == after["spec"]["replica"]["self"] == "orders-g1-us-east-1"
    assert after["metadata"]["labels"]["hakit/database"] == "orders", "the guard and the fence know it"
    owners = {each["manager"] for each in after["metadata"]["managedFields"] if "f:spec" in each["fieldsV1"]}
    assert owners == {"hakit"}
    assert [each["metadata"]["name"] for each in system.east.client.list(*CLUSTER, "shop")] == ["shop-cluster"]
    assert system.changes("done") == {}

    # It is data of hakit's now.
    with system.engine.stack(EAST) as opened, pytest.raises(auto.CommandError, match="protected"):
        opened.destroy()
    assert system.cluster["metadata"]["uid"] == before["metadata"]["uid"]


def test_while_another_one_owns_the_old_backup_the_update_is_refused_and_changes_nothing(system: System) -> None:
    """What happens without the two commands: the webhook will not have two archives."""
    before = system.cluster
    system.up("as-it-is")
    with pytest.raises(auto.CommandError, match=r"Cannot enable a WAL archiver plugin|conflict"):
        system.up("done")
    assert system.cluster["spec"] == before["spec"]


# Pulumi leaves the event loop of a program behind that the engine ends early; the failure's traceback holds it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cluster_that_is_not_there_is_never_made_anew(system: System) -> None:
    system.east.client.delete(*CLUSTER, "shop-cluster", "shop")
    system.east.wait_for("its end", lambda: system.east.client.find(*CLUSTER, "shop-cluster", "shop") is None)
    with pytest.raises(auto.CommandError, match="does not exist"):
        system.up("done")
    with pytest.raises(RefusedError):
        system.east.client.get(*CLUSTER, "shop-cluster", "shop")
