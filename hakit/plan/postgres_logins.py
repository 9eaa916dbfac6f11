"""Who logs in and by which certificates: arguments, checked. Pure."""

import re
from dataclasses import dataclass
from typing import Any

from hakit.errors import HakitError
from hakit.plan import stores
from hakit.plan.arguments import Arguments

_CREDENTIALS = ("application", "superuser", "replication")


@dataclass(frozen=True)
class Credential:
    """A Secret with `username` and `password`.

    Attributes:
        secret: its name.
        created: the component creates it, from a password that was given.
    """

    secret: str
    created: bool


@dataclass(frozen=True)
class Certificates:
    """Names of Secrets that exist, of one authority on every side; CloudNativePG makes its own for what is None."""

    server_ca: str | None
    server_tls: str | None
    client_ca: str | None
    replication_tls: str | None


def credential(given: Arguments, role: str, default: str) -> Credential:
    credentials = given.inner("credentials", _CREDENTIALS)
    if role not in credentials:
        raise given.missing(
            f"credentials.{role}",
            "give a password or the name of a Secret, the same on every side: a password that CloudNativePG makes up "
            "differs on each, and nobody could log in after a promotion",
        )
    inner = credentials.inner(role, ("secret", "password"))
    if ("secret" in inner) == ("password" in inner):
        raise HakitError(
            f"credentials.{role}: one of secret and password",
            where=given.where,
            do="name a Secret that exists on every side, or give the password and hakit makes the Secret",
        )
    if "password" in inner:
        return Credential(default, created=True)
    return Credential(kubernetes_name(inner, "secret", 253), created=False)


def maybe_credential(given: Arguments, role: str, default: str) -> Credential | None:
    return credential(given, role, default) if role in given.inner("credentials", _CREDENTIALS) else None


def roles(given: Arguments) -> dict[str, dict[str, Any]]:
    known = ("secret", "login", "superuser", "createdb", "createrole", "replication", "bypassrls", "inherit",
             "in_roles", "connection_limit", "comment")  # fmt: skip
    roles = given.mapping("roles")
    for name, wanted in roles.items():
        Arguments(wanted, given.where, known, f"roles.{name}")
        if name in ("postgres", "streaming_replica"):
            raise HakitError(f"roles.{name}: CloudNativePG's own", where=given.where, do="choose another name")
        if name == "hakit_ready":
            raise HakitError(f"roles.{name}: the ready endpoint's own", where=given.where, do="choose another name")
    return roles


def certificates(given: Arguments) -> Certificates:
    inner = given.inner("certificates", ("server_ca", "server_tls", "client_ca", "replication_tls"))

    def named(key: str) -> str | None:
        return inner.text(key) if key in inner else None

    found = Certificates(named("server_ca"), named("server_tls"), named("client_ca"), named("replication_tls"))
    if found.server_tls and not found.server_ca:
        raise inner.missing("server_ca", "a server certificate goes with the authority that signed it")
    if found.replication_tls and not found.client_ca:
        raise inner.missing("client_ca", "a client certificate goes with the authority that signed it")
    return found


def kubernetes_name(given: Arguments, key: str, longest: int = 63) -> str:
    return stores.kubernetes_name(given.text(key), given.where, key, longest)


def sql_name(given: Arguments, key: str, default: str) -> str:
    value = given.text(key, default)
    # 63: https://www.postgresql.org/docs/current/limits.html
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
        raise HakitError(
            f"{key}: not a name that needs no quotes in SQL",
            where=given.where,
            given=value,
            allowed="lower case letters, digits and underscores, up to 63",
        )
    if value in ("postgres", "template0", "template1", "streaming_replica"):
        raise HakitError(f"{key}: PostgreSQL or CloudNativePG has it", where=given.where, given=value)
    return value


_ROLE_KEYS = {"in_roles": "inRoles", "connection_limit": "connectionLimit"}


def managed_role(name: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """A role as CloudNativePG writes it."""
    secret = wanted.pop("secret", None)
    role = {"name": name, "ensure": "present", **{_ROLE_KEYS.get(key, key): value for key, value in wanted.items()}}
    return {**role, "passwordSecret": {"name": secret}} if secret else role
