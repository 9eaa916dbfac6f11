"""How long users still reach a region that is gone: a sum of terms that the settings decide.

What the sum leaves out, because no setting decides it: the way of a decision through the provider's network, clients
that keep a dead connection open, and resolvers that keep a record longer than its TTL.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """One part of the sum.

    Attributes:
        name: what it is, in a word or two.
        seconds: how long it takes at worst.
        because: the settings it comes from, as arithmetic: `15 s x 2`; empty for a number of its own.
    """

    name: str
    seconds: int
    because: str


@dataclass(frozen=True)
class Detection:
    """The whole sum."""

    terms: tuple[Term, ...]

    @property
    def seconds(self) -> int:
        return sum(term.seconds for term in self.terms)

    @property
    def largest(self) -> Term:
        return max(self.terms, key=lambda term: term.seconds)

    def told(self) -> str:
        """`40 s: checks 30 s (15 s x 2), timeouts 10 s (5 s x 2); largest: checks`."""
        parts = ", ".join(_told(term) for term in self.terms)
        more = f"; largest: {self.largest.name}" if len(self.terms) > 1 else ""
        return f"{self.seconds} s: {parts}{more}"


def _told(term: Term) -> str:
    return f"{term.name} {term.seconds} s ({term.because})" if term.because else f"{term.name} {term.seconds} s"


def checks(interval: int, failures: int) -> Term:
    """A region dies just after a check that it passed: the n-th failing check starts n intervals later."""
    return Term("checks", interval * failures, f"{interval} s x {failures}")


def timeouts(timeout: int, tries: int) -> Term:
    """The last failing check hangs until every try has timed out."""
    return Term("timeouts", timeout * tries, f"{timeout} s x {tries}")


def record(ttl: int) -> Term:
    """A resolver asked just before the change and keeps the answer for its whole life."""
    return Term("TTL", ttl, "")


def told(seconds: int) -> str:
    """Seconds as the topology writes them: `5m`, `90s`, `1h`."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
