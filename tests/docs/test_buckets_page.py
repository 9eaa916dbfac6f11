"""The page of BucketPair says what is so."""

import re
from pathlib import Path

import pytest

from hakit.components.bucket_pair_args import BucketPairArgs
from hakit.plan.buckets_rules import batch_job
from hakit.testing import Recording, record
from tests.unit.plan.buckets import spec

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "buckets.md").read_text()


def ran(number: int) -> Recording:
    """What one of the page's programs asks for."""
    first, adoption = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    run = compile((first, adoption)[number], "docs/buckets.md", "exec")
    return record(lambda: exec(run, {}), project="docs", stack="prod-shared", root=ROOT)  # noqa: S102


def test_the_program_of_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    recording = ran(0)
    lock = recording.one("BucketObjectLockConfiguration", "wal-lock-us-east-1").inputs["rule"]
    assert lock == {"defaultRetention": {"mode": "COMPLIANCE", "days": 35}}


def test_the_program_that_adopts_a_bucket_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    recording = ran(1)
    assert {each.import_id for each in recording.resources} == {"", "acme-backups@us-east-1"}
    (note,) = [each.text for each in recording.notes if each.kind == "warning"]
    assert note.startswith("bucket acme-backups in us-east-1 is taken over")


def test_the_command_of_the_page_is_the_one_that_is_printed() -> None:
    (shown,) = re.findall(r"^(aws s3control .*) \.\.\.$", PAGE, re.MULTILINE)
    assert batch_job(spec(), "us-east-1").startswith(shown + " ")


def test_the_page_names_every_argument() -> None:
    table = PAGE.partition("## Arguments")[2].partition("##")[0]
    assert [name for name in BucketPairArgs.__annotations__ if f"| `{name}` |" not in table] == []
