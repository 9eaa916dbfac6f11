"""What external-dns is asked for in each region's cluster. These tests do not prove what external-dns makes of it."""

from pathlib import Path
from typing import Any

import pytest

import hakit
from hakit.errors import HakitError
from hakit.findings import FindingsError
from hakit.testing import Recording, record
from tests.traffic.shop import changed, declare, external_dns, run

EAST, WEST, DUBLIN = "us-east-1", "us-west-2", "eu-west-1"
ENDPOINT = "kubernetes:externaldns.k8s.io/v1alpha1:DNSEndpoint"
FAILOVER = f"kind: failover, to: {WEST}, accept_loss: 30s"


def endpoint_of(region: str, /, **properties: str) -> dict[str, Any]:
    named = [{"name": f"aws/{key.replace('_', '-')}", "value": value} for key, value in properties.items()]
    return {
        "dnsName": "shop.example.com",
        # an A record cannot hold a host name
        "recordType": "CNAME",
        "targets": [f"{region}.origin.shop.example.com"],
        "recordTTL": 60,
        "setIdentifier": region,
        "providerSpecific": [*named, {"name": "aws/health-check-id", "value": f"check-of-{region}"}],
    }


def endpoints(recording: Recording) -> list[dict[str, Any]]:
    return list(recording.one(ENDPOINT).inputs["spec"]["endpoints"])


def test_each_region_has_the_endpoint_of_its_own_record_alone(tmp_path: Path) -> None:
    for region, weight in ((EAST, "1"), (WEST, "0"), (DUBLIN, "0")):
        recording = run(tmp_path, external_dns(region), EAST, WEST, DUBLIN)
        one = recording.one(ENDPOINT)
        assert (one.name, one.provider) == (f"shop-record-{region}", region)
        assert one.inputs["metadata"] == {"name": "shop", "namespace": "external-dns"}
        assert endpoints(recording) == [endpoint_of(region, weight=weight)]


@pytest.mark.parametrize(
    ("steering", "more", "properties"),
    [
        ("latency", {}, {"region": EAST}),
        ("weighted", {"weights": {EAST: 0.4}}, {"weight": "40"}),
        ("proximity", {"own": {"bias": {EAST: -10}}}, {"geoproximity_bias": "-10", "geoproximity_region": EAST}),
        (
            "proximity",
            {"locations": {EAST: {"latitude": 39, "longitude": -77.5}}},
            {"geoproximity_coordinates": "39.00,-77.50"},
        ),
    ],
)
def test_steering_of_an_active_active_pair(
    steering: str, more: dict[str, Any], properties: dict[str, str], tmp_path: Path
) -> None:
    own = {"health_check_ids": {EAST: f"check-of-{EAST}"}, **more.pop("own", {})}
    recording = run(tmp_path, external_dns(EAST, steering=steering, own=own, **more), EAST, WEST, mode="active-active")
    assert endpoints(recording) == [endpoint_of(EAST, **properties)]


@pytest.mark.parametrize("state", ["drain", "fence"])
@pytest.mark.parametrize("mode", ["active-passive", "active-active"])
def test_a_drained_or_fenced_region_asks_for_no_record_and_the_others_do_not_change(
    state: str, mode: str, tmp_path: Path
) -> None:
    def of(region: str, **more: Any) -> Recording:
        return run(tmp_path, external_dns(region), EAST, WEST, mode=mode, **more)

    before, after = of(WEST), of(WEST, traffic={WEST: state})
    assert changed(before, after) == {
        "shop-record-us-west-2": {"spec": ({"endpoints": endpoints(before)}, {"endpoints": []})}
    }
    assert changed(of(EAST), of(EAST, traffic={WEST: state})) == {}


