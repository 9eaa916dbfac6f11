"""Every object that the components of other data stores emit, before the real definitions of their operators.

Server-side apply with strict validation: a field that the definition does not have is an error, never dropped. What
this does not prove: that the operators' webhooks take them, and that a database comes of it.
"""

import copy
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from hakit.plan import guard, rclone, region_base
from hakit.topology.copies import EPOCH
from lab.harness import LabRegion, RefusedError
from lab.harness.tools import REGION_TOOLS
from tests.lab.conftest import need, running
from tests.lab.definitions import STORES, define
from tests.unit.postgres.given import FAILOVER, PLANNED, REBUILD, SETTLED, TOKEN, topology
from tests.unit.stores.given import ALONE, mariadb_objects, rclone_spec, redis_objects

pytestmark = pytest.mark.lab

Manifest = dict[str, Any]
#: Fields of the multi-cluster topology: operator 26.6 has them, a preview; 25.10.4 does not.
PREVIEW = (
    ".spec.maintenance",
    ".spec.multiCluster",
    ".spec.replication.gtidDomainId",
    ".spec.replication.serverIdStartIndex",
    ".spec.tls.serverCertAdditionalNames",
)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def defined(request: pytest.FixtureRequest) -> Iterator[LabRegion]:
    need(*REGION_TOOLS, *STORES)
    with running(request, "stores", ["a"], hosts=1) as region:
        define(region, STORES)
        yield region


def put(region: LabRegion, manifest: Manifest, namespace: str) -> Manifest:
    placed = copy.deepcopy(manifest)
    placed["metadata"]["namespace"] = namespace
    return region.client.apply(placed, manager="hakit", force=True)


SHAPES: dict[str, Manifest] = {
    "by its defaults": {},
    "with everything": {
        "instances": 5,
        "image": "mariadb:11.4.8",
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
        "authority": "db-authority",
        "extra": {"primaryService": {"type": "LoadBalancer", "metadata": {"annotations": {"a": "b"}}}},
    },
    "without a backup": {"backup": None, "without_backup": "a test"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_object_of_a_mariadb_in_one_region_is_admitted(defined: LabRegion, shape: str) -> None:
    namespace = defined.namespace(f"maria-{next(_numbers)}")
    for each in mariadb_objects("a", **ALONE, **SHAPES[shape]).values():
        applied = put(defined, each, namespace)
        again = put(defined, each, namespace)
        assert again["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"], "the same again"


@pytest.mark.parametrize("entries", [[], [PLANNED], [TOKEN], [SETTLED], [FAILOVER], [FAILOVER, REBUILD]], ids=str)
def test_across_regions_only_the_fields_of_the_preview_are_unknown_to_the_version_before_it(
    defined: LabRegion, entries: list[Manifest]
) -> None:
    """The definitions of 26.6 are in no registry. So: each field that 25.10.4 does not know is one of the preview's,
    and everything else is admitted."""
    namespace = defined.namespace(f"maria-{next(_numbers)}")
    for region, each in ((r, m) for r in ("a", "b") for m in mariadb_objects(r, *entries).values()):
        if each["kind"] != "MariaDB":
            put(defined, each, namespace)
            continue
        with pytest.raises(RefusedError) as caught:
            put(defined, each, namespace)
        unknown = set(re.findall(r"(\.spec[.\w]*): field not declared in schema", caught.value.message))
        assert unknown, caught.value.message
        assert unknown <= set(PREVIEW), region
        put(defined, without(each, PREVIEW), namespace)


def without(manifest: Manifest, fields: tuple[str, ...]) -> Manifest:
    made = copy.deepcopy(manifest)
    for field in fields:
        *path, last = field.strip(".").split(".")
        section = made
        for key in path:
            section = section[key]
        section.pop(last, None)
    return made


def test_a_field_that_the_operator_does_not_have_is_refused(defined: LabRegion) -> None:
    made = mariadb_objects("a", **ALONE)["mariadb-g1"]
    made["spec"]["replication"]["semiSync"] = True
    with pytest.raises(RefusedError, match="semiSync: field not declared in schema"):
        put(defined, made, defined.namespace("maria-refused"))


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {
            "instances": 5,
            "sentinels": 5,
            "maxmemory": "1gb",
            "resources": {"requests": {"cpu": "1", "memory": "2Gi"}},
            "sentinel_resources": {"limits": {"memory": "64Mi"}},
        },
    ],
    ids=["by its defaults", "with everything"],
)
def test_every_object_of_a_redis_is_admitted(defined: LabRegion, shape: Manifest) -> None:
    namespace = defined.namespace(f"redis-{next(_numbers)}")
    for each in redis_objects(**shape).values():
        applied = put(defined, each, namespace)
        again = put(defined, each, namespace)
        # A budget's status is written meanwhile; what was asked for has not changed.
        assert again["metadata"].get("generation") == applied["metadata"].get("generation"), "the same again"


def test_the_cron_job_of_a_copy_is_admitted_and_its_pod_by_the_strictest_level(defined: LabRegion) -> None:
    namespace = defined.namespace("copies")
    (job,) = rclone.plan(rclone_spec("a"))
    assert put(defined, job.manifest, namespace)["spec"]["suspend"] is False
    strict = {"metadata": {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    defined.client.apply({"apiVersion": "v1", "kind": "Namespace", **strict}, manager="a-test", force=True)
    template = job.manifest["spec"]["jobTemplate"]["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "copy"}, "spec": template["spec"]}
    put(defined, pod, namespace)
    pod["spec"] = {**pod["spec"], "securityContext": {}}
    pod["metadata"]["name"] = "careless"
    with pytest.raises(RefusedError, match="runAsNonRoot"):
        put(defined, pod, namespace)


def test_the_epoch_guard_holds_a_mariadb_as_it_holds_a_cluster(defined: LabRegion) -> None:
    """The last test of the module: the guard stays in force."""

    def made(*entries: Manifest) -> Manifest:
        return without(mariadb_objects("b", *entries)["mariadb-g1"], PREVIEW)

    def base(*entries: Manifest) -> None:
        args = {"topology": "topology.yaml", "scope": "b", "namespaces": {"shop": {}}}
        given = topology(*entries, regions=("a", "b"))
        defined.apply(list(region_base.plan(region_base.specify("base", args, given)).values()), manager="hakit")

    def refused(manifest: Manifest) -> str:
        try:
            defined.client.apply(manifest, "shop", manager="hakit", force=True, dry=True)
        except RefusedError as error:
            return error.message
        return ""

    base()
    unmarked = made()
    del unmarked["metadata"]["annotations"][EPOCH]
    defined.wait_for("the guard", lambda: "carries its epoch" in refused(unmarked))
    assert refused(made()) == ""
    base(SETTLED)
    defined.client.apply(made(SETTLED), "shop", manager="hakit", force=True)
    assert "epoch 0 is older than 12, which this Cluster has" in refused(made())
    empty = made(SETTLED)
    del empty["spec"]["bootstrapFrom"]
    empty["metadata"]["name"] = "orders-empty"
    assert "an empty database is created only before the first handover" in refused(empty)
    defined.client.apply(mariadb_objects("b", SETTLED)["created"], guard.NAMESPACE, manager="hakit", force=True)
    second = made(SETTLED)
    second["metadata"]["name"] = "orders-again"
    defined.wait_for("the record", lambda: "incarnation 1 was created here before" in refused(second))
