"""One program with two stacks, run once: text, JSON, manifests, totals. Expected values are worked out by hand."""

import pytest

from tests.unit.preview.conftest import Project, Ran, write_project

PROGRAM = """
import pulumi
from hakit.findings import AppReport, Finding, report, settle

class Thing(pulumi.CustomResource):
    def __init__(self, token, name, props, opts=None):
        super().__init__(token, name, props, opts)

class ZonalApp(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("hakit:index:ZonalApp", name, None, opts)
        below = pulumi.ResourceOptions(parent=self, protect=True)
        Thing("kubernetes:helm.sh/v3:Release", name, {"namespace": "shop", "values": {"objects": OBJECTS}}, below)
        self.register_outputs({"region": "us-east-1", "role": "active"})

def container(cpu, memory, **more):
    return {"name": "app", "resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}

def pods(*containers, init=()):
    return {"template": {"spec": {"containers": list(containers), "initContainers": list(init)}}}

OBJECTS = {
    "Deployment/web": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                       "spec": {"replicas": 6, **pods(container("250m", "256Mi"))}},
    "Deployment/api": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
                       "spec": pods(container("100m", "64Mi"), init=[container("500m", "32Mi")])},
    "HorizontalPodAutoscaler/api": {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api"},
        "spec": {"minReplicas": 2, "maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "api"}}},
    "CronJob/clean": {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "clean"},
        "spec": {"jobTemplate": {"spec": pods(container("1", "1Gi"))}}},
    "ClusterRole/shop:web": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "shop:web"}, "rules": []},
}

class Audited(ZonalApp):
    pass

if pulumi.get_stack() == "app":
    Audited("storefront")
    found = [Finding("HK003", "values", "topologySpreadConstraints", "the chart ignores this value"),
             Finding("HK025", "Deployment/web", "spec", "no probe")]
    mended = [Finding("HK026", "PodDisruptionBudget/web", "spec", "blocks drains")]
    settled = settle(found, {"HK025": "the mesh probes it"}, "here")
    report(AppReport("storefront", "us-east-1", "active", settled, mended, "6 replicas, 4 must serve"))
    Thing("kubernetes:helm.sh/v3:Release", "redis", {"chart": "redis", "version": "1.2.3"})
    Thing("aws:s3/bucket:Bucket", "backups", {"acl": "private"}, pulumi.ResourceOptions(retain_on_delete=True))
else:
    Thing("kubernetes:core/v1:Namespace", "shop",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    Thing("kubernetes:apps/v1:StatefulSet", "db", {"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"replicas": 3, **pods(container("1", "1Gi")),
                 "volumeClaimTemplates": [{"spec": {"resources": {"requests": {"storage": "10Gi"}}}}]}})
    Thing("kubernetes:apps/v1:DaemonSet", "agent", {"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "shop"}, "spec": pods(container("50m", "32Mi"))})
    pulumi.export("namespace", "shop")
    print("hello")
"""

#: One region: nothing stands by, and no topology says what is reserved.
NO_FAILOVER = {
    "failover_pods": 0,
    "failover_cpu": "0",
    "failover_memory": "0",
    "reserved_cpu": "0",
    "reserved_memory": "0",
}
# 6 web pods of 250m and 256Mi; 2 api pods (the autoscaler's least) of max(100m, 500m) and max(64Mi, 32Mi).
APP = {"region": "us-east-1", "role": "active", "pods": 8, "cpu": "2500m", "memory": "1664Mi", "storage": "0"}
APP |= {"per_node_cpu": "0", "per_node_memory": "0", "jobs_cpu": "1", "jobs_memory": "1Gi", "unknown": []}
APP |= NO_FAILOVER
BASE = {"region": "-", "role": "-", "pods": 3, "cpu": "3", "memory": "3Gi", "storage": "30Gi"}
BASE |= {
    "per_node_cpu": "50m",
    "per_node_memory": "32Mi",
    "jobs_cpu": "0",
    "jobs_memory": "0",
    "unknown": [],
} | NO_FAILOVER

TEXT = """\
app  4 resources, 5 objects
  ├─ aws:s3:Bucket backups  [retain]
  ├─ hakit:ZonalApp storefront  us-east-1 · active
  │  └─ kubernetes:helm.sh/v3:Release storefront  (5 objects)  [protect]
  │     ├─ ClusterRole shop:web
  │     ├─ CronJob shop/clean
  │     ├─ Deployment shop/api  2-9 replicas (autoscaler)
  │     ├─ Deployment shop/web  6 replicas
  │     └─ HorizontalPodAutoscaler shop/api
  └─ kubernetes:helm.sh/v3:Release redis  (chart redis 1.2.3, not rendered)

  Findings of storefront · us-east-1 · active: 1 error, 0 warnings, 1 accepted, 1 mended
    refused: pulumi up stops here, before anything of it is registered
    6 replicas, 4 must serve
    HK003 error   topologySpreadConstraints: the chart ignores this value
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return write_project(tmp_path_factory.mktemp("shop"), PROGRAM, ("app", "base"))


@pytest.fixture(scope="module")
def text(shop: Project) -> Ran:
    return shop.preview("--out", "out")


@pytest.fixture(scope="module")
def json_ran(shop: Project) -> Ran:
    return shop.preview("--format", "json")


def test_an_open_error_finding_gives_exit_code_1(text: Ran):
    assert text.code == 1, text.err


def test_the_text_shows_the_tree_the_objects_and_the_findings(text: Ran):
    assert text.out.startswith(TEXT), text.out


def test_piped_text_has_no_colour_and_fits_a_hundred_columns(text: Ran):
    assert "\x1b" not in text.out
    assert max(len(line) for line in text.out.splitlines()) <= 100


def test_the_text_ends_with_the_table_of_all_stacks(text: Ran):
    table = """\
