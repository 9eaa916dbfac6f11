"""stacks/ deployed by the real Pulumi engine into two real control planes."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi.automation as auto
import pytest

from lab.harness import Helm, LabRegion
from lab.harness.engine import Engine
from lab.harness.tools import REGION_TOOLS
from tests.lab.conftest import need, running
from tests.lab.definitions import define

pytestmark = pytest.mark.lab

SHARED, EAST, WEST, TRAFFIC = "prod-shared", "prod-us-east-1", "prod-us-west-2", "prod-traffic"
#: In the order of a first deployment, see shared/design.md section 3.
STACKS = (SHARED, EAST, WEST, TRAFFIC)
_REPLICAS = 'values.objects["Deployment/storefront"].spec.replicas'


@dataclass
class System:
    """The reference system, deployed."""

    engine: Engine
    east: LabRegion
    west: LabRegion

    def preview(self, stack: str) -> dict[str, dict[str, str]]:
        """What an update would do: by resource, the fields that change, each with what happens to it."""
        found: dict[str, dict[str, str]] = {}

        def event(each: auto.EngineEvent) -> None:
            if each.resource_pre_event and each.resource_pre_event.metadata.op.value != "same":
                metadata = each.resource_pre_event.metadata
                fields = metadata.detailed_diff or {}
                found[metadata.urn.rpartition("::")[2]] = {path: diff.diff_kind.value for path, diff in fields.items()}

        with self.engine.stack(stack) as opened:
            opened.preview(on_event=event)
        return found

    def up(self, stack: str) -> dict[str, int]:
        with self.engine.stack(stack) as opened:
            return dict(opened.up().summary.resource_changes or {})

    def change(self, old: str, new: str) -> None:
        """Edit stacks/region.py, in the copy that is deployed."""
        path = self.engine.project / "stacks" / "region.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old} has to stand in stacks/region.py once"
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    need(*REGION_TOOLS, "helm", "pulumi")
    folder = tmp_path_factory.mktemp("engine") / "reference"
    with (
        running(request, "us-east-1", ["us-east-1a", "us-east-1b", "us-east-1c"]) as east,
        running(request, "us-west-2", ["us-west-2a", "us-west-2b", "us-west-2c"]) as west,
    ):
        for region in (east, west):
            define(region)
        with Engine(folder, {"prod-use1": east.kubeconfig, "prod-usw2": west.kubeconfig}) as engine:
            found = System(engine, east, west)
            for stack in STACKS:
                found.up(stack)
            yield found


def test_each_region_runs_what_its_role_asks_for(system: System):
    assert len(system.east.ready_pods("shop", "storefront")) == 6, "active"
    assert len(system.west.pods("shop", "storefront")) == 2, "standby"
    assert len(system.east.ready_pods("shop", "warehouse")) >= 4 + 3, "API and worker, and the hook's pod until it goes"
    assert system.west.client.get("apps/v1", "Deployment", "warehouse-worker", "shop")["spec"]["replicas"] == 0
    assert system.west.client.find("batch/v1", "Job", "warehouse-migration", "shop") is None, "held back in a standby"
    assert system.east.client.get("batch/v1", "Job", "warehouse-migration", "shop")["status"]["succeeded"] == 1


@pytest.mark.parametrize("stack", STACKS)
def test_a_second_preview_and_a_refresh_find_nothing_to_do(system: System, stack: str):
    with system.engine.stack(stack) as opened:
        opened.preview(expect_no_changes=True)
        opened.refresh(expect_no_changes=True)
        opened.preview(expect_no_changes=True)


def test_a_changed_value_is_named_by_its_field_and_nothing_else_moves(system: System):
    before = _versions(system.east)
    try:
        system.change('"active": {"replicas": 6,', '"active": {"replicas": 7,')
        assert system.preview(EAST) == {"shop-storefront-release": {_REPLICAS: "update"}}
        assert system.up(EAST)["update"] == 1
        assert len(system.east.ready_pods("shop", "storefront")) == 7, "the update waited for them"
    finally:
        system.change('"active": {"replicas": 7,', '"active": {"replicas": 6,')
    moved = [key for key, version in _versions(system.east).items() if before[key] != version]
    assert moved == ["Deployment/storefront"]
    system.up(EAST)


def _versions(region: LabRegion) -> dict[str, object]:
    """What moves when an object's spec is written to: its generation, or any write where there is none."""
    kinds = [
        ("apps/v1", "Deployment"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("batch/v1", "CronJob"),
        ("policy/v1", "PodDisruptionBudget"),
    ]
    return {
        f"{kind}/{each['metadata']['name']}": each["metadata"].get("generation") or each["metadata"]["resourceVersion"]
        for api, kind in kinds
        for each in region.client.list(api, kind, "shop")
    }


def test_the_same_program_in_another_folder_finds_nothing_to_do(system: System, tmp_path: Path):
    here = system.engine.project
    elsewhere = tmp_path / "another" / "depth" / "checkout"
    shutil.copytree(here, elsewhere, ignore=shutil.ignore_patterns(".hakit"))
    system.engine.project = elsewhere
    try:
        with system.engine.stack(EAST) as opened:
            opened.preview(expect_no_changes=True)
    finally:
        system.engine.project = here


def test_a_secret_of_the_configuration_is_nowhere_in_the_state_in_the_clear(system: System):
    with system.engine.stack(EAST) as opened:
        key = opened.get_config("sessionKey").value
    stored = system.east.client.get("v1", "Secret", "storefront-session", "shop")["data"]["key"]
    files = [path for path in system.engine.state.rglob("*") if path.is_file()]
    assert len(files) >= len(STACKS)
    for path in files:
        text = path.read_bytes()
        assert key.encode() not in text, path
        assert stored.encode() not in text, path


def test_a_dead_region_stops_only_its_own_stack(system: System):
    alive = _seconds_for(system, WEST, TRAFFIC, SHARED)
    system.east.kill()
    try:
        dead = _seconds_for(system, WEST, TRAFFIC, SHARED)
        print(
            f"up of the others: {alive:.1f} s with both regions, {dead:.1f} s with one dead, {dead / alive:.2f} times"
        )
        assert dead < 4 * alive + 20, "nothing waits for the dead region"
        system.change('"tag": "2.4.1"', '"tag": "2.4.3"')
        assert system.up(WEST)["update"] == 1
        with pytest.raises(auto.CommandError) as refused:
            system.up(EAST)
        for said in ("configured Kubernetes cluster is unreachable", "Connection refused", f"hakit-reference-{EAST}"):
            assert said in str(refused.value)
    finally:
        system.change('"tag": "2.4.3"', '"tag": "2.4.1"')
        system.east.restore()
    assert system.preview(EAST) == {}, "the failed update left no trace in the state"
    system.up(WEST)


def _seconds_for(system: System, *stacks: str) -> float:
    """How long it takes to bring stacks up that are up."""
    started = time.monotonic()
    for stack in stacks:
        with system.engine.stack(stack) as opened:
            assert opened.up(expect_no_changes=True).summary.result == "succeeded"
    return time.monotonic() - started


def test_a_release_that_somebody_removed_is_found_by_a_refresh_and_made_again(system: System, tmp_path: Path):
    Helm(system.west.kubeconfig, tmp_path).run("uninstall", "storefront", "--namespace", "shop", "--wait")
    with system.engine.stack(WEST) as opened:
        opened.refresh()
    assert system.up(WEST)["create"] == 1
    system.west.wait_for("its pods", lambda: len(system.west.pods("shop", "storefront")), lambda count: count == 2)


def test_destroy_refuses_a_database_and_leaves_what_is_kept(system: System):
    """Last: it takes the regions down. The databases stay, with namespace and definitions, even when nothing is
    protected any more; Helm never removes a hook's own objects, so the migration's Job stays too."""
    for stack, region, jobs in ((EAST, system.east, ["warehouse-migration"]), (WEST, system.west, [])):
        databases = _found(region, "postgresql.cnpg.io/v1", "Cluster")
        definitions = _found(region, "apiextensions.k8s.io/v1", "CustomResourceDefinition")
        assert len(databases) == 1
        with system.engine.stack(stack) as opened:
            with pytest.raises(auto.CommandError, match="because it is protected"):
                opened.destroy()
            assert _found(region, "postgresql.cnpg.io/v1", "Cluster") == databases
            system.engine.run(opened, "state", "unprotect", "--all", "--yes", "--stack", stack)
            opened.destroy()
            assert opened.export_stack().deployment.get("resources", []) == []
        assert _found(region, "postgresql.cnpg.io/v1", "Cluster") == databases
        assert _found(region, "apiextensions.k8s.io/v1", "CustomResourceDefinition") == definitions
        assert region.client.find("v1", "Namespace", "shop") is not None
        assert _found(region, "batch/v1", "Job") == jobs
        for api, kind in (("apps/v1", "Deployment"), ("v1", "Service"), ("batch/v1", "CronJob")):
            assert _found(region, api, kind) == [], kind


def _found(region: LabRegion, api: str, kind: str) -> list[str]:
    """The names of a kind's objects in the system's namespace, or in the cluster when they have none."""
    return [each["metadata"]["name"] for each in region.client.list(api, kind, "shop")]
