"""PgBouncer before a database. That the real webhook admits it: tests/lab/test_postgres_admission.py."""

from typing import Any

import pytest

from hakit.errors import HakitError
from tests.unit.postgres.given import FAILOVER, REBUILD, objects


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert [key for key in objects("a") if "pooler" in key] == []


def test_it_is_spread_over_the_zones_and_leads_to_the_copys_primary() -> None:
    spec = objects("a", pooler={"mode": "transaction"})["pooler-g1"]["spec"]
    assert (spec["cluster"], spec["type"], spec["instances"]) == ({"name": "orders-g1"}, "rw", 3)
    assert spec["pgbouncer"] == {"poolMode": "transaction"}
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["whenUnsatisfiable"] == "DoNotSchedule"
    assert spread["labelSelector"] == {"matchLabels": {"cnpg.io/poolerName": "orders-g1-pooler"}}


def test_its_service_keeps_its_name_when_the_copy_is_rebuilt() -> None:
    found = objects("a", FAILOVER, REBUILD, pooler={})
    assert found["pooler-g2"]["spec"]["cluster"] == {"name": "orders-g2"}
    assert found["pooler"]["metadata"]["name"] == "orders-pooler"
    assert found["pooler"]["spec"]["selector"] == {"cnpg.io/poolerName": "orders-g2-pooler"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "statement"}, "pooler.mode: unknown word"),
        ({"instances": 0}, "pooler.instances: wrong value"),
        ({"parameters": {"max_client_conn": 5}}, "pooler.parameters.max_client_conn: wrong type"),
        ({"size": 3}, "pooler.size: unknown argument"),
    ],
)
def test_wrong_arguments_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=message):
        objects("a", pooler=given)
