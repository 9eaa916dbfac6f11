"""What hakit's audit says the API server refuses, the API server refuses; in its own words, and only that.

Each trap goes to both, and so does its mended twin.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from hakit.charts.audit import audit
from hakit.charts.intent import Intent
from hakit.charts.manifests import Object
from lab.harness import LabRegion, RefusedError
from tests.lab import shop

pytestmark = pytest.mark.lab


def _container(obj: Object) -> dict[str, Any]:
    return obj["spec"]["template"]["spec"]["containers"][0]


def _two_handlers(obj: Object) -> None:
    _container(obj)["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}, "exec": {"command": ["true"]}}


def _one_handler(obj: Object) -> None:
    _container(obj)["readinessProbe"] = {"exec": {"command": ["true"]}}


def _mount_alone(obj: Object) -> None:
    _container(obj)["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]


def _mount_and_volume(obj: Object) -> None:
    _mount_alone(obj)
    obj["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]


def _both_keys(obj: Object) -> None:
    obj["spec"] |= {"minAvailable": 1, "maxUnavailable": 1}


def _one_key(obj: Object) -> None:
    obj["spec"] |= {"maxUnavailable": 1}


#: Code, kind, the trap, its mended twin, and the server's words (k8s.io/kubernetes pkg/apis/core/validation and
#: pkg/apis/policy/validation).
TRAPS = [
    ("HK010", "Deployment", _two_handlers, _one_handler, "may not specify more than 1 handler type"),
    ("HK011", "Deployment", _mount_alone, _mount_and_volume, r'volumeMounts\[0\].name: Not found: "data"'),
    ("HK016", "PodDisruptionBudget", _both_keys, _one_key, "minAvailable and maxUnavailable cannot be both set"),
]


@pytest.mark.parametrize(("code", "kind", "trap", "mended", "words"), TRAPS, ids=[each[0] for each in TRAPS])
def test_the_api_server_refuses_what_the_finding_says_it_refuses(  # noqa: PLR0917
    region: LabRegion,
    code: str,
    kind: str,
    trap: Callable[[Object], None],
    mended: Callable[[Object], None],
    words: str,
):
    def made(change: Callable[[Object], None]) -> tuple[list[Object], Object]:
        objects = shop.into("default", copy.deepcopy(shop.plain("storefront", podDisruptionBudget=_BUDGET)))
        chosen = shop.one(objects, kind)
        change(chosen)
        return objects, chosen

    objects, bad = made(trap)
    assert code in {finding.code for finding in audit(objects, Intent())}
    with pytest.raises(RefusedError, match=words) as refused:
        region.apply([bad], dry=True)
    assert refused.value.status == 422

    objects, good = made(mended)
    assert code not in {finding.code for finding in audit(objects, Intent())}
    region.apply([good], dry=True)


# The chart's template writes each key only when it is given one, so the trap's key is the only one.
_BUDGET = {"enabled": True, "minAvailable": None}
