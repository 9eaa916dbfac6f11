"""`hakit.testing`: what a recording says, and that one run knows nothing of another."""

import asyncio
from typing import Any

import pulumi
import pytest

from hakit import HakitError
from hakit.testing import UNKNOWN, Secret, record


class Thing(pulumi.CustomResource):
    out: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any] | None = None, opts: pulumi.ResourceOptions | None = None):
        super().__init__("test:index:Thing", name, {"out": None, **(props or {})}, opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None):
        super().__init__("test:index:Group", name, None, opts)
        self.child = Thing(f"{name}-child", {"size": 3}, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"size": 3, "token": pulumi.Output.secret("hidden")})


def test_a_recording_knows_inputs_parents_and_options():
    def program():
        provider = pulumi.ProviderResource("test", "east", {})
        group = Group("g", pulumi.ResourceOptions(provider=provider))
        Thing(
            "kept",
            {"deep": {"list": [1, 2.5, True, "x"]}},
            pulumi.ResourceOptions(
                protect=True,
                retain_on_delete=True,
                depends_on=[group],
                aliases=[pulumi.Alias(name="former")],
                ignore_changes=["deep"],
                replace_on_changes=["size"],
                deleted_with=group,
                import_="id-1",
            ),
        )

    found = record(program)
    kept, group = found.one("test:index:Thing", "kept"), found.one("Group")
    assert kept.inputs == {"deep": {"list": [1, 2.5, True, "x"]}}
    assert (kept.protect, kept.retain_on_delete, kept.import_id) == (True, True, "id-1")
    assert (kept.ignore_changes, kept.replace_on_changes, kept.aliases) == (("deep",), ("size",), ("former",))
    assert kept.deleted_with == group.urn == "urn:pulumi:stack::project::test:index:Group::g"
    (child,) = found.children(group)
    assert child.urn == "urn:pulumi:stack::project::test:index:Group$test:index:Thing::g-child"
    assert (child.parent, child.provider, kept.provider) == (group.urn, "east", "")
    assert child.urn in kept.depends_on, "what depends on a component depends on its children"
    assert group.outputs == {"size": 3, "token": Secret("hidden")}
    assert not group.custom


def test_in_a_first_preview_computed_outputs_are_unknown_and_their_applies_do_not_run():
    ran = []

    def program():
        first = Thing("first", {"size": 1})
        first.out.apply(ran.append)
        Thing("second", {"id": first.id, "out_of": first.out, "text": pulumi.Output.concat("x", first.id)})
        pulumi.export("id", first.id)

    found = record(program)
    assert ran == []
    assert found.one("Thing", "second").inputs == {"id": UNKNOWN, "out_of": UNKNOWN, "text": UNKNOWN}
    assert found.exports == {"id": UNKNOWN}
    assert repr(UNKNOWN) == "UNKNOWN"


def test_in_an_update_ids_are_known_and_answers_give_what_is_computed():
    def program():
        pulumi.export("both", pulumi.Output.concat(Thing("a").id, " ", Thing("b").out))

    answers = {"resources": {"test:index:Thing": lambda thing: {"out": f"out of {thing.name}"}}}
    assert record(program, preview=False, answers=answers).exports == {"both": "a-id out of b"}


def test_secrets_stay_marked_and_are_not_shown_by_their_repr():
    def program():
        Thing("t", {"plain": "x", "password": pulumi.Output.secret("s3cret!")})

    thing = record(program).one("Thing")
    assert thing.inputs == {"plain": "x", "password": Secret("s3cret!")}
    assert thing.inputs != {"plain": "x", "password": "s3cret!"}, "a test has to say that it expects a secret"
    assert "s3cret!" not in repr(thing)


