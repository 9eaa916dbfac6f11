"""The objects of a fence. That they are admitted and enough is shown in tests/lab/test_fence.py."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan import fence
from hakit.plan.arguments import Arguments
from hakit.topology import Pair, load

ROOT = Path(__file__).parents[3]
IMAGE = "registry.example/python@sha256:" + "a" * 64
TOPOLOGY = load(ROOT / "stacks" / "topology.prod.yaml")
WITNESS = tuple(f"s3://acme-prod-{region}-witness/shop.json?region={region}" for region in ("us-east-1", "us-west-2"))
PAIR = TOPOLOGY.pair("shop").model_copy(update={"witness": WITNESS})


def specify(pair: Pair = PAIR, **args: Any) -> fence.FenceSpec:
    given = Arguments({"image": IMAGE, **args}, "RegionPair 'shop'", fence.ARGUMENTS, "fence")
    return fence.specify(given, TOPOLOGY, pair, "us-east-1")


def objects(**args: Any) -> dict[str, dict[str, Any]]:
    found = fence.objects(specify(**args), TOPOLOGY, PAIR, "us-east-1", "shop")
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in found}


def test_it_reads_the_witness_in_the_other_regions_bucket_and_never_in_its_own() -> None:
    assert specify().witness == ("s3://acme-prod-us-west-2-witness/shop.json?region=us-west-2",)


def test_a_witness_that_no_region_keeps_is_read_from_everywhere() -> None:
    outside = PAIR.model_copy(update={"witness": ("https://witness.example.com/shop.json",)})
    assert specify(outside).witness == ("https://witness.example.com/shop.json",)


def test_a_pair_without_a_witness_has_no_fence_and_is_told_where_one_could_be() -> None:
    with pytest.raises(HakitError) as raised:
        specify(PAIR.model_copy(update={"witness": ()}))
    assert "pair shop has no witness" in str(raised.value)
    assert ", ".join(WITNESS) in str(raised.value)


def test_its_settings_name_what_it_watches() -> None:
    settings = json.loads(objects()["ConfigMap/shop-fence-settings"]["data"]["fence.json"])
    assert settings == {
        "region": "us-east-1",
        "namespace": "shop",
        "databases": ["orders"],
        "witness": ["s3://acme-prod-us-west-2-witness/shop.json?region=us-west-2"],
        "memory": "shop-fence-memory",
        "every": 2,
        "timeout": 3,
        "unreachable_after": None,
    }


def test_its_rights_are_these_and_no_others() -> None:
    assert objects()["Role/shop-fence"]["rules"] == [
        {"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters"], "verbs": ["list", "patch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["shop-fence-memory"],
         "verbs": ["get", "patch"]},
    ]  # fmt: skip


def test_its_memory_is_declared_without_data_so_that_an_update_never_empties_it() -> None:
    assert "data" not in objects()["ConfigMap/shop-fence-memory"]


def test_new_settings_start_new_pods() -> None:
    def mark(**args: Any) -> str:
        pod = objects(**args)["Deployment/shop-fence"]["spec"]["template"]
        return pod["metadata"]["annotations"]["hakit/program"]

    assert mark() == mark()
    assert mark() != mark(every=3)


def test_the_program_in_the_config_map_runs_where_nothing_else_is_installed(tmp_path: Path) -> None:
    """With the standard library alone (-S: no site-packages), as in a plain image."""
    for module, text in fence.code().items():
        path = tmp_path / fence.path_of(module)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "fence.json").write_text(
        json.dumps({"region": "a", "namespace": "n", "databases": [], "witness": [], "memory": "m",
                    "heartbeat": str(tmp_path / "beat")})
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-S", "-m", "hakit.fence.watch", "--alive", str(tmp_path / "fence.json")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, ""), "it has not turned yet"


def test_access_keys_come_out_of_a_secret_and_into_no_manifest() -> None:
    def env(**args: Any) -> dict[str, Any]:
        (container,) = objects(**args)["Deployment/shop-fence"]["spec"]["template"]["spec"]["containers"]
        return {each["name"]: each.get("value") or each["valueFrom"] for each in container["env"]}

    own = {"PYTHONPATH": "/code", "PYTHONDONTWRITEBYTECODE": "1"}
    assert env() == env(role_arn="arn:aws:iam::111122223333:role/reader") == own
    assert env(secret="reader") == own | {  # noqa: S106  a Secret's name
        "AWS_ACCESS_KEY_ID": {"secretKeyRef": {"name": "reader", "key": "ACCESS_KEY_ID"}},
        "AWS_SECRET_ACCESS_KEY": {"secretKeyRef": {"name": "reader", "key": "ACCESS_SECRET_KEY"}},
    }


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            {"role_arn": "arn:aws:iam::111122223333:role/reader", "secret": "reader"},
            "role_arn and secret are both given",
        ),
        ({"image": "python:3.13"}, "fence.image: not pinned by digest"),
        ({"unreachable_after": 5}, "fence.unreachable_after: too short"),
        ({"every": 0}, "fence.every: wrong value"),
        ({"interval": 2}, "fence.interval: unknown argument"),
    ],
)
def test_wrong_arguments_are_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=message):
        specify(**args)