Requested by all stacks
region     role    pods  cpu  memory  storage  cpu/node  memory/node  jobs cpu  jobs memory
-          -          3    3     3Gi     30Gi      0.05         32Mi         0            0
us-east-1  active     8  2.5  1.63Gi        0         0            0         1          1Gi
all                  11  5.5  4.63Gi     30Gi      0.05         32Mi         1          1Gi

shop: 2 stacks, 1 error, 0 warnings, 1 accepted, 1 mended; errors in: app
"""
    assert text.out.endswith(table), text.out


def test_without_a_terminal_progress_is_one_line_a_stack(text: Ran):
    lines = sorted(text.err.splitlines())
    assert [line.split(":")[0] for line in lines] == ["app", "base", "out"]


def test_totals_are_those_worked_out_by_hand(json_ran: Ran):
    assert json_ran.stack("app")["totals"] == [APP]
    assert json_ran.stack("base")["totals"] == [BASE]
    assert json_ran.document["totals"] == [BASE, APP], "regions in order"


def test_the_json_document_has_its_documented_keys(json_ran: Ran):
    document = json_ran.document
    assert list(document) == ["version", "project", "stacks", "totals"]
    assert list(json_ran.stack("base")) == [
        "stack", "status", "error", "resources", "findings", "exports", "secret_config", "notes", "output", "totals",
    ]  # fmt: skip
    assert (document["version"], document["project"]) == (1, "shop")
    assert json_ran.stack("base")["output"] == ["hello"], "the program's own print is not in the JSON around it"
    assert json_ran.stack("base")["exports"] == {"namespace": "shop"}


def test_findings_keep_their_reasons_in_the_json(json_ran: Ran):
    (report,) = json_ran.stack("app")["findings"]
    assert [finding["code"] for finding in report["open"]] == ["HK003"]
    assert [(finding["code"], finding["accepted"]) for finding in report["accepted"]] == [
        ("HK025", "the mesh probes it")
    ]
    assert [finding["code"] for finding in report["mended"]] == ["HK026"]


def test_a_release_shows_its_objects_once(json_ran: Ran):
    release = next(one for one in json_ran.stack("app")["resources"] if one["name"] == "storefront" and one["custom"])
    assert [one["kind"] for one in release["objects"]].count("Deployment") == 2
    assert release["inputs"]["values"] == {"objects": "[shown as objects]"}


def test_replicas_of_an_autoscaled_workload_are_its_least(json_ran: Ran):
    objects = [one for resource in json_ran.stack("app")["resources"] for one in resource["objects"]]
    replicas = {one["name"]: one["replicas"] for one in objects if one["kind"] == "Deployment"}
    assert replicas == {"api": 2, "web": 6}


def test_manifests_are_one_file_an_object(text: Ran, shop: Project):
    files = sorted(str(path.relative_to(shop.root / "out")) for path in (shop.root / "out").rglob("*.yaml"))
    assert files == [
        "app/_cluster/ClusterRole-shop_web.yaml",
        "app/shop/CronJob-clean.yaml",
        "app/shop/Deployment-api.yaml",
        "app/shop/Deployment-web.yaml",
        "app/shop/HorizontalPodAutoscaler-api.yaml",
        "base/_cluster/Namespace-shop.yaml",
        "base/shop/DaemonSet-agent.yaml",
        "base/shop/StatefulSet-db.yaml",
    ]
    scaler = (shop.root / "out/app/shop/HorizontalPodAutoscaler-api.yaml").read_text()
    assert "metadata:\n  name: api\n  namespace: shop\nspec:\n" in scaler, "its release is in that namespace"
    role = (shop.root / "out/app/_cluster/ClusterRole-shop_web.yaml").read_text()
    assert "metadata:\n  name: shop:web\nrules: []\n" in role
    namespace = (shop.root / "out/base/_cluster/Namespace-shop.yaml").read_text()
    assert namespace == "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"


def test_writing_twice_gives_the_same_bytes(text: Ran, shop: Project):
    def contents() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in (shop.root / "out").rglob("*") if path.is_file()}

    before = contents()
    again = shop.preview("--out", "out", "--stack", "app", "--stack", "base")
    assert again.code == 1, again.err
    assert again.out == text.out
    assert contents() == before


def test_a_folder_with_a_foreign_file_is_left_alone(shop: Project):
    foreign = shop.root / "mine"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("keep me")
    ran = shop.preview("--out", "mine")
    assert ran.code == 2
    assert "files that hakit did not write, notes.txt for one" in ran.err
    assert [path.name for path in foreign.iterdir()] == ["notes.txt"]


def test_an_unknown_stack_is_told_with_the_nearest_name(shop: Project):
    ran = shop.preview("--stack", "bas")
    assert ran.code == 2
    assert "no stack is called 'bas'" in ran.err
    assert "did you mean 'base'?" in ran.err
    assert "Traceback" not in ran.err


def test_one_stack_alone_can_be_shown(shop: Project):
    ran = shop.preview("--stack", "base", "--format", "json")
    assert ran.code == 0, "the findings are in the other stack"
    assert [stack["stack"] for stack in ran.document["stacks"]] == ["base"]
