"""Every object that PostgresCluster emits, in every role and step, before the real definitions and the real webhook of
CloudNativePG 1.30.0, under the real epoch guard, in the order in which a handover happens.

Server-side apply with strict validation: a field that the definition does not have is an error, never dropped. What
this does not prove: that the operator makes a database of it (that needs a real node), nor what a provider does to the
manifests before they get here.
"""

import base64
import copy
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hakit.plan import alerts, postgres, region_base
from lab.harness import LabRegion, RefusedError
from lab.harness.tools import REGION_TOOLS
from tests.lab.conftest import need, running
from tests.lab.definitions import FILES, define
from tests.lab.operator_process import start_operator
from tests.unit.alerts.given import EAST, WEST
from tests.unit.alerts.given import spec as watched
from tests.unit.postgres.given import CANCEL, FAILOVER, PLANNED, REBUILD, ROUTES, spec, topology
from tests.unit.postgres.test_active_active import PARTITIONED, specified
from tests.unit.postgres.test_restore import specified as restored
from tests.unit.postgres.test_restore import two_pairs

pytestmark = pytest.mark.lab

Manifest = dict[str, Any]
RULES = "definitions/prometheusrules.yaml"


def token(number: int) -> str:
    """A demotion token as CloudNativePG writes it: pg_controldata of the demoted primary, base64 of JSON."""
    content = {
        "latestCheckpointTimelineID": "1",
        "latestCheckpointREDOLocation": f"0/{number}000028",
        "redoWalFile": "000000010000000000000003",
        "databaseSystemIdentifier": "7400000000000000000",
        "timeOfLatestCheckpoint": "Tue Nov 24 08:00:00 2026",
        "operatorVersion": "1.30.0",
    }
    return base64.b64encode(json.dumps(content).encode()).decode()


TOKEN = {**PLANNED, "tokens": {"orders": token(1)}}
SETTLED = {**TOKEN, "settled": True}
BACK = {"kind": "planned", "to": "a"}
BACK_TOKEN = {**BACK, "tokens": {"orders": token(2)}}
BACK_SETTLED = {**BACK_TOKEN, "settled": True}

#: Ways through the list, each as its states in order; the first state creates what is there.
WAYS: dict[str, list[list[Manifest]]] = {
    "planned, there and back": [
        [],
        [PLANNED],
        [TOKEN],
        [SETTLED],
        [SETTLED, BACK],
        [SETTLED, BACK_TOKEN],
        [SETTLED, BACK_SETTLED],
    ],
    "cancelled": [[], [PLANNED], [PLANNED, CANCEL], [PLANNED, CANCEL, PLANNED]],
    "failover, rebuild, handed back": [
        [],
        [FAILOVER],
        [FAILOVER, REBUILD],
        [FAILOVER, {**REBUILD, "settled": True}, BACK],
        [FAILOVER, {**REBUILD, "settled": True}, BACK_TOKEN],
    ],
    "failover over a pending one, and the kept copy opened again": [
        [],
        [PLANNED],
        [PLANNED, FAILOVER],
        [PLANNED, FAILOVER, REBUILD],
        [PLANNED, FAILOVER, REBUILD, {**FAILOVER, "to": "a", "incarnation": 1}],
    ],
}
#: Arguments that change what is emitted.
SHAPES: dict[str, Manifest] = {
    "by its defaults": {},
    "with everything": {
        "standby": {"instances": 2, "resources": {"requests": {"cpu": "1", "memory": "2Gi"}}},
        "resources": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "4Gi"}},
        "routes": ROUTES,
        "bootstrap": "stream",
        "parameters": {"max_connections": "200", "synchronous_commit": "remote_apply"},
        "image": "ghcr.io/cloudnative-pg/postgresql:17.6",
        "credentials": {"application": {"secret": "login"}, "superuser": {"secret": "root"}},
        "roles": {"reader": {"login": True, "in_roles": ["pg_read_all_data"], "secret": "reader", "inherit": True}},
        "extensions": ["pg_trgm"],
        "pooler": {"mode": "transaction", "parameters": {"max_client_conn": "500"}},
        "ready_secret": "ready",
        "archive": {
            "secret": "keys",
            "endpoints": {name: f"https://s3.{name}.example.com" for name in ("a", "b", "c")},
            "endpoint_ca": "s3-ca",
            "encryption": "AES256",
            "compression": "zstd",
        },
        "certificates": {"server_ca": "ca", "client_ca": "ca", "replication_tls": "client"},
        "extra": {"postgresUID": 100, "postgresGID": 102, "imagePullPolicy": "Never"},
    },
    "without an archive": {"routes": ROUTES, "without_archive": "a test", "instances": 1},
}


