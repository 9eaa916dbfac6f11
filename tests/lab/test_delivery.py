"""docs/adoption.md, "Objects without Helm" and "Another delivery", followed by the real engine, Helm and servers.

The Kubernetes provider is the lab's stand-in, which awaits no plain object. Nodes are simulated.
"""

from typing import Any

import pulumi.automation as auto
import pytest

from tests.lab import test_adoption as adoption
from tests.lab.pages import blocks
from tests.lab.test_adoption import STACK, System

pytestmark = [pytest.mark.lab, pytest.mark.long]

region = adoption.region
system = adoption.system

_RELEASE: dict[str, Any] = adoption._ORDERS
_OBJECTS = _RELEASE | {"delivery": "objects"}
_MARK = "ConfigMap/orders-delivered-by-hakit"


def _settled(system: System) -> dict[str, str]:
    """The pods by uid, once there are as many as there should be, all ready."""
    system.region.wait_for(
        "three pods", lambda: (len(system.region.ready_pods("shop")), len(system.pods())), lambda seen: seen == (3, 3)
    )
    return system.pods()


def _but_the_mark(found: dict[str, str]) -> dict[str, str]:
    return {name: uid for name, uid in found.items() if name != _MARK}


def _nothing_changes(system: System) -> None:
    with system.engine.stack(STACK) as stack:
        stack.preview(expect_no_changes=True)


def _refused_and_nothing_changed(system: System, args: dict[str, Any]) -> str:
    before, pods = system.objects(), system.pods()
    system.program("orders", args)
    said = system.refused()
    assert (system.objects(), system.pods()) == (before, pods)
    return " ".join(said.split())


def _left(system: System, args: dict[str, Any]) -> None:
    before, pods = system.objects(), system.pods()
    system.program("orders", args | {"leave": True})
    system.up()
    assert _MARK in before
    assert system.objects() == _but_the_mark(before), "only the mark has gone"
    assert system.pods() == pods


def test_from_a_release_to_objects_and_back_nothing_is_made_anew(system: System):
    system.program("orders", _RELEASE)
    system.up()
    objects, pods = _but_the_mark(system.objects()), _settled(system)
    assert {"PersistentVolumeClaim/orders", "Deployment/web"} < set(objects)

    for args in (_OBJECTS, _OBJECTS | {"adopt": "release"}, _OBJECTS | {"adopt": "objects"}):
        assert 'ConfigMap "orders-delivered-by-hakit" already exists' in _refused_and_nothing_changed(system, args)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
        _refused_and_nothing_changed(system, _OBJECTS)
    _left(system, _RELEASE)
    system.program("orders", _OBJECTS | {"adopt": "release"})
    system.up()
    assert _but_the_mark(system.objects()) == objects, "uids: taken over, not made anew"
    assert system.pods() == pods
    for command in blocks("adoption", "Another delivery", "sh")[0].splitlines():
        system.kubectl(command)
    assert system.helm.json("list", "--namespace", "shop", "--all") == []
    system.program("orders", _OBJECTS)
    system.up()
    _nothing_changes(system)

    said = _refused_and_nothing_changed(system, _RELEASE)
    assert "the objects of this application are resources of their own in a Pulumi stack" in said
    _left(system, _OBJECTS)
    for command in blocks("adoption", "Another delivery", "sh")[1].splitlines():
        system.kubectl(command)
    system.program("orders", _RELEASE | {"adopt": "objects"})
    system.up()
    system.program("orders", _RELEASE)
    system.up()
    _nothing_changes(system)
    assert _but_the_mark(system.objects()) == objects
    assert system.pods() == pods
    assert system.revisions() == ["1 superseded orders-1.0.0", "2 deployed orders-1.0.0"]


def test_objects_of_their_own_roll_over_and_their_claims_outlive_everything(system: System):
    system.program("orders", _OBJECTS)
    system.up()
    _settled(system)
    claim = system.objects()["PersistentVolumeClaim/orders"]
    system.program("orders", _OBJECTS | {"values": {"tag": "2"}})
    system.up()
    system.region.wait_for("pods of the new version alone", system.image_tags, lambda seen: seen == {"2"})
    _nothing_changes(system)

    with system.engine.stack(STACK) as stack:
        with pytest.raises(auto.CommandError, match="protected"):
            stack.destroy()
        urns = [each["urn"] for each in stack.export_stack().deployment["resources"] if each.get("protect")]
        assert [urn.rpartition("::")[2] for urn in urns] == ["orders-persistentvolumeclaim-orders"]
        system.engine.run(stack, "state", "unprotect", "--stack", STACK, "--yes", *urns)
        stack.destroy()
    left = system.objects()
    assert left["PersistentVolumeClaim/orders"] == claim
    assert {f"CustomResourceDefinition/{name}" for name in adoption._DEFINITIONS} < set(left)
    assert not {"Deployment/web", _MARK} & set(left)


def test_a_release_of_somebody_elses_becomes_resources_and_nothing_is_made_anew(system: System):
    adoption._installed(system)
    before = system.objects()
    system.program("orders", _OBJECTS)
    assert "already exists" in system.refused(), "not asked for, so not taken over"
    assert before.items() <= system.objects().items()
    system.program("orders", _OBJECTS | {"adopt": "objects"})
    system.up()
    assert before.items() <= system.objects().items(), "a release of somebody else's has no mark"
    system.program("orders", _OBJECTS)
    system.up()
    _nothing_changes(system)
