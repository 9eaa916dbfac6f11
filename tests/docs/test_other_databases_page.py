"""The page of the other data stores says what is so, and its example is what it says."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hakit.components import (
    mariadb_cluster_args,
    minio_site_replication_args,
    rclone_copy_args,
    redis_sentinel_args,
)
from hakit.plan import rclone
from lab.fetched import STORES
from tests.lab.test_other_stores import PREVIEW

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "other-databases.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """What stands under a heading, down to the next one of its rank or above."""
    rank = title.partition(" ")[0]
    _, _, rest = PAGE.partition(f"\n{title}\n")
    assert rest, title
    return re.split(rf"^#{{2,{len(rank)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("title", "args"),
    [
        ("## MariaDB", mariadb_cluster_args.MariaDbClusterArgs),
        ("## rclone copy", rclone_copy_args.RcloneCopyArgs),
        ("## Redis with Sentinel", redis_sentinel_args.RedisSentinelArgs),
        ("## MinIO", minio_site_replication_args.MinioSiteReplicationArgs),
    ],
)
def test_the_page_names_every_argument(title: str, args: type) -> None:
    table = section(title).partition("### Arguments")[2]
    assert [name for name in args.__annotations__ if f"`{name}`" not in table] == []


def test_the_versions_are_those_that_the_tests_have() -> None:
    titles = {"mariadb": "## MariaDB", "redis": "## Redis with Sentinel", "xtradb": "## MySQL"}
    for name, _, version, _ in STORES:
        assert version.removeprefix("v") in section(titles[name])


def test_the_fields_of_the_preview_are_those_that_the_lab_leaves_out() -> None:
    for field in PREVIEW:
        assert f"`{field.removeprefix('.spec.')}`" in section("### Across two regions")


@cache
def preview() -> dict[str, Any]:
    command = [sys.executable, "-m", "hakit.cli", "preview", "examples/data-stores", "--strict", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {stack["stack"]: stack for stack in json.loads(done.stdout)["stacks"]}


def created(stack: str, component: str) -> list[str]:
    names = [one["name"] for one in preview()[stack]["resources"] if one["custom"]]
    return sorted(name.removeprefix(f"{component}-") for name in names if name.startswith(f"{component}-"))


def test_the_example_has_the_catalog_in_both_regions() -> None:
    members = ["member-catalog-g1-us-east-1", "member-catalog-g1-us-west-2"]
    active = ["backup-g1", "created", "database-g1", "grant-g1", "mariadb-g1", *members, "user-g1"]
    assert created("prod-us-east-1", "catalog") == active
    assert created("prod-us-west-2", "catalog") == ["created", "mariadb-g1", *members]


def test_the_example_copies_uploads_from_the_active_region() -> None:
    assert created("prod-us-east-1", "uploads") == ["copy-us-west-2"]
    assert created("prod-us-west-2", "uploads") == ["copy-us-east-1"]


def test_the_image_of_rclone_is_the_program_that_the_tests_run() -> None:
    program = Path(sys.executable).with_name("rclone")
    told = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    version = told.splitlines()[0].removeprefix("rclone v")
    assert f"rclone/rclone:{version}" == rclone.IMAGE
    assert f"| rclone | {version} |" in PAGE


def test_the_example_has_sessions_of_its_own_in_each_region() -> None:
    for region in ("us-east-1", "us-west-2"):
        found = created(f"prod-{region}", "sessions")
        assert found == ["budget", "config", "replication", "sentinel", "sentinel-budget"]


def test_the_example_joins_object_stores_from_the_founded_region_alone() -> None:
    assert created("prod-us-east-1", "objects") == ["sites"]
    assert created("prod-us-west-2", "objects") == []
