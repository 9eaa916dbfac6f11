"""The upgrade gate: the state that an earlier commit wrote, previewed by the code as it is now, replaces and deletes
nothing.

The states are those of the reference stacks, in tests/lab/states/. When a change of hakit or of stacks/ is meant to
replace something, or when resources have come that the gate should know, write them anew and commit them:

    .venv/bin/python -m tests.lab.write_states

That deploys the system of this commit into two control planes. Look at what `git diff` shows before you commit it.
"""

import contextlib
import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pulumi.automation as auto
import pytest

from lab.harness.engine import Engine
from tests.lab.conftest import need
from tests.lab.test_engine import STACKS
from tests.lab.write_states import OF_THE_MACHINE, STATES

pytestmark = pytest.mark.lab

#: What a preview may do to what an earlier commit deployed.
_HARMLESS = {"same", "create", "update", "read", "refresh"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine whose clusters nobody answers for: a preview asks none of them."""
    need("pulumi")
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(json.dumps(_NOWHERE), encoding="utf-8")
    with Engine(tmp_path / "engine", dict.fromkeys(("prod-use1", "prod-usw2"), nowhere)) as found:
        yield found


_NOWHERE = {
    "clusters": [{"cluster": {"server": "https://127.0.0.1:1", "certificate-authority": "/nowhere"}}],
    "users": [{"user": {"token": "none"}}],
}


@contextlib.contextmanager
def _deployed(engine: Engine, stack: str, state: str) -> Generator[auto.Stack]:
    """A stack with a stored state, as if it were running."""
    content = json.loads(state)
    for each in content["deployment"]["resources"]:
        if each["type"].startswith("cloudflare:"):  # a pool's monitor has to be there
            engine.store.put(each["type"], each["id"], each["outputs"])
    with engine.stack(stack) as opened:
        opened.import_stack(auto.Deployment(**content))
        yield opened


def _previewed(engine: Engine, stack: str, state: str) -> dict[str, str]:
    """What a preview does to a stored state: the operation by resource, without those that harm nothing."""
    found: dict[str, str] = {}

    def event(each: auto.EngineEvent) -> None:
        if each.resource_pre_event:
            found[each.resource_pre_event.metadata.urn] = each.resource_pre_event.metadata.op.value

    with _deployed(engine, stack, state) as opened:
        opened.preview(on_event=event)
    assert found, "there was something to look at"
    return {urn.rpartition("::")[2]: op for urn, op in found.items() if op not in _HARMLESS}


@pytest.mark.parametrize("stack", STACKS)
def test_what_an_earlier_commit_deployed_is_neither_replaced_nor_deleted(engine: Engine, stack: str):
    assert _previewed(engine, stack, (STATES / f"{stack}.json").read_text(encoding="utf-8")) == {}, (
        "a user who upgrades would lose these; give the resource an alias, or see this file's first lines"
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("stack", "child", "renamed"),
    [
        ("prod-us-east-1", "shop-storefront-release", "shop-storefront-chart"),
        ("prod-shared", "wal-access-role-us-east-1", "wal-role-us-east-1"),
    ],
)
def test_the_gate_sees_a_child_that_got_another_name(engine: Engine, stack: str, child: str, renamed: str):
    """As if the commit before had called it so."""
    state = (STATES / f"{stack}.json").read_text(encoding="utf-8")
    assert f'::{child}"' in state
    assert _previewed(engine, stack, state.replace(f'::{child}"', f'::{renamed}"')) == {renamed: "delete"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("now", "before"),
    [
        ('::wal-bucket-us-east-1"', '::wal-data-us-east-1"'),  # its name in the program
        ('"acme-prod-us-east-1-wal"', '"acme-us-east-1-wal"'),  # its name in S3: another one is another bucket
    ],
)
def test_the_gate_sees_a_bucket_that_would_go_and_pulumi_itself_refuses(engine: Engine, now: str, before: str):
    state = (STATES / "prod-shared.json").read_text(encoding="utf-8")
    assert now in state
    with (
        _deployed(engine, "prod-shared", state.replace(now, before)) as opened,
        pytest.raises(auto.CommandError, match="protect"),
    ):
        engine.run(opened, "preview", "--stack", "prod-shared")


@pytest.mark.parametrize("stack", STACKS)
def test_a_stored_state_has_no_secret_in_the_clear_and_no_folder_of_a_machine(stack: str):
    text = (STATES / f"{stack}.json").read_text(encoding="utf-8")
    assert len(text) < 400_000
    for word in ("/root", "/home", "/Users", *OF_THE_MACHINE, '"plaintext"'):
        assert word not in text, word
