"""What is asked of a region to know whether it can serve."""

from collections.abc import Mapping
from dataclasses import dataclass

from hakit.errors import HakitError
from hakit.plan import ready
from hakit.plan.arguments import Arguments

KEYS = (
    "path",
    "ready",
    "type",
    "port",
    "method",
    "host",
    "expected_codes",
    "expected_body",
    "redirects",
    "follow_redirects",
    "interval",
    "timeout",
    "retries",
    "consecutive_down",
    "consecutive_up",
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Health:
    """One check.

    Attributes:
        path: true only when the region can serve in its role.
        ready: it is the one of `hakit.plan.ready`.
        type: `http` or `https`.
        port: 80 or 443 unless given.
        host: the Host header; None for the name under which the origin is asked.
        interval, timeout: seconds.
        retries: further tries, at once, after a try that timed out.
        down, up: results in a row before the region counts as down, or up again.
    """

    path: str
    ready: bool
    type: str
    port: int
    method: str
    host: str | None
    codes: str
    body: str
    follow_redirects: bool
    interval: int
    timeout: int
    retries: int
    down: int
    up: int

    @property
    def usual_port(self) -> bool:
        return self.port == _PORTS[self.type]


@dataclass(frozen=True)
class Terms:
    """What a back end lets its user decide, and what it takes when nothing is said.

    Attributes:
        unknown: keys of `health` that it has no setting for, with the reason.
        defaults: by key.
    """

    unknown: Mapping[str, str]
    defaults: Mapping[str, int]


def read(given: Arguments, terms: Terms, hostname: str) -> Health:
    """The check as given.

    Raises:
        HakitError: no path; a path that redirects where 200 is expected; a key that the back end has no setting for.
    """
    health = given.inner("health", KEYS)
    for key, why in terms.unknown.items():
        if key in health:
            raise HakitError(f"health.{key}: this back end has no such setting", where=given.where, do=why)
    kind = health.word("type", tuple(_PORTS), "https")
    codes = health.text("expected_codes", "200")
    follow = health.flag("follow_redirects")
    _refuse_redirects(health, codes, follow=follow)
    return Health(
        path=_path(health, terms),
        ready="ready" not in terms.unknown and health.flag("ready"),
        type=kind,
        port=health.number("port", _PORTS[kind], least=1),
        method=health.text("method", "GET"),
        host=health.text("host", hostname) if "host" not in terms.unknown else None,
        codes=codes,
        body=health.text("expected_body") if "expected_body" in health else "",
        follow_redirects=follow,
        interval=_number(health, terms, "interval", 1),
        timeout=_number(health, terms, "timeout", 1),
        retries=_number(health, terms, "retries", 0),
        down=_number(health, terms, "consecutive_down", 1),
        up=_number(health, terms, "consecutive_up", 1),
    )


def _number(health: Arguments, terms: Terms, key: str, least: int) -> int:
    return health.number(key, terms.defaults.get(key, 0), least=least if key not in terms.unknown else 0)


def _path(health: Arguments, terms: Terms) -> str:
    if "path" in terms.unknown:
        return ""
    if health.flag("ready"):
        if "path" in health:
            raise HakitError(
                "health: path and ready", where=health.where, given=health.text("path"),
                do=f"leave one out: ready asks {ready.PATH}, where RegionPair's ready endpoint answers",
            )  # fmt: skip
        return ready.PATH
    if "path" not in health:
        raise health.missing(
            "path",
            "name a path that answers 200 only when the region can serve in its role, such as /ready; or say ready: "
            "true, and give RegionPair a ready endpoint",
        )
    path = health.text("path")
    if not path.startswith("/") or any(letter.isspace() for letter in path):
        raise HakitError("health.path: not a path", where=health.where, given=path, allowed="/ and more, no spaces")
    return path


def _refuse_redirects(health: Arguments, codes: str, *, follow: bool) -> None:
    if health.flag("redirects") and not follow and not codes.startswith("3"):
        raise HakitError(
            "health: the path redirects, and the check expects something else",
            where=health.where,
            given=f"redirects: true, expected_codes: {codes!r}",
            do="ask the path that it leads to, or set follow_redirects: true; a redirect itself says nothing of health",
        )
