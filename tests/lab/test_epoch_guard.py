"""The epoch guard on a real API server: what RegionBase and PostgresCluster emit, applied as Pulumi does.

What this does not prove: that the operator goes on working under it (tests/lab/test_postgres_admission has the real
webhook), and what happens while the binding of a new pair is seconds old.
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from hakit.plan import guard, postgres, region_base
from hakit.plan.postgres_restore import SOURCE
from lab.harness import LabRegion, RefusedError
from lab.harness.tools import REGION_TOOLS
from tests.lab.conftest import need, running
from tests.lab.definitions import FILES, define
from tests.unit.postgres.given import FAILOVER, PLANNED, REBUILD, SETTLED, TOKEN, spec, topology

pytestmark = pytest.mark.lab

Manifest = dict[str, Any]
NAMESPACE = "shop"


@pytest.fixture(scope="module")
def guarded(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    """A region with the definitions, and with what RegionBase brings before the first handover."""
    need(*REGION_TOOLS, *FILES)
    with running(request, "guard", ["a"], hosts=1) as region:
        define(region)
        region.apply(base(), manager="hakit")
        region.wait_for("the guard", lambda: refuses(region, probe()))
        yield region


def base(*entries: Manifest, scope: str = "a") -> list[Manifest]:
    args = {"topology": "topology.yaml", "scope": scope, "namespaces": {NAMESPACE: {}}}
    return list(region_base.plan(region_base.specify("base", args, topology(*entries))).values())


def record(*entries: Manifest, scope: str = "a") -> Manifest:
    return next(each for each in base(*entries, scope=scope) if each["kind"] == "ConfigMap")


def clusters(scope: str, *entries: Manifest) -> dict[str, Manifest]:
    planned = postgres.plan(spec(scope, *entries))
    return {each.key: each.manifest for each in planned}


def cluster(scope: str, *entries: Manifest, incarnation: int = 1) -> Manifest:
    return clusters(scope, *entries)[f"cluster-g{incarnation}"]


def probe() -> Manifest:
    """A Cluster of the pair without an epoch."""
    made = cluster("a")
    del made["metadata"]["annotations"]["hakit/epoch"]
    made["metadata"]["name"] = "probe"
    return made


def refuses(region: LabRegion, manifest: Manifest) -> str:
    """The server's words when it refuses; nothing when it would accept."""
    try:
        region.client.apply(manifest, NAMESPACE, manager="hakit", force=True, dry=True)
    except RefusedError as error:
        if (error.status, error.reason) != (422, "Invalid"):
            raise
        return error.message
    return ""


def put(region: LabRegion, *manifests: Manifest) -> None:
    for each in manifests:
        region.client.apply(each, NAMESPACE, manager="hakit", force=True)


@pytest.fixture
def emptied(guarded: LabRegion) -> Iterator[LabRegion]:
    """The region as before the first handover, without a Cluster."""
    yield guarded
    client = guarded.client
    binding = "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"
    client.delete(*binding, "hakit-records")
    for each in client.list("postgresql.cnpg.io/v1", "Cluster", NAMESPACE):
        client.delete("postgresql.cnpg.io/v1", "Cluster", each["metadata"]["name"], NAMESPACE)

    def forgotten() -> bool:
        for each in client.list("v1", "ConfigMap", guard.NAMESPACE, {"hakit/pair": "shop"}):
            try:
                client.delete("v1", "ConfigMap", each["metadata"]["name"], guard.NAMESPACE)
            except RefusedError as error:
                if error.status != 404:
                    return False  # the policy is still in force for a moment
        return True

    guarded.wait_for("the records gone", forgotten)
    guarded.apply(base(), manager="hakit")
    guarded.wait_for("the guard again", lambda: refuses(guarded, probe()))
    guarded.wait_for("the records guarded", lambda: refuses(guarded, lowered(record())))


def lowered(manifest: Manifest) -> Manifest:
    made = copy.deepcopy(manifest)
    made["data"] = {}
    return made


def test_an_older_topology_does_not_change_a_cluster(emptied: LabRegion) -> None:
    put(emptied, cluster("a"), cluster("a", PLANNED))
    told = refuses(emptied, cluster("a"))
    assert "epoch 0 is older than 10, which this Cluster has: this topology is out of date" in told
    assert refuses(emptied, cluster("a", PLANNED)) == "", "the same again"
    assert refuses(emptied, cluster("a", TOKEN)) == "", "a newer one"


