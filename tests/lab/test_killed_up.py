"""The engine is killed in the middle of an `up`: what it leaves, and that docs/interrupted.md leads on from there."""

import json
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pulumi.automation as auto
import pytest

from lab.harness.engine import Engine
from lab.harness.waiting import wait_for
from lab.providers.aws_s3 import BUCKET
from tests.lab.conftest import need
from tests.lab.pages import block

pytestmark = pytest.mark.lab

STACK = "prod-shared"
#: The section of docs/interrupted.md.
_DIED = "The engine died: a lost CI runner, a full memory, a closed laptop"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    need("pulumi")
    with Engine(tmp_path / "engine", program=Path(__file__).parent / "programs" / "data.py") as found:
        yield found


def _kill_an_up(engine: Engine, stack: auto.Stack) -> None:
    """`up` dies, and all that it started with it, once the cloud has made both buckets and before it has said so."""
    engine.store.hold(BUCKET)
    with engine.command(stack, "up", "--stack", STACK, "--yes", "--skip-preview") as running:
        wait_for("both buckets and the role", lambda: _made(engine), lambda seen: len(seen) == 3)
        assert running.poll() is None
    assert running.returncode == -signal.SIGKILL
    engine.store.let_go(BUCKET)


def _made(engine: Engine) -> list[str]:
    try:
        buckets = engine.aws("s3", "us-east-1").list_buckets()["Buckets"]
        roles = engine.aws("iam", "us-east-1").list_roles()["Roles"]
    except FileNotFoundError:  # nobody asked for AWS yet
        return []
    return [each["Name"] for each in buckets] + [each["RoleId"] for each in roles]


def _pending(stack: auto.Stack) -> set[str]:
    operations = stack.export_stack().deployment.get("pending_operations") or []
    return {each["resource"]["urn"].rpartition("::")[2] for each in operations}


def _resources(stack: auto.Stack) -> dict[str, bool]:
    """What the state knows, by name, and whether it is protected."""
    found = stack.export_stack().deployment["resources"]
    return {each["urn"].rpartition("::")[2]: each.get("protect", False) for each in found if each["custom"]}


def test_a_killed_up_leaves_a_lock_and_the_message_says_how_to_go_on(engine: Engine):
    with engine.stack(STACK) as stack:
        _kill_an_up(engine, stack)
    with engine.stack(STACK) as stack:
        for act in (stack.up, stack.refresh, stack.destroy):
            with pytest.raises(auto.CommandError) as refused:
                act()
            assert block("interrupted", _DIED, "text").strip() in str(refused.value), "docs/interrupted.md quotes it"
        assert _pending(stack) == {"data-us-east-1", "data-us-west-2"}
        assert stack.preview().change_summary["create"] == 2, "looking is allowed, and changes nothing"
        stack.cancel()
        with pytest.raises(auto.CommandError) as refused:
            stack.up()
    for said in ("with 2 pending operations", "interrupted while creating", "BucketAlready"):
        assert said in str(refused.value)
    assert len(_made(engine)) == 3, "nothing was overwritten or removed"


@pytest.mark.long
def test_after_a_killed_up_the_commands_of_the_page_take_in_what_was_made(engine: Engine):
    adopt = engine.project / "adopt.json"
    with engine.stack(STACK) as stack:
        _kill_an_up(engine, stack)
        engine.aws("s3", "us-west-2").put_object(Bucket="data-us-west-2", Key="order", Body=b"1")
        made = _made(engine)
        for command in block("interrupted", _DIED, "sh").splitlines():
            words = shlex.split(command)
            engine.run(stack, *words[1:], *(["--yes"] if words[1] == "up" else []))
            if words[1] == "preview":
                _fill_in(adopt, {"data-us-east-1": "data-us-east-1", "data-us-west-2": "data-us-west-2@us-west-2"})
        assert _pending(stack) == set()
        assert _resources(stack)["data-us-east-1"] is True
        assert _resources(stack)["data-us-west-2"] is False, "protection is what the program says"
        stack.preview(expect_no_changes=True)
        stack.refresh(expect_no_changes=True)
    assert _made(engine) == made, "the role too is the same one"
    assert engine.aws("s3", "us-west-2").get_object(Bucket="data-us-west-2", Key="order")["Body"].read() == b"1"


def _fill_in(file: Path, ids: dict[str, str]) -> None:
    """What the page asks a person to do."""
    content = json.loads(file.read_text(encoding="utf-8"))
    assert {each["id"] for each in content["resources"]} == {"<PLACEHOLDER>"}
    content["resources"] = [each | {"id": ids[each["name"]]} for each in content["resources"] if each["name"] in ids]
    file.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.long
def test_after_a_killed_up_what_was_never_made_is_made(engine: Engine):
    with engine.stack(STACK) as stack:
        _kill_an_up(engine, stack)
        for name, region in (("data-us-east-1", "us-east-1"), ("data-us-west-2", "us-west-2")):
            engine.aws("s3", region).delete_bucket(Bucket=name)
        stack.cancel()
        assert stack.up().summary.result == "succeeded"
        stack.refresh(clear_pending_creates=True)
        stack.preview(expect_no_changes=True)
        assert _pending(stack) == set()
    assert len(_made(engine)) == 3


@pytest.mark.long
def test_importing_pending_creates_at_a_refresh_takes_nothing_in(engine: Engine):
    """The trap that the page warns of. When this fails, Pulumi does it again, and the page can be shorter."""
    urn = f"urn:pulumi:{STACK}::hakit-reference::test:index:Pair$aws:s3/bucket:Bucket::data-us-east-1"
    with engine.stack(STACK) as stack:
        _kill_an_up(engine, stack)
        stack.cancel()
        pending = ("--import-pending-creates", urn, "--import-pending-creates", "data-us-east-1")
        engine.run(stack, "refresh", "--stack", STACK, "--yes", *pending)
        assert "data-us-east-1" not in _resources(stack)
        assert "data-us-east-1" not in _pending(stack)