@pytest.mark.parametrize(
    ("entries", "weights"),
    [
        ((FAILOVER,), ("0", "1", "0")),
        ((f"kind: planned, to: {WEST}, tokens: {{orders: T}}",), ("0", "1", "0")),
        ((FAILOVER, f"kind: rebuild, to: {EAST}, incarnation: 2"), ("0", "1", "0")),
        ((f"kind: planned, to: {WEST}",), ("1", "0", "0")),
        ((f"kind: planned, to: {WEST}", f"kind: cancel, to: {EAST}"), ("1", "0", "0")),
    ],
)
def test_a_handover_moves_the_weight_once_it_counts(
    entries: tuple[str, ...], weights: tuple[str, str, str], tmp_path: Path
) -> None:
    for region, weight in zip((EAST, WEST, DUBLIN), weights, strict=True):
        recording = run(tmp_path, external_dns(region), EAST, WEST, DUBLIN, handovers=entries)
        assert endpoints(recording) == [endpoint_of(region, weight=weight)]


@pytest.mark.parametrize("region", [EAST, WEST])
def test_a_handover_of_an_active_active_pair_changes_nothing(region: str, tmp_path: Path) -> None:
    before = run(tmp_path, external_dns(region), EAST, WEST, mode="active-active")
    after = run(tmp_path, external_dns(region), EAST, WEST, mode="active-active", handovers=(FAILOVER,))
    assert changed(before, after) == {}


def test_the_same_record_as_annotations_under_the_prefix_of_the_version(tmp_path: Path) -> None:
    def annotations(**own: Any) -> dict[str, str]:
        ids = {"health_check_ids": {EAST: "abc"}}
        recording = run(tmp_path, external_dns(EAST, own={**ids, **own}), EAST, WEST)
        return dict((recording.one("hakit:index:GlobalLoadBalancer").outputs or {})["annotations"])

    new, old = "external-dns.kubernetes.io/", "external-dns.alpha.kubernetes.io/"
    expected = {
        "hostname": "shop.example.com",
        "ttl": "60",
        "set-identifier": EAST,
        "aws-weight": "1",
        "aws-health-check-id": "abc",
    }
    assert annotations() == {f"{new}{key}": value for key, value in expected.items()}
    assert annotations(annotation_prefix=old) == {f"{old}{key}": value for key, value in expected.items()}


def test_a_record_without_a_health_check_is_an_error_finding(tmp_path: Path) -> None:
    bare = external_dns(EAST, own={"health_check_ids": {WEST: "abc"}})
    with pytest.raises(FindingsError, match=r"HK085.*external_dns.health_check_ids.us-east-1"):
        run(tmp_path, bare, EAST, WEST)
    # drained it has no record that could lack one
    run(tmp_path, bare, EAST, WEST, traffic={EAST: "drain"})


TRAPS: list[Any] = [
    ("cloudflare", {"own": {"dns_provider": "cloudflare"}}, {"own": {"dns_provider": "aws"}}, "no routing policy"),
    ("no scope", {"scope": None}, {"scope": EAST}, "scope is missing"),
    ("a scope of nobody", {"scope": "us-eats-1"}, {"scope": EAST}, "did you mean 'us-east-1'?"),
    (
        "a health path",
        {"health": {"path": "/ready"}},
        {"health": {"interval": 30}},
        "external-dns makes no health check",
    ),
    ("a prefix", {"own": {"annotation_prefix": "a"}}, {"own": {"annotation_prefix": "a/"}}, "not a prefix"),
    ("failover records", {"steering": "failover"}, {"steering": "ordered"}, "steering: not with external-dns"),
]


@pytest.mark.parametrize(("wrong", "mended", "words"), [trap[1:] for trap in TRAPS], ids=[trap[0] for trap in TRAPS])
def test_a_trap_is_refused_and_its_mended_twin_is_not(
    wrong: dict[str, Any], mended: dict[str, Any], words: str, tmp_path: Path
) -> None:
    (tmp_path / "topology.yaml").write_text(declare(EAST, WEST))
    with pytest.raises(HakitError) as caught:
        record(lambda: hakit.GlobalLoadBalancer("shop", external_dns(EAST, **wrong)), root=tmp_path)  # ty: ignore
    assert words in str(caught.value)
    run(tmp_path, external_dns(EAST, **mended), EAST, WEST)


def test_it_never_uses_whatever_cluster_is_current(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text(declare(EAST, WEST))
    with pytest.raises(HakitError, match="no Kubernetes provider"):
        record(lambda: hakit.GlobalLoadBalancer("shop", external_dns(EAST)), root=tmp_path)  # ty: ignore
