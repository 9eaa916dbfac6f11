"""How many instances there are, and what a commit and a shutdown wait for: arguments, checked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.plan.postgres_reach import ARCHIVE_TIMEOUT
from hakit.topology.model import Pair

#: One instance a zone: the loss of one leaves a primary and a synchronous standby.
INSTANCES = 3
#: What follows from other arguments, or would break what they promise.
_PARAMETERS = {
    ARCHIVE_TIMEOUT: "it follows from the pair's objectives.rpo",
    "archive_command": "the archive is hakit's",
    "archive_mode": "the archive is hakit's",
    "restore_command": "the archive is hakit's",
    "synchronous_standby_names": "use synchronous",
    "primary_conninfo": "use routes",
}
#: With these a commit returns before a standby has it, whatever `synchronous` says.
#: https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT
_NOT_SYNCHRONOUS = ("off", "local")


@dataclass(frozen=True)
class Size:
    """What differs between an active and a standby region."""

    instances: int
    resources: Mapping[str, Any] | None


@dataclass(frozen=True)
class Synchronous:
    number: int
    durability: str


@dataclass(frozen=True)
class Shutdown:
    """Seconds."""

    smart: int
    stop: int
    switchover: int


def sizes(given: Arguments) -> tuple[Size, Size]:
    inner = given.inner("standby", ("instances", "resources"))
    resources = given.mapping("resources") if "resources" in given else None
    instances = given.number("instances", INSTANCES, least=1)
    # Fewer or smaller only when asked for: a failover finds all there that it needs.
    return Size(instances, resources), Size(
        inner.number("instances", instances, least=1),
        inner.mapping("resources") if "resources" in inner else resources,
    )


def synchronous(given: Arguments, active: Size, standby: Size, zones: tuple[str, ...]) -> Synchronous | None:
    inner = given.inner("synchronous", ("durability", "number"))
    if active.instances == 1:
        if "synchronous" in given:
            raise HakitError("synchronous: one instance has no standby", where=given.where, do="raise instances")
        return None
    # With one standby `required` would stop all writes whenever that one restarts.
    durability = inner.word(
        "durability", ("required", "preferred"), "required" if active.instances >= 3 else "preferred"
    )
    number = inner.number("number", 1, least=1)
    if number >= active.instances:
        raise HakitError(
            "synchronous.number: there are not as many standbys",
            where=given.where,
            given=number,
            allowed=f"up to {active.instances - 1}, with instances: {active.instances}",
        )
    if durability == "required" and len(zones) == 1:
        raise HakitError(
            f"synchronous.durability: {active.instances} synchronous instances in one zone are lost together",
            where=given.where,
            given=f"zones: {zones[0]}",
            allowed="three zones",
            do="declare the region's zones, or say synchronous: {durability: preferred}",
        )
    if durability == "required" and standby.instances <= number:
        raise HakitError(
            "standby.instances: once promoted, it would wait with every write until another instance is cloned",
            where=given.where,
            given=standby.instances,
            allowed=f"{number + 1} or more with synchronous.number: {number}",
            do="raise it, or say synchronous: {durability: preferred}",
        )
    return Synchronous(number, durability)


def parameters(given: Arguments, synchronous: Synchronous | None) -> dict[str, str]:
    parameters = given.mapping("parameters")
    for key, value in parameters.items():
        if not isinstance(value, str):
            raise HakitError(
                f"parameters.{key}: wrong type", where=given.where, given=value, allowed="a text, as in postgresql.conf"
            )
        if key in _PARAMETERS:
            raise HakitError(f"parameters.{key}: hakit sets it", where=given.where, given=value, do=_PARAMETERS[key])
    commit = parameters.get("synchronous_commit", "on")
    if synchronous and commit in _NOT_SYNCHRONOUS:
        raise HakitError(
            "parameters.synchronous_commit: commits would not wait for a standby",
            where=given.where,
            given=commit,
            allowed="on, remote_write, remote_apply",
            do="leave it out, and set it in the sessions that may lose their last commits",
        )
    return parameters


def shutdown(given: Arguments, pair: Pair) -> Shutdown:
    """How long a primary may take to stop. CloudNativePG's own defaults are 180, 1800 and 3600 seconds.

    Half of the objective: the other half is for replay and promotion. What is not archived by then is still on the
    volume, and with a synchronous standby elsewhere too.
    """
    inner = given.inner("shutdown", ("smart", "stop", "switchover"))
    half = min(max(pair.objectives.rto // 2, 30), 1800)
    found = Shutdown(
        smart=inner.number("smart", 10, least=1),
        stop=inner.number("stop", half, least=1),
        switchover=inner.number("switchover", half, least=1),
    )
    if found.stop - found.smart < 15:
        # https://cloudnative-pg.io/documentation/1.30/instance_manager/#shutdown-control
        raise HakitError(
            "shutdown.stop: too little is left for the fast shutdown after the smart one",
            where=given.where,
            given=found.stop,
            allowed=f"{found.smart + 15} or more with shutdown.smart: {found.smart}",
        )
    return found
