"""The fence as it runs in a pod: the program out of its ConfigMap, with its service account's own token, against a real
API server. Here it is a process; `test_postgres_by_up` has its pods, with PostgreSQL and what fencing does to it.
"""

import functools
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hakit.fence.watch import FENCED, OURS
from hakit.fence.witness import dump
from hakit.plan import fence
from hakit.plan.arguments import Arguments
from hakit.topology import Witness, load
from lab.harness import Client, LabRegion
from lab.harness.client import Object, RefusedError
from lab.harness.tools import ROOT
from tests.lab.fence_program import CLUSTERS, SECONDS, Running, Store, annotations, api, serving, token

pytestmark = pytest.mark.lab

TOPOLOGY = load(ROOT / "stacks" / "topology.prod.yaml")
PAIR = TOPOLOGY.pair("shop").model_copy(update={"witness": ("https://witness.example.com/shop.json",)})
IMAGE = "registry.example/python@sha256:" + "a" * 64
#: Turns that follow each other faster than in a pod.
quick = functools.partial(Running, every=0.5, timeout=2)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with serving("127.0.0.1") as found:
        yield found


@pytest.fixture(scope="module")
def shop(region: LabRegion) -> LabRegion:
    """A region with CloudNativePG's definition and the fence's objects; without its operator, nobody else writes."""
    region.apply(definitions())
    region.namespace("shop")
    given = Arguments({"image": IMAGE}, "test", fence.ARGUMENTS, "fence")
    spec = fence.specify(given, TOPOLOGY, PAIR, "us-east-1")
    region.wait_for("the definition of Clusters", lambda: knows_clusters(region.client))
    region.apply(fence.objects(spec, TOPOLOGY, PAIR, "us-east-1", "shop"), "shop")
    return region


def knows_clusters(client: Client) -> bool:
    try:
        client.path(*CLUSTERS)
    except LookupError:
        return False
    return True


def definitions() -> list[Object]:
    asked = ["go", "mod", "download", "-json", "github.com/cloudnative-pg/cloudnative-pg@v1.30.0"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd="/")
    folder = Path(json.loads(done.stdout)["Dir"]) / "config" / "crd" / "bases"
    return [yaml.safe_load((folder / "postgresql.cnpg.io_clusters.yaml").read_text())]


def cluster(name: str, *, primary: str, epoch: int, **annotations: str) -> Object:
    return {
        "apiVersion": CLUSTERS[0],
        "kind": CLUSTERS[1],
        "metadata": {"name": name, "annotations": {"hakit/epoch": str(epoch), **annotations}},
        "spec": {
            "instances": 3,
            "storage": {"size": "1Gi"},
            "replica": {"primary": primary, "self": f"{name}-us-east-1", "source": "orders-g1-us-west-2"},
        },
    }


EAST, WEST = "orders-g1-us-east-1", "orders-g1-us-west-2"


@pytest.fixture
def clusters(shop: LabRegion, store: Store) -> Iterator[LabRegion]:
    store.content = None
    yield shop
    for each in shop.client.list(*CLUSTERS, "shop"):
        shop.client.delete(*CLUSTERS, each["metadata"]["name"], "shop")
    path = shop.client.path("v1", "ConfigMap", "shop-fence-memory", "shop")
    shop.client.request("PATCH", path, json={"data": None}, headers={"Content-Type": "application/merge-patch+json"})


def test_a_primary_that_was_overtaken_is_fenced_within_the_seconds_that_are_promised(
    clusters: LabRegion, store: Store, tmp_path: Path
) -> None:
    """The region was cut, us-west-2 was promoted, and the link comes back: the witness can be read again."""
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
    with quick(clusters, tmp_path, [store.url]) as running:
        running.turns(2)
        assert annotations(clusters, "orders-g1") == {}, "no witness can be read: nothing is done by one"
        store.content = dump({"orders": Witness(1, "us-west-2", 1)})
        began = time.monotonic()
        clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g1"), seconds=SECONDS)
        took = time.monotonic() - began
        assert annotations(clusters, "orders-g1") == {FENCED: '["*"]', OURS: "true"}
        print(f"fenced {took:.1f} s after the witness could be read")
        # the new list arrives: the copy follows the new primary, and a replica must replay
        clusters.apply([cluster("orders-g1", primary=WEST, epoch=10)], "shop")
        clusters.wait_for("the fence is lifted", lambda: annotations(clusters, "orders-g1"), lambda left: left == {})
    fenced = [each for each in running.said() if each["what"] == "fence"]
    assert [each["why"] for each in fenced] == ["the witness names us-west-2, incarnation 1 since entry 1"]


