"""Findings: what would break high availability, what of it was accepted, and who collects the rest.

Under Pulumi an error that nobody accepted stops the program. `hakit preview` opens `collecting()` around the program
instead, so that one run shows all findings of all applications.
"""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from hakit.errors import HakitError, counted
from hakit.rules import RULES, Rule, Severity


@dataclass(frozen=True)
class Finding:
    """One thing that would break high availability.

    Attributes:
        code: of the rule, `HK003`.
        object: what it is about: `Deployment/storefront`, or `values`, `chart`, `accept`.
        path: the field in that object, `spec.strategy.type`; empty for the object as a whole.
        message: what was found, one line. Never a value that may be secret.
        where: file and line of the input that causes it, when there is one.
        detail: the evidence, one line.
        mend: what to do here; the rule's own words when empty.
    """

    code: str
    object: str
    path: str
    message: str
    where: str = ""
    detail: str = ""
    mend: str = ""

    @property
    def rule(self) -> Rule:
        return RULES[self.code]

    @property
    def severity(self) -> Severity:
        return self.rule.severity

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def remedy(self) -> str:
        return self.mend or self.rule.mend

    @property
    def subject(self) -> str:
        """What the first line of a report names: values by their path, objects by name and field."""
        if self.object == "values":
            return self.path
        return f"{self.object} {self.path}".rstrip()

    def as_dict(self) -> dict[str, str]:
        return {
            "code": self.code,
            "severity": str(self.severity),
            "object": self.object,
            "path": self.path,
            "message": self.message,
            "where": self.where,
            "detail": self.detail,
            "mend": self.remedy,
        }


def format_finding(finding: Finding) -> str:
    """Three lines: what, where and why it is believed, what to do."""
    evidence = " · ".join(part for part in (finding.where, finding.detail) if part)
    lines = [f"{finding.code} {finding.severity:<7} {finding.subject}: {finding.message}"]
    lines += [f"      {line}" for line in (evidence, finding.remedy) if line]
    return "\n".join(lines)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by code and object; each finding once."""
    return sorted(set(findings), key=lambda f: (not f.is_error, f.code, f.object, f.path, f.message))


@dataclass(frozen=True)
class Accepted:
    """A finding that somebody let through, with the reason given for it."""

    finding: Finding
    reason: str

    def as_dict(self) -> dict[str, str]:
        return {**self.finding.as_dict(), "accepted": self.reason}


@dataclass(frozen=True)
class Settled:
    """Findings parted into those that stand and those that were accepted."""

    open: list[Finding]
    accepted: list[Accepted]

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.open if finding.is_error]


def settle(
    findings: Iterable[Finding], accept: Mapping[str, str], where: str, elsewhere: Iterable[Finding] = ()
) -> Settled:
    """Part findings by what the user accepts.

    Args:
        findings: all of them.
        accept: reason by `CODE`, or by `CODE object`, `CODE path` for one of several.
        where: names the holder of `accept` in messages.
        elsewhere: what the same declaration raises in its other roles. An entry that is used there is not unused: one
            program deploys the active side and the standby.

    Raises:
        HakitError: an entry's code does not exist, or its reason is empty.
    """
    _check_accept(accept, where)
    found = in_order(findings)
    everywhere = [*found, *elsewhere]
    still_open, accepted = [], []
    for finding in found:
        entry = next((key for key in sorted(accept, key=len, reverse=True) if _matches(key, finding)), None)
        if entry is None:
            still_open.append(finding)
        else:
            accepted.append(Accepted(finding, accept[entry]))
    still_open += [
        Finding("HK033", "accept", key, "nothing raises this finding", where=where, mend=_used_now(everywhere))
        for key in accept
        if not any(_matches(key, finding) for finding in everywhere)
    ]
    return Settled(in_order(still_open), accepted)


def _matches(key: str, finding: Finding) -> bool:
    code, _, which = key.partition(" ")
    # HK033 itself cannot be accepted: it is about `accept`.
    named = {"", finding.object, finding.path, f"{finding.object} {finding.path}"}
    return finding.code == code != "HK033" and which.strip() in named


def _used_now(findings: Iterable[Finding]) -> str:
    codes = sorted({finding.code for finding in findings})
    return f"delete the entry; raised here: {', '.join(codes)}" if codes else "delete the entry; nothing is raised here"


def _check_accept(accept: Mapping[str, str], where: str) -> None:
    for key, reason in accept.items():
        code = key.partition(" ")[0]
        if code not in RULES or code == "HK033":
            raise HakitError(
                f"accept: there is no finding {code!r}",
                where=where,
                given=key,
                allowed='a code such as "HK003", or a code and an object such as "HK004 Deployment/storefront"',
                do="docs/findings.md lists all codes; `hakit explain CODE` explains one",
            )
        if not isinstance(reason, str) or not reason.strip():
            raise HakitError(
                f"accept: {key} has no reason",
                where=where,
                given=repr(reason),
                allowed="a sentence that says why this is acceptable here",
            )


class FindingsError(HakitError):
    """Error findings that nobody accepted; it stops a Pulumi program before the application's first resource."""

    def __init__(self, where: str, findings: Iterable[Finding]) -> None:
        self.findings = in_order(findings)
        text = "\n".join(format_finding(finding) for finding in self.findings)
        super().__init__(
            f"{counted(len(self.findings), 'error finding')}\n{text}",
            where=where,
            do='mend them, or accept one on the record: accept={"HK...": "why"}',
        )


@dataclass(frozen=True)
class AppReport:
    """What the audit of one application, or of another component, in one program said.

    Attributes:
        failover: of a standby: pods, cores and bytes that must be free before it can become active.
        reserved: cores and bytes that the region has for pods, where the topology says so.
    """

    app: str
    region: str
    role: str
    settled: Settled
    mended: list[Finding] = field(default_factory=list)
    summary: str = ""
    component: str = "ZonalApp"
    failover: Mapping[str, str | int] = field(default_factory=dict)
    reserved: tuple[str, str] | None = None


_collector: list[AppReport] | None = None


@contextmanager
def collecting() -> Generator[list[AppReport]]:
    """Within it, reports are collected and errors do not stop the program. One program a process, so one collector."""
    global _collector  # noqa: PLW0603
    before, _collector = _collector, []
    try:
        yield _collector
    finally:
        _collector = before


def is_collecting() -> bool:
    return _collector is not None


def report(app: AppReport) -> None:
    """Hand in one application's findings: to the collector, or else to the user.

    Raises:
        FindingsError: there are errors that nobody accepted, and nobody collects.
    """
    if _collector is not None:
        _collector.append(app)
    elif app.settled.errors:
        raise FindingsError(f"{app.component} {app.app!r}", app.settled.errors)
