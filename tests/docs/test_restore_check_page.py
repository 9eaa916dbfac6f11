"""The page of restore checks says what is so, and its example is what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hakit.components import restore_check_args
from hakit.verify.outcome import CODES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "restore-check.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "restore-check" / "__main__.py"


def test_the_programs_of_the_page_are_the_examples() -> None:
    found = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    for block in found:
        assert block in EXAMPLE.read_text(encoding="utf-8")


def test_every_outcome_and_its_code_stand_in_the_table_and_in_the_commands_help() -> None:
    assert re.findall(r"^\| (\d+) \| `([\w-]+)` \|", PAGE, re.MULTILINE) == [
        (str(code), word) for word, code in CODES.items()
    ]
    command = [sys.executable, "-m", "hakit.cli", "verify-backup", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert [code for code in CODES.values() if f"{code}:" not in said] == []


@pytest.mark.parametrize("args", [restore_check_args.RestoreCheckArgs, restore_check_args.RestoreDatabaseArgs])
def test_the_page_names_every_argument(args: type) -> None:
    table = PAGE.partition("## Arguments")[2].partition("\n## ")[0]
    assert [name for name in args.__annotations__ if f"`{name}`" not in table] == []


def test_the_example_tries_both_archives_in_both_regions_and_has_no_finding() -> None:
    command = [sys.executable, "-m", "hakit.cli", "preview", str(EXAMPLE.parent), "--strict", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    stacks = json.loads(done.stdout)["stacks"]
    assert [each["stack"] for each in stacks] == ["prod-us-east-1", "prod-us-west-2"]
    for each in stacks:
        assert each["exports"]["checks"] == ["orders-from-us-east-1", "orders-from-us-west-2"]
