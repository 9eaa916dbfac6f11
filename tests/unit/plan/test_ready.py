"""The objects of the ready endpoint. That its function says what it should, and its login may do no more, is shown with
real databases in tests/lab/test_postgres_pair.py; that the objects are admitted in tests/lab/test_ready_endpoint.py.
PostgREST itself runs in no test."""

import re
from typing import Any

import pytest

from hakit.charts.audit import audit
from hakit.charts.intent import Intent
from hakit.errors import HakitError
from hakit.plan import ready, ready_objects
from hakit.plan.arguments import Arguments
from hakit.topology.model import Pair
from tests.unit.postgres.given import cluster, topology

FACTS = {"host": "orders-rw.shop.svc", "port": "5432", "name": "orders", "user": "app", "secret": "orders-app"}
TOPOLOGY = topology(regions=("us-east-1", "us-west-2"))
PAIR = TOPOLOGY.pair("shop")


def specify(pair: Pair = PAIR, **args: Any) -> ready.ReadySpec:
    given = Arguments({"password": "s3cret", **args}, "RegionPair 'shop'", ready.ARGUMENTS, "ready")
    return ready.specify(given, pair, "us-east-1")


def objects(**args: Any) -> dict[str, dict[str, Any]]:
    found = ready_objects.objects(specify(**args), "shop", TOPOLOGY.region("us-east-1"), "shop", FACTS)
    return {each["kind"]: each for each in found}


def pod() -> dict[str, Any]:
    return dict(objects()["Deployment"]["spec"]["template"]["spec"])


def container() -> dict[str, Any]:
    (only,) = pod()["containers"]
    return dict(only)


def test_it_is_postgrest_with_these_settings_and_its_password_from_a_secret() -> None:
    env = {each["name"]: each.get("value", each.get("valueFrom")) for each in container()["env"]}
    assert env == {
        "PGHOST": "orders-rw.shop.svc",
        "PGPORT": "5432",
        "PGDATABASE": "orders",
        "PGUSER": "hakit_ready",
        "PGPASSWORD": {"secretKeyRef": {"name": "shop-ready", "key": "password"}},
        "PGSSLMODE": "require",
        "PGCONNECT_TIMEOUT": "3",
        "PGOPTIONS": "-c statement_timeout=3s",
        "PGRST_DB_URI": "postgresql://?keepalives_idle=5&keepalives_interval=2&keepalives_count=2"
        "&tcp_user_timeout=3000",
        "PGRST_DB_SCHEMAS": "hakit",
        "PGRST_DB_ANON_ROLE": "hakit_ready",
        "PGRST_DB_POOL": "2",
        "PGRST_DB_POOL_ACQUISITION_TIMEOUT": "3",
        "PGRST_DB_CHANNEL_ENABLED": "false",
        "PGRST_DB_CONFIG": "false",
        "PGRST_OPENAPI_MODE": "disabled",
        "PGRST_LOG_LEVEL": "crit",
        "PGRST_SERVER_PORT": "3000",
        "PGRST_ADMIN_SERVER_PORT": "3001",
    }


def test_its_probes_ask_postgrest_itself_so_that_a_standbys_pods_are_ready() -> None:
    probes = {key: container()[key]["httpGet"] for key in ("readinessProbe", "livenessProbe")}
    assert probes == {
        "readinessProbe": {"path": "/ready", "port": "admin"},
        "livenessProbe": {"path": "/live", "port": "admin"},
    }
    ports = {each["name"]: each["containerPort"] for each in container()["ports"]}
    assert ports == {"http": 3000, "admin": 3001}


def test_the_service_leads_to_the_port_that_answers_checks_and_not_to_the_admin_server() -> None:
    service = objects()["Service"]["spec"]
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    labels = objects()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()


