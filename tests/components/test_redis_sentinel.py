"""RedisSentinel as a program registers it."""

from pathlib import Path
from typing import Any

import pulumi
import pytest

import hakit
from hakit.errors import HakitError
from hakit.testing import Recording, record
from tests.unit.topology.example import EXAMPLE


def sessions(root: Path, options: dict[str, Any] | None = None, **arguments: Any) -> Recording:
    (root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (root / "topology.yaml").write_text(EXAMPLE)

    def program() -> None:
        args: Any = {
            "topology": "topology.yaml",
            "pair": "shop",
            "scope": "us-east-1",
            "namespace": "shop",
            "storage": "5Gi",
            "password": {"secret": "sessions"},
            "regional": "sessions may end",
            **arguments,
        }
        provider = hakit.kubernetes_provider("topology.yaml", "us-east-1")
        opts = pulumi.ResourceOptions(provider=provider, **(options or {}))
        made = hakit.RedisSentinel("sessions", args, opts)
        for key in ("sentinel_host", "master_name", "region", "role"):
            pulumi.export(key, getattr(made, key))

    return record(program, root=root)


def test_the_replication_comes_before_its_sentinels_and_is_kept(tmp_path: Path) -> None:
    found = {each.name: each for each in sessions(tmp_path).resources if each.type.startswith("kubernetes:")}
    assert sorted(found) == [
        "sessions-budget",
        "sessions-config",
        "sessions-replication",
        "sessions-sentinel",
        "sessions-sentinel-budget",
    ]
    needs = {urn.rpartition("::")[2] for urn in found["sessions-sentinel"].depends_on}
    assert {"sessions-replication", "sessions-config"} <= needs
    assert [name for name, each in found.items() if each.protect and each.retain_on_delete] == ["sessions-replication"]


def test_a_client_is_told_whom_to_ask(tmp_path: Path) -> None:
    assert sessions(tmp_path).exports == {
        "sentinel_host": "sessions-sentinel.shop.svc",
        "master_name": "sessions",
        "region": "us-east-1",
        "role": "active",
    }


def test_protection_ends_only_with_a_reason(tmp_path: Path) -> None:
    found = sessions(tmp_path, without_protection="a preview environment").resources
    assert not any(each.protect or each.retain_on_delete for each in found if each.type.startswith("kubernetes:"))
    with pytest.raises(HakitError, match="protect=False: the data would go with the stack"):
        sessions(tmp_path, options={"protect": False})


def test_nothing_is_registered_when_an_argument_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(HakitError, match="topology is missing"):
        sessions(tmp_path, topology=None)
    with pytest.raises(HakitError, match="regional is missing"):
        sessions(tmp_path, regional=None)
