"""The runbook of restores: what it names is there, and what it says a recovery says was said by one.

Its `hakit` commands run like those of every page. Its `kubectl` commands run in tests/lab/test_restores.py."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hakit.topology import names
from hakit.topology.loading import load
from hakit.topology.names import Copy
from tests.docs.test_backup_page import preview
from tests.unit.postgres.test_restore import specified

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runbooks" / "restore.md").read_text(encoding="utf-8")
LOGS = ROOT / "tests" / "unit" / "restore_check" / "logs"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[str]:
    """Of the `sh` blocks, each in one line."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines if line.startswith(program)]


def targets() -> dict[str, Any]:
    (block,) = blocks("python")
    found: dict[str, Any] = {}
    exec(compile(block, "docs/runbooks/restore.md", "exec"), {}, found)  # noqa: S102
    return found


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("to_a_time", "targetTime"),
        ("just_before_it", "exclusive"),
        ("to_a_place", "targetLSN"),
        ("to_a_name", "targetName"),
        ("to_the_end_of_a_backup", "targetImmediate"),
    ],
)
def test_each_target_of_the_page_is_one(name: str, field: str) -> None:
    restored = specified(targets()[name]).restored
    assert restored is not None
    assert field in restored.target


def test_without_one_all_that_is_archived_comes_back() -> None:
    assert len(targets()) == 6
    restored = specified(targets()["to_all_that_is_archived"]).restored
    assert restored is not None
    assert restored.target == {}


def test_what_the_commands_name_is_what_the_example_makes() -> None:
    objects = [one for each in preview("restore-pitr")["prod-us-east-1"]["resources"] for one in each["objects"]]
    there = {f"{one['kind'].lower()} {one['name']}" for one in objects if one["namespace"] == "shop"}
    asked = [re.search(r"--namespace shop get (\S+ \S+)", each) for each in commands("kubectl")]
    named = {found[1] for found in asked if found and not found[1].endswith(("--selector", "--output"))}
    assert named == {"objectstore orders-us-east-1", "cluster orders-rescued-g1"}
    assert named <= there
    clusters = set(re.findall(r"cnpg\.io/cluster=([\w-]+)", " ".join(commands("kubectl"))))
    assert {f"cluster {name}" for name in clusters} <= there


def test_the_places_in_the_bucket_are_those_of_the_archive() -> None:
    topology = load(ROOT / "examples" / "restore-pitr" / "topology.yaml")
    archive = names.archive("shop", "orders", Copy("us-east-1", 1))
    place = f"s3://{names.bucket_of(topology, 'us-east-1', 'wal')}/{archive}"
    found = [word for each in commands("aws s3 ls") for word in each.split() if word.startswith("s3://")]
    assert found == [f"{place}/base/", f"{place}/wals/"]


def test_what_the_page_says_of_a_failed_recovery_was_said_by_a_real_one() -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in LOGS.glob("*.jsonl"))
    said = said.replace('\\"', '"').replace('": ', '":')
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) == 5
    told = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    told += re.findall(r"`(last completed transaction[^`]+)`", PAGE)
    missing = [text for text in told if not all(part in said for part in text.split("..."))]
    assert missing == []


def test_velero_is_asked_about_the_schedule_and_the_restore_of_the_page_of_backups() -> None:
    text = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    restore = yaml.safe_load(block)
    asked = " ".join(commands("kubectl"))
    schedule = restore["spec"]["backupName"].rpartition("-")[0]
    assert f"--selector velero.io/schedule-name={schedule}" in asked
    assert f"restores.velero.io {restore['metadata']['name']} " in asked
    (namespace,) = restore["spec"]["namespaceMapping"].values()
    assert f"--namespace {namespace} get persistentvolumeclaims" in asked
