"""What a load balancer refuses, and what it reports: each trap beside its mended twin."""

from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.findings import FindingsError, collecting
from hakit.plan.traffic import cloudflare as back_end
from hakit.plan.traffic import cloudflare_spec, intent, judge, spec
from hakit.testing import record
from tests.traffic.shop import SERVES, cloudflare, declare, loaded, run

EAST, WEST = "us-east-1", "us-west-2"


def plan(folder: Path, args: dict[str, Any], *regions: str, **more: Any) -> back_end.CloudflarePlan:
    wanted = spec.specify("shop", args, loaded(folder, *(regions or (EAST, WEST)), **more))
    return back_end.plan(wanted, cloudflare_spec.read(wanted), intent.intent(wanted))


def refusal(folder: Path, args: dict[str, Any], *regions: str, **more: Any) -> str:
    with pytest.raises(HakitError) as caught:
        plan(folder, args, *regions, **more)
    message = str(caught.value)
    assert message.startswith("GlobalLoadBalancer 'shop'"), "it says where"
    return message


AA = {"mode": "active-active"}
#: What is wrong, the arguments, the same mended, words of the message.
TRAPS: list[Any] = [
    ("no path", {"health": {"interval": 15}}, {"health": {"path": "/ready"}}, {}, "health.path is missing"),
    (
        "two paths",
        {"health": {"path": "/ready", "ready": True}},
        {"health": {"ready": True}},
        {},
        "health: path and ready",
    ),
    ("path without slash", {"health": {"path": "ready"}}, {"health": {"path": "/ready"}}, {}, "not a path"),
    (
        "a redirect where 200 is expected",
        {"health": {"path": "/", "redirects": True}},
        {"health": {"path": "/", "redirects": True, "follow_redirects": True}},
        {},
        "the path redirects",
    ),
    (
        "an interval below what was bought",
        {"health": {"path": "/ready", "interval": 10}},
        {"health": {"path": "/ready", "interval": 10, "retries": 0}, "own": {"plan": "enterprise"}},
        {},
        "allowed: 15 to 3600 s",
    ),
    (
        "an interval above the longest",
        {"health": {"path": "/ready", "interval": 3601}},
        {"health": {"path": "/ready", "interval": 3600}, "own": {}},
        {"rto": "1d"},
        "allowed: 15 to 3600 s",
    ),
    (
        "a declared minimum of 60 s",
        {"own": {"bought": {"interval": 60}}},
        {"own": {"bought": {"interval": 60}}, "health": {"path": "/ready", "interval": 60}},
        {},
        "allowed: 60 to 3600 s",
    ),
    (
        "tries that last longer than the interval",
        {"health": {"path": "/ready", "timeout": 10}},
        {"health": {"path": "/ready", "timeout": 10, "retries": 0}},
        {},
        "a check lasts longer",
    ),
    ("pools", {"own": {"bought": {"pools": 1}}}, {"own": {"bought": {"pools": 2}}}, {}, "more pools"),
    ("endpoints", {"own": {"bought": {"endpoints": 1}}}, {"own": {"bought": {"endpoints": 2}}}, {}, "more endpoints"),
    (
        "probe regions",
        {"own": {"bought": {"check_regions": 1}}},
        {"own": {"bought": {"check_regions": 1}, "check_regions": ["WEU"]}},
        {},
        "more check_regions",
    ),
    (
        "steering that was not bought",
        {"own": {"bought": {"steering": ["latency"]}}},
        {"own": {"bought": {"steering": ["latency"]}}, "steering": "latency"},
        AA,
        "steering: not bought",
    ),
    (
        "rules beside geo steering",
        {"own": {"rules": [{"name": "a"}]}},
        {"own": {"rules": [{"name": "a"}]}, "steering": "latency"},
        AA,
        "Cloudflare does not run rules beside geo steering",
    ),
    (
        "an origin that Cloudflare proxies",
        {"origins": {EAST: [{"address": "a.example.com", "proxied": True}]}},
        {"origins": {EAST: [{"address": "a.example.com", "proxied": False}]}},
        {},
        "origins.us-east-1[0]: proxied by Cloudflare itself",
    ),
    (
        "the load balancer as its own origin",
        {"origins": {EAST: [{"address": "shop.example.com"}]}},
        {"origins": {EAST: [{"address": "a.example.com"}]}},
        {},
        "the load balancer itself",
    ),
    (
        "one address twice",
        {"origins": {EAST: [{"address": "a.example.com"}, {"address": "a.example.com"}]}},
        {"origins": {EAST: [{"address": "a.example.com"}, {"address": "b.example.com"}]}},
        {},
        "the same address twice",
    ),
    ("no origin", {"origins": {EAST: []}}, {"origins": {}}, {}, "not a list of origins"),
    ("an origin of nobody", {"origins": {"mars": []}}, {"origins": {}}, {}, "origins.mars: unknown argument"),
    (
        "codes that nobody serves",
        {},
        {"others": "nearest"},
        {**AA, "serves": SERVES},
        "no region serves EEU, ME, NAF, NEAS, NSAM, OC, SAF, SAS, SEAS, SSAM",
    ),
    (
        "others of nobody",
        {"others": "mars"},
        {"others": WEST},
        {**AA, "serves": SERVES},
        "others: nobody of this name",
    ),
    ("steering to a standby", {"steering": "geo"}, {"steering": "ordered"}, {}, "sends users to a standby"),
    ("no steering", {"steering": "gep"}, {"steering": "geo"}, AA, "did you mean 'geo'?"),
    ("retrying on a standby", {"own": {"retry_elsewhere": True}}, {"own": {"retry_elsewhere": False}}, {}, "standby"),
    ("weights without weighing", {"weights": {EAST: 1}}, {"weights": {EAST: 1}, "steering": "weighted"}, AA, "weights"),
    ("a ttl of a proxied name", {"ttl": 60}, {"ttl": 60, "own": {"proxied": False}}, {}, "a proxied name has none"),
    (
        "affinity without requests",
        {"own": {"proxied": False}, "affinity": {"by": "cookie"}},
        {"own": {"proxied": True}, "affinity": {"by": "cookie"}},
        {},
        "Cloudflare sees no request",
    ),
    (
        "a session that is too short",
        {"affinity": {"by": "cookie", "ttl": 60}},
        {"affinity": {"by": "cookie", "ttl": 1800}},
        {},
        "1800 to 604800 s",
    ),
    (
        "headers of nothing",
        {"affinity": {"headers": ["a"]}},
        {"affinity": {"by": "header", "headers": ["a"]}},
        {},
        "headers",
    ),
    (
        "a drain of nothing",
        {"affinity": {"drain": 60}},
        {"affinity": {"by": "cookie", "drain": 60}},
        {},
        "nothing lasts",
    ),
    ("an id that is none", {"own": {"zone_id": "example.com"}}, {}, {}, "cloudflare.zone_id: not an id"),
    ("an unknown code", {"own": {"check_regions": ["US"]}}, {"own": {"check_regions": ["ENAM"]}}, {}, "unknown code"),
    (
        "latency measured from a few places",
        {"steering": "latency", "own": {"check_regions": ["WEU"]}},
        {"steering": "latency"},
        AA,
        "measured from all of them",
    ),
    (
        "more headers than the plan has",
        {"affinity": {"by": "header", "headers": ["a", "b"]}},
        {"affinity": {"by": "header", "headers": ["a", "b"]}, "own": {"plan": "enterprise"}},
        {},
        "affinity.headers: more than Cloudflare takes",
    ),
    (
        "weights that are too fine",
        {"weights": {EAST: 0.125}, "steering": "weighted"},
        {"weights": {EAST: 0.13}, "steering": "weighted"},
        AA,
        "weights.us-east-1: too fine",
    ),
    ("a scope", {"scope": EAST}, {}, {}, "only external-dns has a part in each region"),
    ("another's argument", {"route53": {}}, {}, {}, "route53: belongs to backend route53"),
    ("a host name", {"hostname": "https://shop.example.com"}, {"hostname": "shop.example.com"}, {}, "not a host name"),
    ("a name of another zone", {"hostname": "shop.example.org"}, {"hostname": "a.example.com"}, {}, "not in the zone"),
    ("a pair of nobody", {"pair": "shpo"}, {"pair": "shop"}, {}, "did you mean 'shop'?"),
    ("a typo", {"helth": {}}, {}, {}, "helth: unknown argument"),
]


