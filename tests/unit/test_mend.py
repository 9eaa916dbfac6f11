"""`hakit mend` without a cluster: what it reads, what it leaves alone, what it would write. The real one is in
tests/lab/test_release_by_the_engine.py."""

import base64
import datetime as dt
import gzip
import json
from typing import Any

import pytest

from hakit import mend
from hakit.errors import HakitError
from hakit.mend import Pending, Place

NOW = dt.datetime(2026, 3, 1, 12, 0, 0, tzinfo=dt.UTC)


def secret(started: str = "2026-03-01T11:00:00.123456789Z", status: str = "pending-upgrade") -> dict[str, Any]:
    """As Helm writes it: JSON, gzip, base64, base64 (helm pkg/storage/driver/secrets.go and util.go)."""
    release = {"name": "orders", "version": 3, "info": {"status": status, "last_deployed": started}, "manifest": "..."}
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    labels = {"owner": "helm", "name": "orders", "version": "3", "status": status}
    metadata = {"name": "sh.helm.release.v1.orders.v3", "namespace": "shop", "labels": labels, "resourceVersion": "7"}
    return {"metadata": metadata, "data": {"release": packed}}


def run(
    monkeypatch: pytest.MonkeyPatch, found: list[Pending], *, yes: bool, after: float = 900
) -> tuple[int, str, int]:
    """Exit code, what was said, and how many were mended."""
    mended: list[Pending] = []
    said: list[str] = []
    monkeypatch.setattr(mend, "find", lambda *_words, **_options: found)
    monkeypatch.setattr(mend, "mend", lambda _place, each, _now: mended.append(each))
    code = mend.run(Place("", ""), "", "", after=after, seconds=1, confirm=lambda _question: yes, say=said.append)
    return code, "\n".join(said), len(mended)


def test_a_release_that_is_pending_is_named_with_its_age() -> None:
    found = mend._read(secret())
    assert (found.namespace, found.name, found.revision, found.status) == ("shop", "orders", 3, "pending-upgrade")
    assert found.seconds(NOW) == 3600, "Go's nanoseconds do not stop it"
    assert mend._line(found, NOW) == (
        "shop/orders  revision 3 is pending-upgrade since 2026-03-01 11:00:00 UTC, 60 minutes"
    )


def test_a_zone_in_the_time_is_understood() -> None:
    assert mend._read(secret("2026-03-01T13:00:00.5+02:00")).seconds(NOW) == 3600


def test_what_is_no_release_of_helms_is_refused() -> None:
    broken = secret() | {"data": {"release": "bm90IGEgcmVsZWFzZQ=="}}
    with pytest.raises(HakitError, match="not a release of Helm's"):
        mend._read(broken)


def test_nothing_is_changed_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said, mended = run(monkeypatch, [mend._read(secret())], yes=False)
    assert (code, mended) == (1, 0)
    assert said.endswith("left alone\n1 release pending, 0 mended")


def test_what_may_still_be_under_way_is_left_alone_in_spite_of_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = dt.datetime.now(dt.UTC).isoformat()
    code, said, mended = run(monkeypatch, [mend._read(secret(now))], yes=True)
    assert (code, mended) == (1, 0)
    assert "begun less than 900 seconds ago" in said
    assert run(monkeypatch, [mend._read(secret(now))], yes=True, after=0)[0::2] == (0, 1)


@pytest.mark.parametrize(
    ("status", "following"),
    [
        ("pending-upgrade", "deploy again"),
        ("pending-rollback", "deploy again"),
        ("pending-install", 'deploy with "adopt": "release" once'),
    ],
)
def test_it_says_what_to_do_next(monkeypatch: pytest.MonkeyPatch, status: str, following: str) -> None:
    code, said, mended = run(monkeypatch, [mend._read(secret(status=status))], yes=True)
    assert (code, mended) == (0, 1)
    assert f"mended: it is `failed` now; next: {following}" in said


def test_where_none_is_pending_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, [], yes=True) == (0, "no release is pending", 0)
