"""Colder storage classes: what a restore needs is never frozen, and what S3 would refuse is refused before.

S3's own words for its limits are in the module's sources; no test here asks S3.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakit.errors import HakitError
from hakit.plan import buckets_rules
from hakit.plan.buckets_colder import CLASSES
from tests.unit.plan.buckets import DATABASES, EAST, WEST, spec

LOCK = {"mode": "compliance", "days": 35}
WRITER = {"velero": {"namespace": "velero", "paths": ["velero/"]}}
FEW = settings(derandomize=True, max_examples=200, deadline=None, database=None)


def refused(**args: Any) -> str:
    with pytest.raises(HakitError) as caught:
        spec(**args)
    return str(caught.value)


def moves(**args: Any) -> list[tuple[str, int]]:
    made = spec(**args)
    (rule,) = [each for each in buckets_rules.lifecycle_rules(made, EAST) if each["id"] == "colder"]
    assert rule in buckets_rules.lifecycle_rules(made, WEST)
    return [(each["storage_class"], each["days"]) for each in rule["transitions"]]


def test_nothing_moves_unless_it_is_said() -> None:
    assert all("transitions" not in rule for rule in buckets_rules.lifecycle_rules(spec(databases=DATABASES), EAST))


def test_classes_are_given_in_any_order_and_moved_through_from_warm_to_cold() -> None:
    given = {"DEEP_ARCHIVE": 180, "STANDARD_IA": 30, "GLACIER": 90.0}
    assert moves(colder=given, keep_days=30) == [("STANDARD_IA", 30), ("GLACIER", 90), ("DEEP_ARCHIVE", 180)]


def test_what_is_read_at_once_may_hold_what_must_stay_restorable() -> None:
    for name in ("STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"):
        assert moves(colder={name: 30}, keep_days=400, databases=DATABASES) == [(name, 30)]
        assert moves(colder={name: 30}, apps=WRITER) == [(name, 30)]


@pytest.mark.parametrize(("name", "hours"), [("GLACIER", 12), ("DEEP_ARCHIVE", 48)])
def test_what_must_be_thawed_holds_only_what_is_older_than_the_window(name: str, hours: int) -> None:
    message = refused(colder={name: 20}, keep_days=30)
    assert f"colder.{name}: what must stay restorable would have to be thawed first, for up to {hours} hours" in message
    assert "after 20 days; keep_days is 30, so 11 of those days would be frozen" in message
    assert "31 or more, by the time from one base backup to the next at least" in message
    assert "so 1 of those days" in refused(colder={name: 30}, keep_days=30)
    assert moves(colder={name: 31}, keep_days=30) == [(name, 31)]


def test_what_must_be_thawed_needs_the_window_to_be_said() -> None:
    message = refused(colder={"GLACIER": 3650})
    assert "keep_days is missing" in message
    assert "waited, up to 12 hours" in message


def test_what_an_application_writes_is_never_frozen() -> None:
    message = refused(colder={"GLACIER": 400}, keep_days=30, apps=WRITER)
    assert "colder.GLACIER: an application writes here, and may need again what is old\n  given:   velero" in message
    assert "STANDARD_IA, INTELLIGENT_TIERING, GLACIER_IR" in message
    reader = {"auditor": {"namespace": "audit", "paths": ["us-east-1/"], "read_only": True}}
    assert moves(colder={"GLACIER": 400}, keep_days=30, apps=reader, databases=DATABASES) == [("GLACIER", 400)]


def test_what_was_there_before_is_never_frozen() -> None:
    old: dict[str, Any] = {"purpose": "archive", "adopt": {EAST: "acme-backups"}, "noncurrent_days": 90}
    message = refused(**old, colder={"GLACIER": 400}, keep_days=30)
    assert "colder.GLACIER: what an adopted bucket has already would be frozen by its age" in message
    assert moves(**old, colder={"GLACIER_IR": 30}) == [("GLACIER_IR", 30)]


def test_s3_moves_nothing_to_infrequent_access_before_thirty_days() -> None:
    message = refused(colder={"STANDARD_IA": 29})
    assert "colder.STANDARD_IA: earlier than S3 moves objects there\n  given:   after 29 days" in message
    assert "30 or more" in message


def test_a_class_that_goes_with_its_zone_is_refused() -> None:
    assert "colder.ONEZONE_IA: it is lost with its zone" in refused(colder={"ONEZONE_IA": 60})


@pytest.mark.parametrize("days", [0, -1, 1.5, "30", True, None])
def test_days_are_whole_and_above_zero(days: Any) -> None:
    assert "colder.GLACIER_IR" in refused(colder={"GLACIER_IR": days})


def test_a_class_that_s3_does_not_have_is_named() -> None:
    assert "colder.COLD: unknown argument" in refused(colder={"COLD": 30})


@pytest.mark.parametrize(
    ("colder", "sum_of_it", "allowed"),
    [
        ({"STANDARD_IA": 30, "GLACIER_IR": 59}, "59 - 30 = 29 days", "colder.GLACIER_IR after 60"),
        ({"GLACIER_IR": 40, "GLACIER": 129}, "129 - 40 = 89 days", "colder.GLACIER after 130"),
        ({"GLACIER": 90, "DEEP_ARCHIVE": 179}, "179 - 90 = 89 days", "colder.DEEP_ARCHIVE after 180"),
        ({"INTELLIGENT_TIERING": 60, "GLACIER_IR": 60}, "60 - 60 = 0 days", "colder.GLACIER_IR after 61"),
        ({"STANDARD_IA": 90, "GLACIER": 60}, "60 - 90 = -30 days", "colder.GLACIER after 120"),
    ],
)
def test_a_class_is_not_left_before_what_is_paid_for_is_over(colder: Any, sum_of_it: str, allowed: str) -> None:
    message = refused(colder=colder, keep_days=30)
    assert "left before the days that are paid for are over" in message
    assert sum_of_it in message
    assert allowed in message
    *_, last = sorted(colder, key=list(CLASSES).index)
    assert moves(colder={**colder, last: int(allowed.rpartition(" ")[2])}, keep_days=30)


def test_copies_do_not_go_before_what_is_paid_for_is_over() -> None:
    archives: dict[str, Any] = {"databases": DATABASES, "keep_days": 30, "colder": {"STANDARD_IA": 30, "GLACIER": 90}}
    assert "there after 90 days, copies_days after 179: 179 - 90 = 89 days" in refused(**archives, copies_days=179)
    assert moves(**archives, copies_days=180)
    assert "copies_days after 59: 59 - 30 = 29 days" in refused(**archives, copies_days=59)
    assert moves(**archives, copies_days=60), "copies that are gone before the colder class is reached"


def test_copies_do_not_go_before_their_lock_ends() -> None:
    message = refused(databases=DATABASES, object_lock=LOCK, copies_days=34, keep_days=30)
    assert "copies_days: shorter than the lock" in message
    assert "34; object_lock.days is 35, 1 more" in message
    assert spec(databases=DATABASES, object_lock=LOCK, copies_days=35, keep_days=30).copies_days == 35


def test_copies_do_not_go_within_the_window_however_cold_they_are() -> None:
    message = refused(databases=DATABASES, copies_days=30, keep_days=30, colder={"INTELLIGENT_TIERING": 10})
    assert "copies_days: not longer than what must stay restorable" in message


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(CLASSES)), st.integers(1, 400), min_size=1),
    st.none() | st.integers(1, 200),
    st.none() | st.integers(1, 600),
)
def test_whatever_is_taken_keeps_the_window_readable(
    colder: dict[str, int], keep: int | None, copies: int | None
) -> None:
    more = {"keep_days": keep, "copies_days": copies}
    try:
        found = moves(colder=colder, databases=DATABASES, **{key: days for key, days in more.items() if days})
    except HakitError:
        return
    frozen = [days for name, days in found if name in ("GLACIER", "DEEP_ARCHIVE")]
    assert all(keep is not None and days > keep for days in frozen)
    assert [days for _, days in found] == sorted(days for _, days in found)
    assert copies is None or keep is None or copies > keep
