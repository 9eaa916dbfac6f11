"""What a RestoreCheck refuses, and the mended twin that it takes."""

from typing import Any

import pytest

from hakit.errors import HakitError
from hakit.plan.restore_check_sql import read_only
from tests.unit.restore_check.given import IMAGE, spec


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": "python:3.13"}, "image: not pinned by digest"),
        ({"often": 1}, "often: unknown argument"),
        ({"namespace": "shop"}, "not one in which something else lives"),
        ({"namespace": "cnpg-system"}, "not one in which something else lives"),
        ({"databases": {}}, "databases is missing"),
        ({"databases": {"carts": {}}}, "carts: unknown argument"),
        ({"sources": ["c"]}, "databases.orders.sources: not a region of the pair"),
        ({"schedule": "0 0 4 * * *"}, "databases.orders.schedule: 6 fields"),
        ({"freshness": {}}, "databases.orders.freshness.within is missing"),
        ({"extra": {"plugins": []}}, "databases.orders.extra.plugins: hakit decides this field"),
        ({"checks": {"Rows": "select true"}}, "databases.orders.checks: not a Kubernetes name"),
        ({"checks": {f"c{n}": "select true" for n in range(13)}}, "databases.orders.checks: too many"),
        ({"checks": {"rows": "delete from orders"}}, "databases.orders.checks.rows: delete: a check that writes"),
        ({"freshness": {"within": "1h", "sql": "vacuum"}}, "databases.orders.freshness.sql: not a SELECT"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=message):
        spec(**arguments)


def test_twelve_checks_and_a_namespace_of_another_name_are_taken() -> None:
    found = spec(image=IMAGE, namespace="proofs", checks={f"c{n}": "select true" for n in range(12)})
    assert found.namespace == "proofs"
    assert len(found.databases["orders"].checks) == 12


def test_a_check_so_rare_that_the_last_good_backup_is_gone_is_refused_with_the_sum() -> None:
    """Monthly: up to 31 days between two, and 4 hours for one."""
    with pytest.raises(HakitError) as raised:
        spec(schedule="0 4 1 * *", kept="30d")
    assert "31d between two checks + 4h for one = 31d 4h; backups are kept 30d" in str(raised.value)
    assert "less than 29d 20h between two checks" in str(raised.value)
    assert spec(schedule="0 4 1 * *", kept="32d").databases["orders"].deadline == 4 * 3600


def test_a_deadline_beyond_the_rto_is_refused() -> None:
    with pytest.raises(HakitError, match="a restore that takes longer than the RTO of 1h would pass"):
        spec(deadline="2h", rto="1h")
    assert spec(deadline="1h", rto="1h").databases["orders"].deadline == 3600


def test_a_check_that_begins_before_the_last_one_must_have_ended_is_refused() -> None:
    with pytest.raises(HakitError, match="4h, and the next one begins after 1h"):
        spec(schedule="0 * * * *")
    assert spec(schedule="0 * * * *", deadline="1h").databases["orders"].deadline == 3600


READS = [
    "select count(*) > 0 from orders",
    "SELECT true;",
    "with newest as (select max(at) as at from orders) select at > now() - interval '1h' from newest",
    "select note = 'delete; drop (' from orders limit 1",
    'select "update" from orders limit 1',
    "select $$insert$$ = 'insert' -- delete it",
    "select deleted_at is null and updated > 0 from orders limit 1",
    "select name = 'it''s' from orders limit 1",
]
WRITES = [
    ("update orders set paid = true", "update: a check that writes"),
    ("with gone as (delete from orders returning id) select count(*) > 0 from gone", "delete: a check that writes"),
    ("select * into copied from orders", "into: a check that writes"),
    ("select nextval('orders_id_seq') > 0", "nextval: a check that writes"),
    ("select true; select false", "more than one statement"),
    ("select true) from orders; --", "more than one statement"),
    ("select 1) > 0, (select 1", "its parentheses do not match"),
    ("explain select 1", "not a SELECT"),
    ("select 'true", "a quote or a comment that does not end"),
    ("select true /* for now", "a quote or a comment that does not end"),
    ("set transaction read write", "not a SELECT"),
]


@pytest.mark.parametrize("sql", READS)
def test_a_statement_that_reads_is_taken(sql: str) -> None:
    assert read_only(sql, "here", "checks.rows") == sql.removesuffix(";")


@pytest.mark.parametrize(("sql", "message"), WRITES)
def test_a_statement_that_writes_or_is_more_than_one_is_refused(sql: str, message: str) -> None:
    with pytest.raises(HakitError, match=message):
        read_only(sql, "here", "checks.rows")


def test_without_a_role_or_keys_that_may_read_it_is_refused_where_pods_have_no_identity() -> None:
    from hakit.plan.restore_check_spec import specify
    from tests.unit.postgres.given import topology

    issuer = {"oidc_issuer": "https://oidc.eks.us-east-1.amazonaws.com/id/ABCDEF"}
    args = {
        "topology": "topology.yaml", "pair": "shop", "scope": "a", "image": IMAGE,
        "databases": {"orders": {"storage": "1Gi", "freshness": {"within": "1h"}}},
    }  # fmt: skip
    with pytest.raises(HakitError, match="archive: nothing says how the archives may be read"):
        specify("shop", args, topology(regions=("a", "b"), access=issuer))
    role = {"archive": {"role_arn": "arn:aws:iam::111122223333:role/acme-prod-restores"}}
    assert specify("shop", {**args, **role}, topology(regions=("a", "b"), access=issuer)).archive.role_arn
