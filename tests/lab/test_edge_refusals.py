"""The documented limits of Cloudflare's load balancing, through the stand-in's provider: refused by a check where the
inputs alone say so, and by the write where it takes the other objects to know."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from lab.providers.cloudflare import ACCOUNT, BALANCER, MONITOR, POOL, Cloudflare
from lab.providers.frame import UNKNOWN
from lab.providers.store import Store
from tests.lab.provider import Asked, asked

pytestmark = pytest.mark.lab

_ZONE = "b" * 32
_MONITOR = {"accountId": "a" * 32, "type": "https", "path": "/ready", "interval": 15}


def _pool(name: str = "east", **more: object) -> dict[str, object]:
    origins = [{"name": name, "address": f"{name}.example.net", "header": {"hosts": ["shop.example.com"]}}]
    return {"accountId": "a" * 32, "name": name, "origins": origins, **more}


def _balancer(pool: str, **more: object) -> dict[str, object]:
    return {"zoneId": _ZONE, "name": "shop.example.com", "defaultPools": [pool], "fallbackPool": pool, **more}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "cloud.sqlite")
    made.put(ACCOUNT, "account", {"plan": "business", "pools": 2, "zones": {_ZONE: "example.com"}})
    return made


@pytest.fixture
def cloudflare(store: Store) -> Iterator[Asked]:
    with asked(Cloudflare(store)) as found:
        yield found


def test_a_check_refuses_by_what_the_account_has_bought(cloudflare: Asked, store: Store):
    assert cloudflare.check(MONITOR, _MONITOR) == {}
    refused = cloudflare.check(MONITOR, _MONITOR | {"interval": 10})
    assert list(refused) == ["interval"]
    assert refused["interval"].startswith("interval is not in range [15, 3600]: validation failed (load-balancing/")
    store.put(ACCOUNT, "account", {"plan": "enterprise"})
    assert cloudflare.check(MONITOR, _MONITOR | {"interval": 10}) == {}


def test_a_check_refuses_geo_steering_with_rules_and_a_foreign_host_name(cloudflare: Asked):
    pool, _ = cloudflare.create(POOL, _pool())
    geo = _balancer(pool, steeringPolicy="geo", regionPools={"WEU": [pool]})
    assert cloudflare.check(BALANCER, geo) == {}
    assert list(cloudflare.check(BALANCER, geo | {"rules": [{"name": "x", "condition": ""}]})) == ["rules"]
    assert list(cloudflare.check(BALANCER, geo | {"name": "shop.example.org"})) == ["name"]


def test_a_preview_is_checked_without_the_ids_that_it_cannot_know(cloudflare: Asked):
    assert cloudflare.check(POOL, _pool(monitor=UNKNOWN, checkRegions=["WEU"])) == {}
    assert cloudflare.check(BALANCER, _balancer(UNKNOWN)) == {}


def test_a_write_refuses_what_is_more_than_was_bought_and_a_name_that_is_taken(cloudflare: Asked, store: Store):
    east, outputs = cloudflare.create(POOL, _pool())
    with pytest.raises(grpc.RpcError, match="a pool named east exists"):
        cloudflare.create(POOL, _pool())
    cloudflare.create(POOL, _pool("west"))
    with pytest.raises(grpc.RpcError, match="exceeded quota: 2 pools"):
        cloudflare.create(POOL, _pool("north"))
    assert len(store.all(POOL)) == 2, "nothing half made"
    assert cloudflare.update(POOL, east, outputs, _pool(), _pool(enabled=False))["enabled"] is False, (
        "it is itself no other"
    )
    with pytest.raises(grpc.RpcError, match="a pool named west exists"):
        cloudflare.update(POOL, east, outputs, _pool(), _pool("west"))
