"""The page of migration: its program runs, its table names every argument, its commands are for what is adopted."""

import re
from pathlib import Path

import pytest

from hakit.components.postgres_cluster_args import AdoptArgs
from tests.docs.test_documentation import blocks, run_block

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "migration.md"


def test_the_program_runs_and_names_the_cluster_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = run_block(blocks(PAGE, "python")[0])
    cluster = found.one("kubernetes:postgresql.cnpg.io/v1:Cluster")
    assert cluster.inputs["metadata"]["name"] == "shop-cluster"
    assert cluster.import_id == "shop/shop-cluster"


def test_the_table_names_every_argument() -> None:
    text = PAGE.read_text()
    assert [name for name in AdoptArgs.__annotations__ if f"`adopt.{name}`" not in text] == []


def test_the_commands_leave_the_clusters_data_alone() -> None:
    commands = "\n".join(blocks(PAGE, "sh"))
    assert re.findall(r"delete (\S+)", commands) == ["secret", "scheduledbackups.postgresql.cnpg.io"]