def test_a_step_of_one_entry_counts_as_well(emptied: LabRegion) -> None:
    put(emptied, cluster("a"), cluster("a", SETTLED))
    assert "epoch 11 is older than 12" in refuses(emptied, cluster("a", TOKEN))


def test_the_region_remembers_what_its_clusters_have_not_seen(emptied: LabRegion) -> None:
    put(emptied, cluster("a"), record(FAILOVER))
    told = refuses(emptied, cluster("a") | {"spec": cluster("a", PLANNED)["spec"]})
    assert "epoch 0 is older than 10, which this region has seen: this topology is out of date" in told
    assert refuses(emptied, cluster("a", FAILOVER)) == ""


def test_what_the_operator_and_the_fence_write_passes_while_the_record_is_ahead(emptied: LabRegion) -> None:
    put(emptied, cluster("a"), record(FAILOVER))
    fence = {"metadata": {"annotations": {"cnpg.io/fencedInstances": '["*"]'}}}
    fenced = emptied.client.merge("postgresql.cnpg.io/v1", "Cluster", "orders-g1", fence, namespace=NAMESPACE)
    assert fenced["metadata"]["annotations"]["cnpg.io/fencedInstances"] == '["*"]'


def test_a_missing_cluster_is_not_created_by_an_older_topology(emptied: LabRegion) -> None:
    put(emptied, record(FAILOVER))
    told = refuses(emptied, cluster("a"))
    assert "epoch 0 is older than 10, which this region has seen" in told


def test_an_empty_database_is_created_only_before_the_first_handover(emptied: LabRegion) -> None:
    assert refuses(emptied, cluster("a")) == "", "the first one"
    late = cluster("a", SETTLED, {"kind": "planned", "to": "a", "tokens": {"orders": "T2"}, "settled": True})
    assert list(late["spec"]["bootstrap"]) == ["initdb"], "the founded copy's manifest says it for good"
    put(emptied, record(SETTLED))
    assert "an empty database is created only before the first handover" in refuses(emptied, late)


def restored() -> Manifest:
    """The founded copy out of a backup."""
    made = cluster("a")
    application = made["spec"]["bootstrap"].pop("initdb")
    source = {"source": SOURCE, "recoveryTarget": {"targetTime": "2026-01-02T12:00:00Z"}}
    made["spec"]["bootstrap"]["recovery"] = {key: application[key] for key in ("database", "owner")} | source
    return made


def test_a_restored_database_is_created_as_an_empty_one_is(emptied: LabRegion) -> None:
    assert refuses(emptied, restored()) == ""
    from_the_peer = restored()
    from_the_peer["spec"]["bootstrap"]["recovery"]["source"] = "orders-g1-b"
    assert "never created as a primary" in refuses(emptied, from_the_peer), "that one is the pair's own, and missing"
    put(emptied, clusters("a")["created"])
    assert "was created here before" in refuses(emptied, restored()), "once"


def test_a_database_is_restored_only_before_the_first_handover(emptied: LabRegion) -> None:
    """Without a record of its creation: another policy refuses that one, and the server says either's reason."""
    late = restored()
    late["metadata"]["annotations"]["hakit/epoch"] = "12"
    put(emptied, record(SETTLED))
    assert "only before the first handover, and so is a restored one" in refuses(emptied, late)


def test_a_missing_copy_is_never_created_as_a_primary(emptied: LabRegion) -> None:
    assert "never created as a primary" in refuses(emptied, cluster("b", FAILOVER))
    assert refuses(emptied, cluster("c", FAILOVER)) == "", "a follower may be"


def test_a_kept_copy_is_never_created(emptied: LabRegion) -> None:
    told = refuses(emptied, cluster("a", FAILOVER, REBUILD, incarnation=1))
    assert "a kept copy that is missing is never created: take it out of the program" in told
    assert refuses(emptied, cluster("a", FAILOVER, REBUILD, incarnation=2)) == "", "the new copy is"


def test_an_incarnation_is_created_once(emptied: LabRegion) -> None:
    made = clusters("a")
    put(emptied, made["cluster-g1"], made["created"])
    emptied.client.delete("postgresql.cnpg.io/v1", "Cluster", "orders-g1", NAMESPACE)
    told = refuses(emptied, made["cluster-g1"])
    assert "incarnation 1 was created here before, and its archive has its name" in told
    assert "rebuild it under a number above 1" in told
    assert refuses(emptied, cluster("a", FAILOVER, REBUILD, incarnation=2)) == ""


