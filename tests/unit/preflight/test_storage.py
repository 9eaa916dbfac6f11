"""Storage classes: those that are named, and the default one."""

from typing import Any

from hakit.observe import RefusedError
from hakit.preflight.storage import judge
from tests.unit.preflight.given import region, seen, storage_class, wanted


def found(classes: list[Any], **want: Any) -> list[tuple[str, str, str]]:
    return [(each.code, each.subject, each.message) for each in judge(wanted(**want), seen(classes=classes))]


DISK, SHARE = storage_class("disk", default=True), storage_class("share")


def test_named_classes_that_are_there_and_one_default_raise_nothing() -> None:
    assert found([DISK, SHARE]) == []


def test_a_class_that_is_named_and_missing_is_told_with_who_names_it() -> None:
    assert found([SHARE, storage_class("other", default=True)]) == [
        ("HK106", "StorageClass/disk", "missing, for Cluster/orders-g1, the topology's storage.zonal")
    ]
    assert found([DISK]) == [("HK106", "StorageClass/share", "missing, for the topology's storage.regional")]
    assert found([DISK], region=region(storage={"zonal": "disk"})) == [], "nobody names another"


def test_no_default_is_a_warning_and_an_error_for_claims_that_name_none() -> None:
    plain = storage_class("disk")
    assert found([plain, SHARE]) == [("HK107", "StorageClass", "none is the default")]
    assert found([plain, SHARE], claims=frozenset({("", "StatefulSet/queue")})) == [
        ("HK106", "StatefulSet/queue storageClassName", "these claims name no class, and there is no default"),
        ("HK107", "StorageClass", "none is the default"),
    ]


def test_two_defaults_are_one_too_many() -> None:
    two = [DISK, SHARE, storage_class("new", default=True)]
    assert found(two) == [("HK107", "StorageClass", "2 of them: disk, new")]


def test_a_zonal_class_that_binds_at_once_is_found_and_a_regional_one_is_not() -> None:
    at_once = storage_class("disk", default=True, binding="Immediate")
    assert found([at_once, SHARE]) == [("HK108", "StorageClass/disk volumeBindingMode", "Immediate")]
    assert found([DISK, storage_class("share", binding="Immediate")]) == []


def test_classes_that_were_not_read_are_not_called_missing() -> None:
    refused = {"/apis/storage.k8s.io/v1/storageclasses": RefusedError(403, "Forbidden", "no")}
    assert list(judge(wanted(), seen(classes=[], unread=refused))) == []