def test_it_is_hardened_as_applications_are() -> None:
    spread = {each["topologyKey"]: each["whenUnsatisfiable"] for each in pod()["topologySpreadConstraints"]}
    assert spread == {"topology.kubernetes.io/zone": "DoNotSchedule", "kubernetes.io/hostname": "ScheduleAnyway"}
    assert objects()["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    assert objects()["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert audit(objects(ingress={"hostname": "shop.example.com"}).values(), Intent(namespace="shop")) == []


def test_its_pod_asks_for_no_right_at_all() -> None:
    assert (pod()["automountServiceAccountToken"], pod()["enableServiceLinks"]) == (False, False)
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_ingress_has_the_one_path_of_both_names_that_checks_ask_for() -> None:
    ingress = objects(ingress={"hostname": "shop.example.com", "class_name": "nginx", "tls_secret": "shop-tls"})[
        "Ingress"
    ]
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == [
        "shop.example.com",
        "us-east-1.origin.shop.example.com",
    ]
    for rule in ingress["spec"]["rules"]:
        (path,) = rule["http"]["paths"]
        assert (path["path"], path["pathType"]) == ("/rpc/ready", "Exact"), "the rest is the application's"
        assert path["backend"]["service"] == {"name": "shop-ready", "port": {"name": "http"}}
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [
        {"hosts": ["shop.example.com", "us-east-1.origin.shop.example.com"], "secretName": "shop-tls"}
    ]


def test_there_is_no_ingress_unless_it_is_asked_for() -> None:
    assert sorted(objects()) == ["Deployment", "PodDisruptionBudget", "Service"]


def test_the_founded_copy_makes_the_function_and_every_copy_has_the_role() -> None:
    named = {"ready_secret": "ready"}
    founded, follower = cluster("a", **named), cluster("b", **named)
    assert founded["spec"]["bootstrap"]["initdb"]["postInitApplicationSQL"] == ready.statements()
    assert "postInitApplicationSQL" not in str(follower["spec"]["bootstrap"]), "it has the function by replication"
    for made in (founded, follower):
        assert made["spec"]["managed"]["roles"] == [
            {
                "name": "hakit_ready",
                "ensure": "present",
                "comment": "asks hakit.ready()",
                "login": True,
                "inherit": False,
                "connectionLimit": 16,
                "passwordSecret": {"name": "ready"},
            }
        ]
    assert "managed" not in cluster("a")["spec"]


def test_no_statement_has_two_dollars_in_a_row() -> None:
    """CloudNativePG hands them over as a container's arguments, where Kubernetes makes one of two."""
    assert [each for each in ready.statements() if re.search(r"\$[$(]", each)] == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"secret": "login"}, "ready: one of secret and password"),
        ({"password": None}, "ready: one of secret and password"),
        ({"database": "carts"}, "ready.database: unknown word"),
        ({"image": "postgrest/postgrest"}, "ready.image: no version"),
        ({"image": "registry.example:5000/postgrest"}, "ready.image: no version"),
        ({"image": "postgrest/postgrest:latest"}, "ready.image: no version"),
        ({"ingress": {}}, "ready.ingress.hostname is missing"),
        ({"ingress": {"hostname": "https://shop.example.com"}}, "ready.ingress.hostname: not a host name"),
        ({"path": "/ready"}, "ready.path: unknown argument"),
    ],
)
def test_wrong_arguments_are_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(HakitError, match=re.escape(message)):
        specify(**args)


@pytest.mark.parametrize("image", [ready.IMAGE, "registry.example:5000/postgrest@sha256:" + "a" * 64])
def test_an_image_with_a_version_is_taken(image: str) -> None:
    assert specify(image=image).image == image


def test_what_it_could_not_ask_is_refused() -> None:
    with pytest.raises(HakitError, match="ready: the pair has no database to ask"):
        specify(PAIR.model_copy(update={"databases": ()}))
    with pytest.raises(HakitError, match=r"ready.database is missing[\s\S]*one of carts, orders"):
        specify(PAIR.model_copy(update={"databases": ("carts", "orders")}))
    with pytest.raises(HakitError, match="ready: pair shop is active-active"):
        specify(PAIR.model_copy(update={"mode": "active-active"}))
    assert specify(PAIR.model_copy(update={"databases": ("carts", "orders")}), database="orders").database == "orders"


def test_its_role_is_no_users_to_declare() -> None:
    with pytest.raises(HakitError, match=r"roles.hakit_ready: the ready endpoint's own"):
        cluster("a", roles={"hakit_ready": {"login": True}})