def test_taking_the_labels_away_takes_no_guard_away(emptied: LabRegion) -> None:
    put(emptied, cluster("a"))
    bare = cluster("a")
    bare["metadata"]["labels"] = {}
    assert "keeps its labels" in refuses(emptied, bare)
    other = cluster("a")
    other["metadata"]["labels"]["hakit/database"] = "users"
    assert "keeps its labels" in refuses(emptied, other)


@pytest.mark.parametrize("wrong", ["", "ten", "-1", "1.5"])
def test_a_cluster_of_a_pair_without_a_number_for_an_epoch_is_refused(emptied: LabRegion, wrong: str) -> None:
    made = cluster("a")
    made["metadata"]["annotations"]["hakit/epoch"] = wrong
    assert "carries its epoch: annotation hakit/epoch" in refuses(emptied, made)


def test_without_a_record_nothing_of_the_pair_is_let_through(emptied: LabRegion) -> None:
    other = topology()
    unknown = copy.deepcopy(cluster("a"))
    unknown["metadata"]["labels"]["hakit/pair"] = "other"
    binding = guard.bindings("other")[0]
    put(emptied, binding)

    def told() -> str:
        try:
            emptied.client.apply(unknown, NAMESPACE, manager="hakit", force=True, dry=True)
        except RefusedError as error:
            return error.message
        return ""

    try:
        assert "hakit-epoch" in emptied.wait_for("the other pair's guard", told)
    finally:
        emptied.client.delete(binding["apiVersion"], binding["kind"], binding["metadata"]["name"])
    assert "other" not in other.pairs


def test_clusters_that_belong_to_no_pair_are_nobodys_business(emptied: LabRegion) -> None:
    elsewhere = cluster("a")
    elsewhere["metadata"] = {"name": "restored", "namespace": NAMESPACE}
    assert refuses(emptied, elsewhere) == "", "a restore into a disposable cluster"


# The records


def test_a_record_is_never_lowered(emptied: LabRegion) -> None:
    put(emptied, record(SETTLED))
    told = refuses(emptied, record(PLANNED))
    assert "a record is never lowered, and this one says 12: this topology is out of date" in told
    assert refuses(emptied, record(SETTLED)) == ""
    assert refuses(emptied, record(SETTLED, FAILOVER)) == ""


def test_a_record_is_neither_emptied_nor_renamed(emptied: LabRegion) -> None:
    assert "keeps its labels and its one key" in refuses(emptied, lowered(record()))
    foreign = record()
    foreign["metadata"]["labels"]["hakit/database"] = "users"
    assert "keeps its labels and its one key" in refuses(emptied, foreign)


def test_a_record_is_never_deleted_and_the_refusal_says_what_to_do(emptied: LabRegion) -> None:
    with pytest.raises(RefusedError, match="to give a region up, delete the binding hakit-records first"):
        emptied.client.delete("v1", "ConfigMap", "epoch.shop.orders", guard.NAMESPACE)


def test_other_configmaps_are_nobodys_business(emptied: LabRegion) -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"number": "9"}}
    put(emptied, other, other | {"data": {"number": "1"}})
    emptied.client.delete("v1", "ConfigMap", "x", NAMESPACE)


def test_what_was_created_is_not_lowered_by_a_kept_copy_that_counts_again(emptied: LabRegion) -> None:
    put(emptied, clusters("a", FAILOVER, REBUILD)["created"])
    opened = clusters("a", FAILOVER, REBUILD, {**FAILOVER, "to": "a", "incarnation": 1})["created"]
    assert refuses(emptied, opened) == ""
    assert "never lowered, and this one says 2" in refuses(emptied, clusters("a")["created"])


def test_what_the_server_thinks_of_the_rules(emptied: LabRegion) -> None:
    """The server checks the types of the expressions against the real kinds, and says so in the status."""
    for policy in guard.policies():
        name = policy["metadata"]["name"]
        found = emptied.wait_for(
            f"the type check of {name}",
            lambda name=name: emptied.client.get(
                "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", name
            ).get("status"),
        )
        assert found.get("typeChecking", {}).get("expressionWarnings", []) == [], name