def test_configuration_and_its_secrets_reach_the_program():
    def program():
        config = pulumi.Config()
        pulumi.export("size", config.require_int("size"))
        pulumi.export("list", config.require_object("list"))
        pulumi.export("token", config.require_secret("token"))
        pulumi.export("region", pulumi.Config("aws").require("region"))
        pulumi.export("place", [pulumi.get_project(), pulumi.get_stack(), pulumi.get_root_directory()])

    config = {"size": 3, "list": ["a"], "token": "t0ken", "aws:region": "r"}
    found = record(program, project="shop", stack="dev", config=config, secrets=["token"], root="/root")
    assert found.exports == {
        "size": 3,
        "list": ["a"],
        "token": Secret("t0ken"),
        "region": "r",
        "place": ["shop", "dev", "/root"],
    }


def test_invokes_are_recorded_and_answered():
    def program():
        for token in ("test:index:known", "test:index:unknown"):
            pulumi.export(token, pulumi.runtime.invoke(token, {"a": 1}).value.get("b"))

    found = record(program, answers={"invokes": {"test:index:known": lambda args: {"b": args["a"] + 1}}})
    assert found.exports == {"test:index:known": 2}
    assert [(one.token, one.args, one.answered) for one in found.invokes] == [
        ("test:index:known", {"a": 1}, True),
        ("test:index:unknown", {"a": 1}, False),
    ]
    assert [note.text for note in found.notes] == ["test:index:unknown was answered empty: only its provider knows"]


def test_a_reference_gives_known_outputs_beside_unknown_and_secret_ones():
    def program():
        other = pulumi.StackReference("org/project/net")
        for name in ("known", "unknown", "token", "missing"):
            pulumi.export(name, other.get_output(name))
        pulumi.export("required", other.require_output("known"))

    outputs = {"known": "k", "unknown": UNKNOWN, "token": Secret("t0ken")}
    found = record(program, answers={"stacks": {"net": outputs}})
    assert found.exports == {"known": "k", "unknown": UNKNOWN, "token": Secret("t0ken"), "required": "k"}


def test_an_exception_in_an_apply_that_nobody_returned_is_raised():
    def program():
        pulumi.Output.from_input(1).apply(lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        record(program)


def test_an_exception_of_the_program_is_raised_and_the_next_run_is_clean():
    def broken():
        Thing("left-over")
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match=r"^no$"):
            record(broken)
        assert [thing.name for thing in record(lambda: Thing("only")).resources] == ["only"]


def test_two_resources_with_one_urn_are_refused_as_the_engine_refuses_them():
    with pytest.raises(HakitError, match=r"two resources are test:index:Thing 'same'"):
        record(lambda: (Thing("same"), Thing("same")))


def test_transforms_run():
    def label(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True))
        return pulumi.ResourceTransformResult({**args.props, "label": args.name}, opts)

    def program():
        Thing("before")
        pulumi.runtime.register_resource_transform(label)
        Thing("after", {"size": 1})

    found = record(program)
    assert found.one("Thing", "before").inputs == {}
    assert found.one("Thing", "after").inputs == {"size": 1, "label": "after"}
    assert found.one("Thing", "after").protect


def test_logs_and_coroutines_and_a_running_event_loop_are_no_trouble():
    async def program():
        await asyncio.sleep(0)
        pulumi.log.warn("careful")
        Thing("late")

    async def test():
        return record(program)

    found = asyncio.run(test())
    assert [note.text for note in found.notes] == ["careful"]
    assert found.one("Thing").name == "late"


def test_a_lookup_that_finds_nothing_suggests_and_one_that_finds_much_lists():
    found = record(lambda: (Thing("storefront"), Thing("warehouse"), Group("g")))
    with pytest.raises(HakitError, match="did you mean 'storefront'"):
        found.one("Thing", "storfront")
    with pytest.raises(HakitError, match="did you mean 'Thing'"):
        found.one("Thingy")
    with pytest.raises(HakitError, match=r"3 resources are Thing, not one"):
        found.one("Thing")
    assert found.all("Nothing") == []


def test_a_wrong_key_in_answers_is_refused():
    with pytest.raises(HakitError, match="did you mean 'invokes'"):
        record(lambda: None, answers={"invoke": {}})


def test_recording_leaves_the_callers_event_loop_alone():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        record(lambda: Thing("t"))
        assert asyncio.get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()