def test_the_copy_that_the_witness_names_is_left_alone(clusters: LabRegion, store: Store, tmp_path: Path) -> None:
    store.content = dump({"orders": Witness(1, "us-east-1", 1)})
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
    with quick(clusters, tmp_path, [store.url]) as running:
        running.turns(3)
    assert annotations(clusters, "orders-g1") == {}


def test_a_fence_that_a_person_set_is_never_lifted(clusters: LabRegion, store: Store, tmp_path: Path) -> None:
    store.content = dump({"orders": Witness(1, "us-east-1", 1)})
    by_hand = {FENCED: '["orders-g1-2"]'}
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=10, **by_hand)], "shop")
    with quick(clusters, tmp_path, [store.url]) as running:
        running.turns(3)
    assert annotations(clusters, "orders-g1") == by_hand


def test_after_the_operator_lifted_a_fence_one_that_a_person_sets_stays(
    clusters: LabRegion, store: Store, tmp_path: Path
) -> None:
    """A demotion by CloudNativePG takes its own annotation away, and leaves the mark beside it."""
    store.content = dump({"orders": Witness(1, "us-west-2", 1)})
    clusters.apply([cluster("orders-g1", primary=WEST, epoch=10, **{OURS: "true"})], "shop")
    with quick(clusters, tmp_path, [store.url]) as running:
        clusters.wait_for("the mark is gone", lambda: annotations(clusters, "orders-g1"), lambda left: left == {})
        by_hand = {FENCED: '["*"]'}
        clusters.client.merge(*CLUSTERS, "orders-g1", {"metadata": {"annotations": by_hand}}, namespace="shop")
        running.turns(3)
    assert annotations(clusters, "orders-g1") == by_hand


def test_a_lower_witness_never_unfences_not_even_after_a_restart(
    clusters: LabRegion, store: Store, tmp_path: Path
) -> None:
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=20)], "shop")
    store.content = dump({"orders": Witness(3, "us-west-2", 1)})
    with quick(clusters, tmp_path, [store.url]) as running:
        clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g1"))
    store.content = dump({"orders": Witness(2, "us-east-1", 1)})
    with quick(clusters, tmp_path, [store.url]) as running:
        running.turns(3)
    assert FENCED in annotations(clusters, "orders-g1")


