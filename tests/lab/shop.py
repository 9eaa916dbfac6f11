"""The reference system as a user runs it, down to the objects; and its chart as it is without hakit."""

import contextlib
import copy
import functools
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hakit.charts.manifests import Object
from hakit.charts.render import Release, render
from hakit.charts.source import load
from hakit.testing import Recording, Secret, record

ROOT = Path(__file__).resolve().parents[2]
#: The stack of each role; nothing has been handed over, so the founding region is active.
ACTIVE, STANDBY = "prod-us-east-1", "prod-us-west-2"
SESSION_KEY = "lab-session-key"


@functools.cache
def _recording(stack: str) -> Recording:
    """stacks/ itself, run by hakit's recording monitor: nothing is repeated here that could differ from it."""

    def program() -> None:
        with _stacks_on_path():
            runpy.run_path(str(ROOT / "stacks" / "__main__.py"))

    with contextlib.chdir(ROOT):
        return record(
            program,
            project="hakit-reference",
            stack=stack,
            config={"sessionKey": SESSION_KEY, "ordersPassword": "lab-orders-password"},
            secrets=["sessionKey", "ordersPassword"],
            preview=False,
            root=ROOT,
        )


@contextlib.contextmanager
def _stacks_on_path() -> Iterator[None]:
    sys.path.insert(0, str(ROOT / "stacks"))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT / "stacks"))
        for name in ("region", "shared", "traffic"):
            sys.modules.pop(name, None)


def objects(app: str, stack: str = ACTIVE) -> list[Object]:
    """The objects of an app's release as stacks/ asks for them, hardened."""
    release = _recording(stack).one("kubernetes:helm.sh/v3:Release", f"shop-{app}-release")
    found = _plain(release.inputs["values"])["objects"]
    return copy.deepcopy(list(found.values()))


def values(app: str, stack: str = ACTIVE) -> dict[str, Any]:
    release = _recording(stack).one("kubernetes:helm.sh/v3:Release", f"shop-{app}-release")
    return copy.deepcopy(_plain(release.inputs["values"]))


def frozen(app: str, stack: str = ACTIVE) -> Path:
    """The folder of the frozen chart that the release names."""
    release = _recording(stack).one("kubernetes:helm.sh/v3:Release", f"shop-{app}-release")
    return (ROOT / release.inputs["chart"]).resolve()


def plain(app: str, **given: Any) -> list[Object]:
    """The chart as Helm alone would deploy it."""
    chart = load(f"examples/charts/{app}", ROOT)
    return render(chart, {"session": {"key": SESSION_KEY}, **given}, Release(app, "shop"))


def one(found: list[Object], kind: str, name: str = "storefront") -> Object:
    (only,) = [obj for obj in found if obj["kind"] == kind and obj["metadata"]["name"] == name]
    return only


def into(namespace: str, found: list[Object]) -> list[Object]:
    """The same objects in another namespace; some name theirs themselves."""
    return [{**obj, "metadata": {**obj["metadata"], "namespace": namespace}} for obj in found]


def _plain(value: Any) -> Any:
    """Recorded inputs without the marks on secrets."""
    if isinstance(value, Secret):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
