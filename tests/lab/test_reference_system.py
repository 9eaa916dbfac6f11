"""Every object of the reference system, in both roles, before the API server that has to take it."""

import pytest

from lab.harness import LabRegion, RefusedError
from tests.lab import shop

pytestmark = pytest.mark.lab


def _lost(sent: object, stored: object, path: str = "") -> list[str]:
    """Paths of what was sent and is not stored as it was sent. What the server adds is none of it."""
    if isinstance(sent, dict):
        if not isinstance(stored, dict):
            return [path]
        return [each for key in sent for each in _lost(sent[key], stored.get(key), f"{path}.{key}")]
    if isinstance(sent, list):
        if not isinstance(stored, list) or len(sent) != len(stored):
            return [path]
        pairs = enumerate(zip(sent, stored, strict=True))
        return [each for index, (one, other) in pairs for each in _lost(one, other, f"{path}[{index}]")]
    return [] if sent == stored else [f"{path}: sent {sent!r}, stored {stored!r}"]


@pytest.mark.parametrize("stack", [shop.ACTIVE, shop.STANDBY])
@pytest.mark.parametrize("app", ["storefront", "warehouse"])
def test_every_object_is_taken_with_strict_validation_and_stored_as_it_was_sent(
    region: LabRegion, namespace: str, app: str, stack: str
):
    sent = shop.into(namespace, shop.objects(app, stack))
    assert sent, "the reference system has objects in either role"
    for obj in sent:
        region.apply([obj], namespace)
        name = obj["metadata"]["name"]
        stored = region.client.get(obj["apiVersion"], obj["kind"], name, namespace)
        assert _lost(obj, stored) == [], f"{obj['kind']}/{name}: the server changed what hakit sets"


def test_strict_validation_would_have_refused_an_unknown_field(region: LabRegion, namespace: str):
    deployment = shop.one(shop.objects("storefront"), "Deployment")
    deployment["spec"]["template"]["spec"]["topologySpreadConstraint"] = []
    with pytest.raises(RefusedError, match="topologySpreadConstraint: field not declared in schema"):
        region.apply(shop.into(namespace, [deployment]), namespace)


def test_what_the_server_changes_would_have_been_seen():
    assert _lost({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}], "d": 3}) == []
    assert _lost({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == [".a[0].b: sent 1, stored 2"]
    assert _lost({"a": {"b": None}}, {}) == [".a"]