@pytest.fixture(scope="module")
def admitting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRegion]:
    """A region with the definitions and the operator's real admission."""
    need(*REGION_TOOLS, *FILES, "cnpg")
    with running(request, "admission", ["a"], hosts=1) as region:
        define(region)
        start_operator(region, tmp_path_factory.mktemp("operator"))
        yield region


_numbers = itertools.count(1)


def put(region: LabRegion, manifest: Manifest, namespace: str) -> Manifest:
    """Apply as Pulumi does: under one field manager, the whole manifest, strictly."""
    placed = copy.deepcopy(manifest)
    placed["metadata"]["namespace"] = namespace
    return region.client.apply(placed, manager=postgres.MANAGER, force=True)


def emitted(scope: str, entries: list[Manifest], shape: Manifest) -> list[postgres.Planned]:
    return postgres.plan(spec(scope, *entries, **shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", WAYS)
def test_every_object_of_every_role_and_step_is_admitted(admitting: LabRegion, way: str, shape: str) -> None:
    """Each region's objects in a namespace of its own, one state after the other, as updates of what is there."""
    for scope in ("a", "b", "c"):
        namespace = admitting.namespace(f"way-{next(_numbers)}-{scope}")
        for entries in WAYS[way]:
            for each in emitted(scope, entries, SHAPES[shape]):
                applied = put(admitting, each.manifest, namespace)
                if applied["kind"] == "Cluster":
                    _says_what_was_said(each.manifest, applied)
                    again = put(admitting, each.manifest, namespace)
                    assert again["metadata"]["generation"] == applied["metadata"]["generation"], (
                        "the same changes nothing"
                    )


def _says_what_was_said(manifest: Manifest, applied: Manifest) -> None:
    """The server kept the replica section as it was written; an empty token is as good as none."""
    said = {key: value for key, value in manifest["spec"]["replica"].items() if value}
    kept = {key: value for key, value in applied["spec"]["replica"].items() if value}
    assert kept == said
    owners = {
        each["manager"]
        for each in applied["metadata"]["managedFields"]
        if "f:replica" in each["fieldsV1"].get("f:spec", {})
    }
    assert owners == {postgres.MANAGER}, "one owner of the section that decides roles"


RESTORES: dict[str, Manifest] = {
    "all": {},
    "a time": {"time": "2026-01-02T12:00:00.25+01:00", "exclusive": True},
    "a time, from a backup": {"time": "2026-01-02T12:00:00Z", "backup": "20260102T020000"},
    "a place": {"lsn": "0/3000060"},
    "a name": {"name": "before the import", "backup": "20260102T020000"},
    "a backup": {"backup": "20260102T020000"},
}


@pytest.mark.parametrize("restore", RESTORES)
def test_a_restored_database_is_admitted_and_the_argument_can_be_taken_out(admitting: LabRegion, restore: str) -> None:
    """The founding copy by recovery, then its manifest without the argument, then a handover."""
    for scope in ("a", "b"):
        namespace = admitting.namespace(f"restore-{next(_numbers)}-{scope}")
        for each in postgres.plan(restored(RESTORES[restore], scope)):
            made = put(admitting, each.manifest, namespace)
            if made["kind"] == "Cluster":
                assert list(made["spec"]["bootstrap"]) == ["recovery"]
        planned = {"kind": "planned", "to": "a"}
        for entries in ([], [planned], [{**planned, "tokens": {"reports": token(1)}}]):
            for each in postgres.plan(restored(None, scope, given=two_pairs(handovers=entries))):
                if each.manifest["kind"] == "Cluster":
                    made = put(admitting, each.manifest, namespace)
                    _says_what_was_said(each.manifest, made)
                    assert list(made["spec"]["bootstrap"]) == ["initdb" if scope == "b" else "recovery"]


def test_a_target_that_cloudnative_pg_does_not_take_is_refused(admitting: LabRegion) -> None:
    """So the webhook does look at targets: a name without a backup, which hakit refuses before."""
    (made,) = [each.manifest for each in postgres.plan(restored({}, "b")) if each.manifest["kind"] == "Cluster"]
    made["spec"]["bootstrap"]["recovery"]["recoveryTarget"] = {"targetName": "before"}
    with pytest.raises(RefusedError, match="BackupID"):
        put(admitting, made, admitting.namespace("restore-refused"))


@pytest.mark.parametrize("writes", ["primary-region", "partitioned", "read-only"])
def test_every_object_of_an_active_active_pair_is_admitted(admitting: LabRegion, writes: str) -> None:
    ways = {"primary-region": [[], [PLANNED], [TOKEN], [SETTLED]], "partitioned": [[]], "read-only": [[], [FAILOVER]]}
    arguments = {"primary-region": {"routes": ROUTES}, "partitioned": PARTITIONED, "read-only": {}}[writes]
    for scope in ("a", "b", "c"):
        namespace = admitting.namespace(f"writes-{next(_numbers)}-{scope}")
        for entries in ways[writes]:
            for each in postgres.plan(specified(scope, writes, *entries, **arguments)):
                put(admitting, each.manifest, namespace)


def test_an_empty_token_takes_the_old_one_away_and_asks_for_nothing_more(admitting: LabRegion) -> None:
    namespace = admitting.namespace("tokens")
    for entries in ([], [TOKEN], [SETTLED], [SETTLED, BACK]):
        made = next(each.manifest for each in emitted("b", entries, {}) if each.key == "cluster-g1")
        applied = put(admitting, made, namespace)
    assert made["spec"]["replica"]["promotionToken"] == ""
    assert not applied["spec"]["replica"].get("promotionToken")


# What the webhook refuses, in its own words. hakit emits none of it; these are the reasons.


def changed(**replica: Any) -> Manifest:
    """The founded copy's Cluster with another replica section."""
    made = next(each.manifest for each in emitted("a", [], {}) if each.key == "cluster-g1")
    section = {**made["spec"]["replica"], **replica}
    made["spec"]["replica"] = {key: value for key, value in section.items() if value is not None}
    return made


def without(manifest: Manifest, *keys: str) -> Manifest:
    for key in keys:
        del manifest["spec"][key]
    return manifest


def with_spec(manifest: Manifest, **fields: Any) -> Manifest:
    manifest["spec"] |= fields
    return manifest


REFUSED: dict[str, tuple[Manifest, str]] = {
    "both ways of saying who is primary": (
        changed(enabled=True),
        "replica mode enabled is not compatible with the primary field",
    ),
    "a token on a replica": (
        with_spec(
            changed(primary="orders-g1-b", source="orders-g1-b", promotionToken=token(1)),
            bootstrap={"recovery": {"source": "orders-g1-b"}},
        ),
        "promotionToken is only allowed for primary clusters",
    ),
    "a token that is none": (changed(promotionToken="T1"), "Invalid promotionToken format"),
    "a source that is not listed": (changed(source="orders-g9-b"), "External cluster orders-g9-b not found"),
    "a primary that is not listed": (changed(primary="orders-g9-b"), "External cluster orders-g9-b not found"),
    "a replica that would start empty": (
        changed(primary="orders-g1-b", source="orders-g1-b"),
        "replica mode bootstrap is compatible only with pg_basebackup or recovery",
    ),
    "a replica without a bootstrap": (
        without(changed(primary="orders-g1-b", source="orders-g1-b"), "bootstrap"),
        # The defaulting webhook has put initdb there before anybody could miss it.
        "replica mode bootstrap is compatible only with pg_basebackup or recovery",
    ),
    "a delay together with a token": (
        changed(promotionToken=token(1), minApplyDelay="1h"),
        "minApplyDelay cannot be applied with a promotion token",
    ),
    "as many synchronous standbys as instances": (
        with_spec(changed(), instances=1, enablePDB=False),
        "the number of synchronous replicas must be less than the total number of instances",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_webhook_refuses_in_its_own_words(admitting: LabRegion, case: str) -> None:
    manifest, words = REFUSED[case]
    namespace = admitting.namespace("refused")
    with pytest.raises(RefusedError, match=re.escape(words)) as caught:
        put(admitting, manifest, namespace)
    assert "admission webhook" in caught.value.message or "is invalid" in caught.value.message


def test_what_the_refusals_start_from_is_admitted(admitting: LabRegion) -> None:
    namespace = admitting.namespace("admitted")
    assert put(admitting, changed(), namespace)["metadata"]["name"] == "orders-g1"


def test_a_wal_volume_is_for_good(admitting: LabRegion) -> None:
    """Why there is one from the start."""
    namespace = admitting.namespace("volumes")
    put(admitting, changed(), namespace)
    with pytest.raises(RefusedError, match="walStorage cannot be disabled once configured"):
        put(admitting, without(changed(), "walStorage"), namespace)


def test_a_schedule_of_five_fields_is_only_warned_about(admitting: LabRegion) -> None:
    """Why hakit refuses it: nobody reads the warning, and the backups come at other times than meant."""
    namespace = admitting.namespace("schedules")
    made = next(each.manifest for each in emitted("a", [], {}) if each.key == "backup-g1")
    made["spec"]["schedule"] = "0 2 * * *"
    assert put(admitting, made, namespace)["spec"]["schedule"] == "0 2 * * *"


def test_the_cluster_of_a_schedule_cannot_change(admitting: LabRegion) -> None:
    """Why each copy has a ScheduledBackup of its own."""
    namespace = admitting.namespace("copies")
    made = next(each.manifest for each in emitted("a", [], {}) if each.key == "backup-g1")
    put(admitting, made, namespace)
    made["spec"]["cluster"] = {"name": "orders-g2"}
    with pytest.raises(RefusedError, match="immutable"):
        put(admitting, made, namespace)


def test_under_the_guard_a_whole_way_passes(admitting: LabRegion) -> None:
    """As `up` does it: the record first, then the rest. In the region where the pair was founded, failed over from,
    rebuilt and handed back to. The last test of the module: the guard stays in force."""
    for entries in WAYS["failover, rebuild, handed back"]:
        given = topology(*entries)
        args = {"topology": "topology.yaml", "scope": "a", "namespaces": {"shop": {}}}
        for each in region_base.plan(region_base.specify("base", args, given)).values():
            admitting.client.apply(each, manager="hakit", force=True)
        for each in emitted("a", entries, {}):
            admitting.client.apply(each.manifest, manager="hakit", force=True)
    found = admitting.client.list("postgresql.cnpg.io/v1", "Cluster", "shop")
    assert sorted(each["metadata"]["name"] for each in found) == ["orders-g1", "orders-g2"]
    assert {each["metadata"]["annotations"]["hakit/epoch"] for each in found} == {"31"}


@pytest.mark.parametrize("region", [EAST, WEST])
def test_the_rules_that_watch_a_database_are_admitted(admitting: LabRegion, region: str, tmp_path: Path) -> None:
    need(RULES)
    define(admitting, [RULES])
    made = alerts.plan(watched(tmp_path, region))
    assert [each.manifest["metadata"]["name"] for each in made] == ["ha", "ha-all-regions"]
    for each in made:
        put(admitting, each.manifest, "default")


def test_a_rule_with_a_key_that_the_definition_lacks_is_refused(admitting: LabRegion, tmp_path: Path) -> None:
    need(RULES)
    define(admitting, [RULES])
    manifest = copy.deepcopy(alerts.plan(watched(tmp_path))[0].manifest)
    manifest["spec"]["groups"][0]["rules"][0]["severity"] = "critical"
    with pytest.raises(RefusedError, match="severity"):
        put(admitting, manifest, "default")
