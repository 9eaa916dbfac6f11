"""A ready endpoint for a pair whose applications have none: PostgREST on one function. Pure.

`GET /rpc/ready` answers 200 while the pair's database takes writes in this region, and 503 while it is in recovery, as
in a standby, or not there at all. The arguments and the database's part are here, the objects in `ready_objects`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.postgres_logins import kubernetes_name
from hakit.plan.traffic.origins import read_hostname
from hakit.topology import names
from hakit.topology.model import Pair

Object = dict[str, Any]

#: PostgREST serves a function `f` of its schema as /rpc/f (references/api/functions).
PATH = "/rpc/ready"
SCHEMA, FUNCTION = "hakit", "hakit.ready()"
#: Whom PostgREST logs in as, and as whom it asks: a role that may call one function, and nothing else.
ROLE = "hakit_ready"
#: The 14 series, which still gets the fixes of the 16 one (CHANGELOG.md). A tag can be moved: pin it by digest where
#: that matters.
IMAGE = "docker.io/postgrest/postgrest:v14.17"
#: Two: the zone that is lost may be the one that answered.
REPLICAS = 2
#: Connections of each pod: one for a check, one for the pod's own probe.
POOL = 2

ARGUMENTS = ("database", "image", "secret", "password", "ingress")
_INGRESS = ("hostname", "class_name", "tls_secret", "annotations")


@dataclass(frozen=True)
class Entrance:
    """The Ingress that leads the checks to the endpoint.

    Attributes:
        hosts: the load balancer's host name, and the region's own under it.
        class_name: empty for the cluster's default class.
        tls_secret: empty where the ingress controller has its certificate elsewhere.
    """

    hosts: tuple[str, ...]
    class_name: str
    tls_secret: str
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class ReadySpec:
    """A ready endpoint's arguments, checked.

    Attributes:
        database: of the pair; the one that is asked.
        secret: name of the Secret with the role's `username` and `password`.
        created: the component creates it, from a password that was given.
        entrance: None where something else leads `PATH` to the Service.
    """

    database: str
    image: str
    secret: str
    created: bool
    entrance: Entrance | None


def name_of(pair: str) -> str:
    return f"{pair}-ready"


def specify(given: Arguments, pair: Pair, region: str) -> ReadySpec:
    """Check a ready endpoint's arguments.

    Args:
        given: as the user gave them, with `ARGUMENTS` as the known ones.
        pair, region: where it runs.

    Raises:
        HakitError: an argument is unknown, missing or wrong; the pair has nothing that the endpoint could ask.
    """
    if pair.mode != "active-passive":
        raise HakitError(
            f"{given.path}: pair {pair.name} is active-active", where=given.where,
            do="leave it out: it answers 200 where the database takes writes, which is one region only, and every "
            "region of this pair is to serve",
        )  # fmt: skip
    if ("secret" in given) == ("password" in given):
        raise HakitError(
            f"{given.path}: one of secret and password", where=given.where,
            do=f"give {ROLE}'s password and hakit makes the Secret, or name one that is in the namespace on every side",
        )  # fmt: skip
    created = "password" in given
    return ReadySpec(
        database=_database(given, pair),
        image=_image(given),
        secret=name_of(pair.name) if created else kubernetes_name(given, "secret", 253),
        created=created,
        entrance=_entrance(given, region),
    )


def _database(given: Arguments, pair: Pair) -> str:
    if not pair.databases:
        raise HakitError(f"{given.path}: the pair has no database to ask", where=given.where, do="leave it out")
    if "database" not in given and len(pair.databases) > 1:
        raise given.missing("database", f"one of {', '.join(pair.databases)}: one endpoint asks one of them")
    return given.word("database", pair.databases, pair.databases[0])


def _image(given: Arguments) -> str:
    image = given.text("image", IMAGE)
    name = image.rpartition("/")[2]
    if "@sha256:" not in name and (":" not in name or name.endswith(":latest")):
        raise HakitError(
            f"{given.path}.image: no version", where=given.where, given=image,
            allowed="<name>:<version>, or <name>@sha256:<digest>", do=f"name one of PostgREST, such as {IMAGE}",
        )  # fmt: skip
    return image


def _entrance(given: Arguments, region: str) -> Entrance | None:
    if "ingress" not in given:
        return None
    inner = given.inner("ingress", _INGRESS)
    if "hostname" not in inner:
        raise inner.missing("hostname", "it is GlobalLoadBalancer's: the name that users ask for")
    hostname = read_hostname(inner)
    return Entrance(
        hosts=(hostname, names.origin_host(region, hostname)),
        class_name=inner.text("class_name") if "class_name" in inner else "",
        tls_secret=kubernetes_name(inner, "tls_secret", 253) if "tls_secret" in inner else "",
        annotations=inner.mapping("annotations"),
    )


def statements() -> list[str]:
    """What makes the function, each of one statement; run twice, they change nothing.

    An error whose code is PT503 becomes the HTTP status 503 (references/errors, "RAISE errors with HTTP Status Codes").
    The quotes have names: CloudNativePG hands statements over as a container's arguments, in which Kubernetes makes one
    $ of two. PostgREST asks in a read-only transaction, so `transaction_read_only` says nothing; the default does.
    """
    return [
        "do $do$ begin if not exists (select from pg_catalog.pg_roles where rolname = 'hakit_ready')"
        " then create role hakit_ready; end if; end $do$",
        "create schema if not exists hakit",
        """create or replace function hakit.ready() returns text
language plpgsql stable set search_path = pg_catalog as $ready$
begin
  if pg_is_in_recovery() then
    raise sqlstate 'PT503' using message = 'this copy follows another one';
  end if;
  if current_setting('default_transaction_read_only')::boolean then
    raise sqlstate 'PT503' using message = 'this copy takes no writes';
  end if;
  return 'ready';
end $ready$""",
        "revoke all on function hakit.ready() from public",
        "grant usage on schema hakit to hakit_ready",
        "grant execute on function hakit.ready() to hakit_ready",
    ]


def managed_role(secret: str) -> Object:
    """The role as CloudNativePG keeps it: it sets the password of the Secret on every promotion."""
    return {
        "name": ROLE,
        "ensure": "present",
        "comment": f"asks {FUNCTION}",
        "login": True,
        "inherit": False,
        # Of four times as many pods as usual: those of a lost node keep theirs until PostgreSQL notices.
        "connectionLimit": 4 * REPLICAS * POOL,
        "passwordSecret": {"name": secret},
    }


def secret(spec: ReadySpec, namespace: str) -> Object:
    """The login's Secret but for its password, which the component fills in."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": spec.secret, "namespace": namespace, "labels": {"cnpg.io/reload": "true"}},
        "stringData": {"username": ROLE},
    }
