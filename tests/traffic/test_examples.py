"""The examples of load balancers, through the real command."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def preview(example: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "hakit.cli", "preview", str(EXAMPLES / example), "--strict", "--format", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def names(example: str) -> dict[str, list[str]]:
    return {
        stack["stack"]: sorted(one["name"] for one in stack["resources"] if one["custom"])
        for stack in preview(example)["stacks"]
    }


def _with_ready(region: str) -> list[str]:
    return [
        "shop-orders-application",
        "shop-orders-backup-g1",
        "shop-orders-cluster-g1",
        "shop-orders-created",
        "shop-orders-monitor",
        "shop-orders-service",
        "shop-orders-store-us-east-1",
        "shop-orders-store-us-west-2",
        "shop-ready-deployment",
        "shop-ready-ingress",
        "shop-ready-login",
        "shop-ready-poddisruptionbudget",
        "shop-ready-service",
        region,
    ]


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (
            "edge-cloudflare",
            {
                "prod": [
                    "shop-balancer",
                    "shop-monitor",
                    "shop-notification",
                    "shop-pool-eu-west-1",
                    "shop-pool-us-east-1",
                    "shop-pool-us-west-2",
                ]
            },
        ),
        (
            "edge-route53",
            {
                "prod": [
                    "shop-check-us-east-1",
                    "shop-check-us-west-2",
                    "shop-record-us-east-1",
                    "shop-record-us-west-2",
                    "shop-switch-us-east-1",
                    "shop-switch-us-west-2",
                ]
            },
        ),
        (
            "edge-accelerator",
            {
                "prod": [
                    "shop-accelerator",
                    "shop-group-us-east-1",
                    "shop-group-us-west-2",
                    "shop-listener",
                    "shop-record",
                ]
            },
        ),
        (
            "edge-external-dns",
            {
                "prod-us-east-1": ["shop-record-us-east-1", "us-east-1"],
                "prod-us-west-2": ["shop-record-us-west-2", "us-west-2"],
            },
        ),
        (
            "edge-ready",
            {
                "prod-traffic": [
                    "shop-balancer",
                    "shop-monitor",
                    "shop-pool-us-east-1",
                    "shop-pool-us-west-2",
                ],
                "prod-us-east-1": _with_ready("us-east-1"),
                "prod-us-west-2": _with_ready("us-west-2"),
            },
        ),
    ],
)
def test_an_example_creates_what_its_page_says(example: str, expected: dict[str, list[str]]) -> None:
    assert names(example) == expected


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ("edge-cloudflare", "40 s: checks 30 s (15 s x 2), timeouts 10 s (5 s x 2); largest: checks"),
        ("edge-route53", "96 s: checks 30 s (10 s x 3), timeouts 6 s (4 s + 2 s), TTL 60 s; largest: TTL"),
        ("edge-accelerator", "56 s: checks 20 s (10 s x 2), timeouts 6 s (6 s x 1), routing 30 s; largest: routing"),
        ("edge-external-dns", "96 s: checks 30 s (10 s x 3), timeouts 6 s (4 s + 2 s), TTL 60 s; largest: TTL"),
    ],
)
def test_an_example_says_how_soon_a_dead_region_is_noticed(example: str, told: str) -> None:
    assert {stack["exports"]["detection"] for stack in preview(example)["stacks"]} == {told}


def test_the_ready_endpoints_path_is_the_one_that_the_monitor_asks() -> None:
    (traffic,) = [stack for stack in preview("edge-ready")["stacks"] if stack["stack"] == "prod-traffic"]
    (monitor,) = [one for one in traffic["resources"] if one["name"] == "shop-monitor"]
    assert monitor["inputs"]["path"] == "/rpc/ready"


def test_only_global_accelerator_accepts_a_finding_and_no_example_leaves_one_open() -> None:
    for example in ("edge-cloudflare", "edge-route53", "edge-accelerator", "edge-external-dns"):
        for stack in preview(example)["stacks"]:
            (report,) = stack["findings"]
            assert report["open"] == []
            accepted = [one["code"] for one in report["accepted"]]
            assert accepted == (["HK084"] if example == "edge-accelerator" else [])
