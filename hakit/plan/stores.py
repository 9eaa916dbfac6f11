"""What the arguments of every data store have in common: names, sizes, zones, places in a bucket, reasons. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hakit.charts.quantity import parse_quantity
from hakit.errors import HakitError
from hakit.plan.arguments import Arguments
from hakit.topology.intents import ClusterIntent

Manifest = dict[str, Any]
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
#: The field manager of what hakit applies, in Pulumi and in whatever else applies it.
MANAGER = "hakit"
#: The keys of a Secret by which an object store is reached; the same as a PostgresCluster's archive has.
ACCESS_KEY, SECRET_KEY = "ACCESS_KEY_ID", "ACCESS_SECRET_KEY"


@dataclass(frozen=True)
class Planned:
    """One object to create.

    Attributes:
        key: what its resource is called within the component.
        holds_data: protected, and kept when it leaves the program.
        stays: kept when it leaves the program, but not protected.
    """

    key: str
    manifest: Manifest
    holds_data: bool = False
    stays: bool = False


def kubernetes_name(value: str, where: str, what: str, longest: int = 63) -> str:
    """A name that Kubernetes takes as a label too.

    Raises:
        HakitError: it is none, or longer than `longest`.
    """
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", value) or len(value) > longest:
        raise HakitError(
            f"{what}: not a Kubernetes name",
            where=where,
            given=value,
            allowed=f"lower case letters, digits and hyphens, up to {longest}, a letter or digit at both ends",
        )
    return value


def secret_name(given: Arguments, key: str) -> str:
    """The name of a Secret that is there."""
    full = ".".join(part for part in (given.path, key) if part)
    return kubernetes_name(given.text(key), given.where, full, 253)


def size(given: Arguments, key: str, default: str | None = None) -> str:
    """A quantity of bytes above zero, as it was written."""
    value = given.text(key, default)
    if parse_quantity(value, f"{given.where}: {key}") <= 0:
        raise HakitError(
            f"{key}: not a size", where=given.where, given=value, allowed="a number with its unit, such as 50Gi"
        )
    return value


def pinned(given: Arguments, key: str, default: str | None = None) -> str:
    """An image with a version: `latest`, or none, is another one on every node.

    Raises:
        HakitError: it has neither a tag of its own nor a digest.
    """
    image = given.text(key, default)
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if not digest and tag in ("", "latest"):
        raise HakitError(
            f"{key}: not pinned to a version", where=given.where, given=image, allowed="a tag but latest, or a digest"
        )
    return image


def reason(given: Arguments, key: str) -> str | None:
    """Why something that protects data is done without; None where it is not.

    Raises:
        HakitError: what was given is no reason.
    """
    if key not in given:
        return None
    why = given.given[key]
    if not isinstance(why, str) or len(why.strip()) < 3:
        raise HakitError(f"{key}: say why", where=given.where, given=why, allowed="a reason, as a text")
    return why


def cron(given: Arguments, key: str, default: str) -> str:
    """A schedule of five fields, minutes first, as CronJob has it; its range and steps are left to the API server."""
    value = given.text(key, default)
    if len(value.split()) != 5 or not re.fullmatch(r"[-0-9a-zA-Z*,/ ]+", value):
        raise HakitError(
            f"{key}: not a schedule of five fields",
            where=given.where,
            given=value,
            allowed='minute, hour, day of the month, month, day of the week: "0 2 * * *"',
        )
    return value


def extra(given: Arguments, decided: Collection[str], kind: str) -> dict[str, Any]:
    """What the user adds to an operator's object, by field.

    Args:
        given: the arguments.
        decided: fields that hakit sets itself.
        kind: of the object.

    Raises:
        HakitError: one of them is given.
    """
    fields = given.mapping("extra")
    for key in fields:
        if key in decided:
            raise HakitError(
                f"extra.{key}: hakit decides this field of the {kind}",
                where=given.where,
                given=key,
                do="use the argument that it follows from",
            )
    return fields


def dropped(given: Arguments, intent: ClusterIntent) -> tuple[int, ...]:
    """Incarnations of this region that nobody needs any more.

    Raises:
        HakitError: one of them is no kept copy.
    """
    kept = [copy.incarnation for copy in intent.kept]
    value = given.given.get("dropped") or []
    numbers = [int(each) if isinstance(each, float) else each for each in value] if isinstance(value, list) else value
    if not isinstance(numbers, list) or any(number not in kept for number in numbers):
        raise HakitError(
            "dropped: only a kept copy of this region can be left out",
            where=given.where,
            given=value,
            allowed=[str(number) for number in kept],
        )
    return tuple(numbers)


def spread(match: Mapping[str, str], zones: tuple[str, ...], *, existing_volumes: bool = False) -> list[Manifest]:
    """Over zones by rule from three zones on, as ZonalApp does; over hosts as a wish."""
    strict = len(zones) >= 3 and not existing_volumes
    return [
        {
            "maxSkew": 1,
            "topologyKey": ZONE,
            "whenUnsatisfiable": "DoNotSchedule" if strict else "ScheduleAnyway",
            # The tainted nodes of a lost zone do not count, so the rule never waits for a zone that is gone.
            "nodeTaintsPolicy": "Honor",
            "labelSelector": {"matchLabels": dict(match)},
        },
        {
            "maxSkew": 1,
            "topologyKey": HOST,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(match)},
        },
    ]
