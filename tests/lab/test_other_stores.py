"""Every object that the components of other data stores, and BackupPlan, emit, before the real definitions.

Server-side apply with strict validation: a field that the definition does not have is an error, never dropped. What
this does not prove: that the operators' webhooks take them, and that a database comes of it.
"""

import copy
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from hakit.plan import backup, guard, minio, rclone, region_base
from hakit.topology.copies import EPOCH
from lab.harness import LabRegion, RefusedError
from lab.harness.tools import REGION_TOOLS, ROOT
from tests.lab.conftest import need, running
from tests.lab.definitions import BACKUPS, STORES, define, documents
from tests.unit.backup.plans import VELERO
from tests.unit.backup.plans import objects as backup_objects
from tests.unit.backup.plans import spec as backup_spec
from tests.unit.postgres.given import FAILOVER, PLANNED, REBUILD, SETTLED, TOKEN, topology
from tests.unit.stores.given import ALONE, mariadb_objects, minio_spec, rclone_spec, redis_objects

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
    need(*REGION_TOOLS, *STORES, *BACKUPS)
    with running(request, "stores", ["a"], hosts=1) as region:
        define(region, (*STORES, *BACKUPS))
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


def strict(region: LabRegion, name: str) -> str:
    """A namespace whose pods are held to Pod Security's strictest level."""
    namespace = region.namespace(name)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    region.client.apply(made, manager="a-test", force=True)
    return namespace


@pytest.mark.parametrize("of", ["rclone", "minio"])
def test_a_job_is_admitted_and_its_pod_by_the_strictest_level(defined: LabRegion, of: str) -> None:
    namespace = strict(defined, f"jobs-{of}")
    (job,) = rclone.plan(rclone_spec("a")) if of == "rclone" else minio.plan(minio_spec(authority="our-ca"))
    put(defined, job.manifest, namespace)
    spec = job.manifest["spec"]
    template = (spec["jobTemplate"]["spec"] if of == "rclone" else spec)["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "own"}, "spec": template["spec"]}
    put(defined, pod, namespace)
    pod["spec"] = {**pod["spec"], "securityContext": {}}
    pod["metadata"]["name"] = "careless"
    with pytest.raises(RefusedError, match="runAsNonRoot"):
        put(defined, pod, namespace)


def test_the_two_sides_of_mysql_on_the_page_are_admitted(defined: LabRegion) -> None:
    page = (ROOT / "docs" / "other-databases.md").read_text(encoding="utf-8").partition("## MySQL")[2]
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    namespace = defined.namespace("mysql")
    sides = list(yaml.safe_load_all(block))
    assert [each["spec"]["pxc"]["replicationChannels"][0]["isSource"] for each in sides] == [True, False]
    for each in sides:
        put(defined, each, namespace)
        assert undeclared(each["spec"], _declared("stores/xtradb", each["kind"])) == [], "the kind keeps unknown fields"
    sides[0]["spec"]["pxc"]["replicationChannel"] = []
    found = undeclared(sides[0]["spec"], _declared("stores/xtradb", "PerconaXtraDBCluster"))
    assert found == ["pxc.replicationChannel"]


def _declared(folder: str, kind: str) -> Manifest:
    """What a kind's definition says of its `spec`, in the version that is stored."""
    (found,) = [each for each in documents(folder) if each["spec"]["names"]["kind"] == kind]
    (version,) = [each for each in found["spec"]["versions"] if each["storage"]]
    return version["schema"]["openAPIV3Schema"]["properties"]["spec"]


def undeclared(value: Any, schema: Manifest, path: str = "") -> list[str]:
    """Fields that a definition does not have, even where it lets them through."""
    if isinstance(value, list):
        return [found for each in value for found in undeclared(each, schema["items"], path)]
    if not isinstance(value, dict) or "additionalProperties" in schema:
        return []
    found = []
    for key, inner in value.items():
        full = f"{path}.{key}".strip(".")
        declared = schema.get("properties", {}).get(key)
        found += [full] if declared is None else undeclared(inner, declared, full)
    return found


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


FAR: Manifest = {
    "a": {"bucket": "far", "region": "b", "endpoint": "https://s3.example.com", "secret": "keys"},
    "b": {"copies": {"a": "acme-prod-a-velero"}},
}


@pytest.mark.parametrize("stores", [VELERO["stores"], FAR], ids=["copied", "elsewhere"])
@pytest.mark.parametrize("scope", ["a", "b"])
def test_every_object_of_a_backup_plan_is_admitted(defined: LabRegion, scope: str, stores: Manifest) -> None:
    namespace = defined.namespace(f"velero-{next(_numbers)}")
    made = backup_objects(scope, velero={**VELERO, "stores": stores})
    assert sorted(each["kind"] for each in made.values()) == ["BackupStorageLocation"] * 2 + ["Schedule"]
    for each in made.values():
        applied = put(defined, each, namespace)
        again = put(defined, each, namespace)
        assert again["metadata"]["resourceVersion"] == applied["metadata"]["resourceVersion"], "the same again"


def test_a_field_that_velero_does_not_have_is_refused(defined: LabRegion) -> None:
    namespace = defined.namespace("velero-refused")
    made = backup_objects("a")["schedule-shop"]
    made["spec"]["template"]["moveData"] = True
    with pytest.raises(RefusedError, match="moveData: field not declared in schema"):
        put(defined, made, namespace)
    location = backup_objects("a")["location-b"]
    location["spec"]["accessMode"] = "Readonly"
    with pytest.raises(RefusedError, match="accessMode"):
        put(defined, location, namespace)


def test_the_restore_of_the_page_is_admitted(defined: LabRegion) -> None:
    page = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    put(defined, yaml.safe_load(block), defined.namespace("velero-restore"))


def test_a_password_that_velero_made_is_never_overwritten_and_ours_never_changed(defined: LabRegion) -> None:
    """By server-side apply without force, as the provider does it."""
    namespace = defined.namespace("velero-password")
    ours = {**backup.secret(backup_spec()), "data": {backup.REPOSITORY_KEY: "b3Vycw=="}}
    ours["metadata"] = {"name": backup.REPOSITORY_SECRET, "namespace": namespace}
    theirs = {key: ours[key] for key in ("apiVersion", "kind", "type", "metadata")}
    theirs["data"] = {backup.REPOSITORY_KEY: "c3RhdGlj"}
    defined.client.apply(theirs, manager="velero-server")
    with pytest.raises(RefusedError, match="conflict"):
        defined.client.apply(ours, manager="hakit", force=False)
    elsewhere = {**ours, "metadata": {**ours["metadata"], "name": "alone"}}
    defined.client.apply(elsewhere, manager="hakit", force=False)
    with pytest.raises(RefusedError, match="immutable"):
        defined.client.apply({**elsewhere, "data": {backup.REPOSITORY_KEY: "b3RoZXI="}}, manager="hakit", force=True)