@pytest.mark.parametrize(
    ("wrong", "mended", "more", "words"), [trap[1:] for trap in TRAPS], ids=[trap[0] for trap in TRAPS]
)
def test_a_trap_is_refused_and_its_mended_twin_is_not(
    wrong: dict[str, Any], mended: dict[str, Any], more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    assert words in refusal(tmp_path, cloudflare(**wrong), **more)
    plan(tmp_path, cloudflare(**mended), **more)


def test_without_an_account_it_says_where_to_find_one(tmp_path: Path) -> None:
    args = cloudflare()
    del args["cloudflare"]["account_id"]
    assert "cloudflare.account_id is missing" in refusal(tmp_path, args)


def test_a_region_that_hakit_cannot_place_is_asked_for_where_it_matters(tmp_path: Path) -> None:
    assert "locations: where is region moon?" in refusal(tmp_path, cloudflare(), "moon", EAST, **AA)
    plan(tmp_path, cloudflare(locations={"moon": {"latitude": 0, "longitude": 0}}), "moon", EAST, **AA)
    plan(tmp_path, cloudflare(), "moon", EAST)


def test_a_topology_must_be_named(tmp_path: Path) -> None:
    args = cloudflare()
    del args["topology"]
    with pytest.raises(HakitError, match="topology is missing"):
        run(tmp_path, args, EAST, WEST)


def found(folder: Path, args: dict[str, Any], *regions: str, zone: str = "", **more: Any) -> dict[str, str]:
    wanted = spec.specify("shop", args, loaded(folder, *(regions or (EAST, WEST)), **more))
    meant = intent.intent(wanted)
    detection = back_end.plan(wanted, cloudflare_spec.read(wanted), meant).detection
    return {one.code: one.message for one in judge.judge(wanted, meant, detection, edge_zone=zone)}


def test_nothing_is_reported_of_a_load_balancer_that_holds(tmp_path: Path) -> None:
    assert found(tmp_path, cloudflare(), zone="example.com") == {}


def test_noticing_later_than_the_rto_is_an_error_and_the_largest_term_is_named(tmp_path: Path) -> None:
    assert found(tmp_path, cloudflare(), rto="39s") == {"HK080": "noticing a dead region takes 40 s of an RTO of 39s"}
    assert found(tmp_path, cloudflare(), rto="40s") == {}
    slow = cloudflare(health={"path": "/ready", "interval": 60, "timeout": 20, "retries": 2, "consecutive_down": 1})
    detection = plan(tmp_path, slow).detection
    assert detection.told() == "120 s: checks 60 s (60 s x 1), timeouts 60 s (20 s x 3); largest: checks"


def test_a_name_that_universal_ssl_does_not_cover_is_found(tmp_path: Path) -> None:
    # ssl/edge-certificates/universal-ssl/limitations: the zone's name and one label before it
    for name, zone, covered in (
        ("example.com", "example.com", True),
        ("shop.example.com", "example.com", True),
        ("eu.shop.example.com", "example.com", False),
        ("eu.shop.example.com", "shop.example.com", True),
    ):
        codes = found(tmp_path, cloudflare(hostname=name), zone=zone)
        assert ("HK081" in codes) != covered, name


def test_an_active_region_that_takes_nobody_is_reported_but_stops_nothing(tmp_path: Path) -> None:
    for state in ("drain", "fence"):
        codes = found(tmp_path, cloudflare(), traffic={EAST: state})
        assert codes == {"HK082": "us-east-1 is active and takes no users, and no other region may take writes"}
        assert found(tmp_path, cloudflare(), traffic={WEST: state}) == {}
        assert found(tmp_path, cloudflare(), traffic={EAST: state}, mode="active-active") == {}
    nobody = {EAST: "fence", WEST: "drain"}
    assert found(tmp_path, cloudflare(), traffic=nobody, mode="active-active") == {"HK082": "no region serves"}


def test_certificates_that_need_users_are_reported(tmp_path: Path) -> None:
    assert list(found(tmp_path, cloudflare(certificates="http-01"))) == ["HK083"]
    assert found(tmp_path, cloudflare(certificates="managed")) == {}


def test_an_error_stops_the_program_before_anything_is_registered_and_can_be_accepted(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match="GlobalLoadBalancer 'shop': 1 error finding") as caught:
        run(tmp_path, cloudflare(), EAST, WEST, rto="10s")
    assert "HK080" in str(caught.value)
    accepted = run(tmp_path, cloudflare(accept={"HK080": "the drill says so"}), EAST, WEST, rto="10s")
    outputs = accepted.one("hakit:index:GlobalLoadBalancer").outputs or {}
    assert [one["accepted"] for one in outputs["accepted"]] == ["the drill says so"]


def test_a_preview_collects_the_report_with_its_one_line_summary(tmp_path: Path) -> None:
    import hakit

    (tmp_path / "topology.yaml").write_text(declare(EAST, WEST, traffic={WEST: "drain"}))
    with collecting() as reports:
        record(lambda: hakit.GlobalLoadBalancer("shop", cloudflare()), root=tmp_path)  # ty: ignore
    assert [(one.app, one.region, one.role, one.summary) for one in reports] == [
        (
            "shop",
            "",
            "",
            "shop.example.com by cloudflare, ordered: us-east-1 (active), us-west-2 (drain); a dead region is noticed "
            "in 40 s: checks 30 s (15 s x 2), timeouts 10 s (5 s x 2); largest: checks; RTO 5m",
        )
    ]