def test_what_one_pod_remembers_the_other_never_lowers(clusters: LabRegion, store: Store, tmp_path: Path) -> None:
    """Two pods, and two places, of which the other one is behind: it has not been written yet, or not copied."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=10)], "shop")
    store.content = dump({"orders": Witness(1, "us-east-1", 1)})
    with serving("127.0.0.1") as behind:
        behind.content = store.content
        with quick(clusters, folders[0], [store.url]) as ahead, quick(clusters, folders[1], [behind.url]) as other:
            ahead.turns(2)
            other.turns(2)
            store.content = dump({"orders": Witness(3, "us-west-2", 1)})
            clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g1"))
            behind.content = dump({"orders": Witness(2, "us-east-1", 1)})
            ahead.turns(3)
            other.turns(3)
    assert FENCED in annotations(clusters, "orders-g1"), "unfenced by an older entry"
    memory = clusters.client.get("v1", "ConfigMap", "shop-fence-memory", "shop")["data"]["witness"]
    assert json.loads(memory)["orders"]["entry"] == 3
    assert not [each for each in other.said() if each["what"] == "unfence"]


def test_of_two_stores_one_is_enough(clusters: LabRegion, store: Store, tmp_path: Path) -> None:
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
    store.content = dump({"orders": Witness(1, "us-west-2", 1)})
    nobody = "http://127.0.0.1:1/shop.json"
    with quick(clusters, tmp_path, [nobody, store.url]):
        clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g1"))


def test_out_of_reach_for_the_stated_time_it_fences_what_is_primary_and_nothing_else(
    clusters: LabRegion, store: Store, tmp_path: Path
) -> None:
    clusters.apply([cluster("orders-g2", primary="orders-g2-us-east-1", epoch=0)], "shop")
    clusters.apply([cluster("orders-g1", primary=WEST, epoch=0)], "shop")
    with quick(clusters, tmp_path, [store.url], unreachable_after=2):
        clusters.wait_for("the fence", lambda: annotations(clusters, "orders-g2"))
        assert annotations(clusters, "orders-g1") == {}, "a replica must replay"
        store.content = dump({"orders": Witness(1, "us-east-1", 2)})
        clusters.wait_for("it is lifted", lambda: annotations(clusters, "orders-g2"), lambda left: left == {})


#: As `kubectl auth can-i <verb> <resource>/<name> --namespace <namespace>` asks it of the fence's own account.
CAN_I = [
    ("list", "postgresql.cnpg.io", "clusters", "", "shop", True),
    ("patch", "postgresql.cnpg.io", "clusters", "orders-g1", "shop", True),
    ("get", "", "configmaps", "shop-fence-memory", "shop", True),
    ("patch", "", "configmaps", "shop-fence-memory", "shop", True),
    # All that could undo a fence, move a role, lose data, read a secret or widen these rights.
    ("list", "postgresql.cnpg.io", "clusters", "", "default", False),
    ("patch", "postgresql.cnpg.io", "clusters", "orders-g1", "default", False),
    ("create", "postgresql.cnpg.io", "clusters", "", "shop", False),
    ("update", "postgresql.cnpg.io", "clusters", "orders-g1", "shop", False),
    ("delete", "postgresql.cnpg.io", "clusters", "orders-g1", "shop", False),
    ("patch", "postgresql.cnpg.io", "clusters/status", "orders-g1", "shop", False),
    ("get", "", "secrets", "orders-app", "shop", False),
    ("list", "", "secrets", "", "shop", False),
    ("get", "", "configmaps", "shop-fence-settings", "shop", False),
    ("patch", "", "configmaps", "shop-fence-code", "shop", False),
    ("list", "", "configmaps", "", "shop", False),
    ("patch", "", "configmaps", "epoch.shop.orders", "hakit-system", False),
    ("create", "", "pods", "", "shop", False),
    ("create", "", "pods/exec", "orders-g1-1", "shop", False),
    ("delete", "", "persistentvolumeclaims", "orders-g1-1", "shop", False),
    ("patch", "rbac.authorization.k8s.io", "roles", "shop-fence", "shop", False),
    ("create", "rbac.authorization.k8s.io", "rolebindings", "", "shop", False),
    ("create", "", "serviceaccounts/token", "default", "shop", False),
    ("delete", "admissionregistration.k8s.io", "validatingadmissionpolicies", "", "", False),
]


def test_what_its_account_can_do_and_cannot(shop: LabRegion) -> None:
    server, authority = api(shop)
    own = Client(server, token(shop.client), authority)

    def asked(verb: str, group: str, resource: str, name: str, namespace: str) -> bool:
        kind, _, part = resource.partition("/")
        attributes = {"verb": verb, "group": group, "resource": kind, "name": name, "namespace": namespace}
        attributes |= {"subresource": part} if part else {}
        return _review(own, "SelfSubjectAccessReview", {"resourceAttributes": attributes})["allowed"]

    try:
        assert [(*each, asked(*each)) for *each, _ in CAN_I] == CAN_I
        # The whole list, but for what every account may ask about itself (system:basic-user).
        rules = _review(own, "SelfSubjectRulesReview", {"namespace": "shop"})["resourceRules"]
    finally:
        own.close()
    others = [each for each in rules if each["verbs"] != ["create"]]
    assert sorted((each["resources"], each.get("resourceNames"), each["verbs"]) for each in others) == [
        (["clusters"], None, ["list", "patch"]),
        (["configmaps"], ["shop-fence-memory"], ["get", "patch"]),
    ]
    about_itself = {name for each in rules if each not in others for name in each["resources"]}
    assert about_itself == {"selfsubjectaccessreviews", "selfsubjectreviews", "selfsubjectrulesreviews"}


def _review(own: Client, kind: str, spec: Object) -> Object:
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "metadata": {}, "spec": spec}
    return own.create(review)["status"]


def test_its_rights_reach_no_further_than_two_annotations(clusters: LabRegion) -> None:
    clusters.apply([cluster("orders-g1", primary=EAST, epoch=0)], "shop")
    server, authority = api(clusters)
    own = Client(server, token(clusters.client), authority)
    try:
        own.merge(*CLUSTERS, "orders-g1", {"metadata": {"annotations": {FENCED: '["*"]'}}}, namespace="shop")
        for patch, words in (
            ({"spec": {"replica": {"primary": WEST}}}, "the fence may not change a Cluster's spec"),
            ({"metadata": {"annotations": {"hakit/epoch": "90"}}}, "the fence may change the annotations"),
            ({"metadata": {"annotations": {"hakit/epoch": None}}}, "the fence may change the annotations"),
            ({"metadata": {"labels": {"a": "b"}}}, "the fence may not change labels, finalizers or owners"),
            ({"metadata": {"finalizers": ["a/b"]}}, "the fence may not change labels, finalizers or owners"),
        ):
            with pytest.raises(RefusedError, match=words):
                own.merge(*CLUSTERS, "orders-g1", patch, namespace="shop")
        for refused in (
            lambda: own.delete(*CLUSTERS, "orders-g1", "shop"),
            lambda: own.list("v1", "Secret", "shop"),
            lambda: own.list("v1", "ConfigMap", "shop"),
            lambda: own.get("v1", "ConfigMap", "shop-fence-settings", "shop"),
            lambda: own.list(*CLUSTERS, "default"),
        ):
            with pytest.raises(RefusedError) as raised:
                refused()
            assert raised.value.status == 403
    finally:
        own.close()
