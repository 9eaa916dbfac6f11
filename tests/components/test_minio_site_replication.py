"""MinioSiteReplication as a program registers it."""

from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recording, record
from tests.unit.topology.example import EXAMPLE, with_handovers

ENDPOINTS = {name: f"https://minio.{name}.example.com" for name in ("us-east-1", "us-west-2")}


def joined(root: Path, region: str, text: str = EXAMPLE, **arguments: Any) -> Recording:
    (root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (root / "topology.yaml").write_text(text)

    def program() -> None:
        args: Any = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": region,
            "namespace": "shop",
            "unmaintained": "there until we have moved",
            "sites": {name: {"endpoint": each, "secret": f"minio-{name}"} for name, each in ENDPOINTS.items()},
            **arguments,
        }
        opts = pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", region))
        made = hakit.MinioSiteReplication("objects", args, opts)
        pulumi.export("sites", made.sites)
        pulumi.export("region", made.region)

    return record(program, root=root)


def test_the_founded_region_has_the_job_whatever_is_active(tmp_path: Path) -> None:
    failed_over = with_handovers("{kind: failover, to: us-west-2, accept_loss: 30s}")
    for text in (EXAMPLE, failed_over):
        found = joined(tmp_path, "us-east-1", text)
        assert found.one("kubernetes:batch/v1:Job").name == "objects-sites"
        assert found.exports == {"sites": list(ENDPOINTS.values()), "region": "us-east-1"}
        other = joined(tmp_path, "us-west-2", text)
        assert [each for each in other.resources if each.type.startswith("kubernetes:")] == []


def test_nothing_is_registered_when_an_argument_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="topology is missing"):
        joined(tmp_path, "us-east-1", topology=None)
    with pytest.raises(HakitError, match="unmaintained is missing"):
        joined(tmp_path, "us-east-1", unmaintained=None)
