"""RcloneCopy as a program registers it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import record
from tests.unit.topology.example import EXAMPLE, with_handovers

STORES = {name: {"bucket": f"files-{name}", "secret": "s3"} for name in ("us-east-1", "us-west-2")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "topology.yaml").write_text(EXAMPLE)
    return tmp_path


def copying(region: str, **arguments: Any) -> Callable[[], None]:
    def program() -> None:
        args: Any = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": region,
            "namespace": "shop",
            "stores": STORES,
            "rpo": 1800,
            **arguments,
        }
        opts = pulumi.ResourceOptions(provider=hakit.kubernetes_provider("topology.yaml", region))
        made = hakit.RcloneCopy("files", args, opts)
        pulumi.export("role", made.role)
        pulumi.export("region", made.region)

    return program


def test_a_failover_turns_the_direction(project: Path) -> None:
    for handovers, active in (((), "us-east-1"), (("{kind: failover, to: us-west-2, accept_loss: 30s}",), "us-west-2")):
        if handovers:
            (project / "topology.yaml").write_text(with_handovers(*handovers))
        for region, other in (("us-east-1", "us-west-2"), ("us-west-2", "us-east-1")):
            found = record(copying(region), root=project)
            job = found.one("kubernetes:batch/v1:CronJob")
            assert job.name == f"files-copy-{other}"
            assert job.inputs["spec"]["suspend"] == (region != active)
            assert found.exports == {"role": "active" if region == active else "standby", "region": region}


def test_nothing_is_registered_when_an_argument_is_wrong(project: Path) -> None:
    with pytest.raises(HakitError, match="topology is missing"):
        record(copying("us-east-1", topology=None), root=project)
    with pytest.raises(HakitError, match="out of reach of a copy every 30 min"):
        record(copying("us-east-1", every=30), root=project)
