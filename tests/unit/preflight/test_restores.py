"""A restore against what its archive's ObjectStore says in the cluster that writes it. The window of the archive ends
its oldest backup on 16 December at 03:00, and its newest one on 15 January at 02:30."""

import datetime as dt
from typing import Any

import pytest

from hakit.plan import postgres
from hakit.preflight.restores import judge, restores_of, windows
from tests.unit.postgres.test_restore import specified

NOW = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)


def objects(**restore: Any) -> list[Any]:
    """What PostgresCluster emits in the region `b`, as a preview shows it."""
    manifests = [each.manifest for each in postgres.plan(specified(restore))]
    return [
        {
            "api_version": each["apiVersion"],
            "kind": each["kind"],
            "namespace": each["metadata"].get("namespace", ""),
            "name": each["metadata"]["name"],
            "replicas": None,
            "manifest": each,
        }
        for each in manifests
    ]


def store(server: str = "orders-g1", **said: str) -> Any:
    """The ObjectStore of the archive that is restored from, as the cluster has it that writes it."""
    (found,) = [each["manifest"] for each in objects() if each["name"] == "reports-restore"]
    window = {"firstRecoverabilityPoint": "2025-12-16T03:00:00Z", "lastSuccessfulBackupTime": "2026-01-15T02:30:00Z"}
    return {"spec": found["spec"], "status": {"serverRecoveryWindow": {server: {**window, **said}}}}


def found(*stores: Any, there: tuple[Any, ...] = (), **restore: Any) -> list[tuple[str, str, str]]:
    known = windows(stores or (store(),))
    judged = judge(restores_of(objects(**restore)), there, known, NOW)
    return [(each.code, each.path.rpartition(".")[2], each.message) for each in judged]


@pytest.mark.parametrize(
    ("restore", "key", "message"),
    [
        (
            {"time": "2025-12-16T02:59:59Z"},
            "targetTime",
            "2025-12-16T02:59:59Z: before the first moment that can be restored",
        ),
        ({"time": "2026-01-15T12:00:01Z"}, "targetTime", "2026-01-15T12:00:01Z: it is still to come"),
        (
            {"backup": "20260115T030000"},
            "backupID",
            "20260115T030000: there is no such backup, the newest one is older",
        ),
    ],
)
def test_what_no_backup_covers_is_found(restore: dict[str, str], key: str, message: str) -> None:
    assert found(**restore) == [("HK122", key, message)]


@pytest.mark.parametrize(
    "restore",
    [
        {},
        {"time": "2025-12-16T03:00:00Z"},
        {"time": "2025-12-16T04:00:00+01:00"},
        {"time": "2026-01-15T11:59:59Z"},
        {"backup": "20260115T020000"},
        {"lsn": "0/3000060"},
    ],
)
def test_what_one_covers_or_nobody_can_tell_raises_nothing(restore: dict[str, str]) -> None:
    assert found(**restore) == []


def test_the_windows_of_other_archives_say_nothing_about_this_one() -> None:
    early = {"time": "2025-12-16T02:59:59Z"}
    elsewhere = store()
    elsewhere["spec"] = {"configuration": {"destinationPath": "s3://elsewhere/a/shop"}}
    assert found(elsewhere, **early) == []
    assert found(store("orders-g2"), **early) == []
    assert found({"spec": store()["spec"]}, **early) == [], "an ObjectStore that has nothing to say"
    assert found(elsewhere, store(), **early) != []


def test_a_database_that_is_there_already_was_restored_long_ago() -> None:
    there = {"metadata": {"name": "reports-g1", "namespace": "shop"}}
    assert found(there=(there,), time="2025-12-01T00:00:00Z") == []
    other = {"metadata": {"name": "reports-g1", "namespace": "other"}}
    assert len(found(there=(other,), time="2025-12-01T00:00:00Z")) == 1
