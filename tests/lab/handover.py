"""A planned handover as updates of two stacks do it, under an application that writes; and what must hold after it."""

import time
from dataclasses import dataclass

from tests.lab.pair_by_up import Pair
from tests.lab.writing import Writer, is_writable, until


@dataclass(frozen=True)
class Switched:
    """Seconds from the entry on.

    Attributes:
        token: until the old side showed it.
        commit: until the first commit on the new side.
        pause: the longest time without an acknowledged row.
        settled: until both sides were healthy with the settled entry.
    """

    old: str
    new: str
    token: float
    commit: float
    pause: float
    settled: float

    HEAD = ("handover", "token", "first commit", "longest pause", "settled")

    @property
    def row(self) -> list[object]:
        return [f"{self.old} to {self.new}", self.token, self.commit, self.pause, self.settled]


def switch(pair: Pair, old: str, new: str, writer: Writer) -> Switched:
    """Append, update, record the token, update, settle, update. The new side's stack is the first one each time."""
    began = time.monotonic()
    before = pair.cluster(old)["status"].get("demotionToken", "")
    pair.append(kind="planned", to=new)
    pair.up(new)
    pair.up(old)
    token = pair.lab[old].wait_for(
        "the token",
        lambda: pair.cluster(old)["status"].get("demotionToken", ""),
        lambda found: found not in ("", before),
        seconds=300,
    )
    demoted = time.monotonic() - began
    pair.record(token)
    pair.up(new)
    until(lambda: is_writable(pair.wan(new)), 300, f"{new} is writable")
    writable = time.monotonic() - began
    pair.up(old)
    pair.lab[new].wait_for(
        "the operator's word", lambda: pair.cluster(new)["status"].get("lastPromotionToken") == token, seconds=300
    )
    pair.settle()
    for name in (new, old):
        pair.up(name)
        pair.healthy(name)
    settled = time.monotonic() - began
    last = writer.last
    pair.lab[new].wait_for("more rows", lambda: writer.last > last + 20, seconds=120)
    assert not is_writable(pair.wan(old)), "one side at a time"
    pair.says_as_ready(new, "ready")
    pair.says_as_ready(old, "PT503")
    logs_in(pair)
    return Switched(old, new, demoted, writable, writer.longest_pause(began), settled)


def logs_in(pair: Pair, *names: str) -> None:
    """The application, with the password that it always had, in both regions unless some are named."""
    for name in names or ("a", "b"):
        pair.lab[name].wait_for(
            "a login",
            lambda name=name: pair.run(name, "select current_user"),
            lambda rows: rows == [("app",)],
            seconds=120,
        )


def same_rows(pair: Pair, active: str, follower: str, *, seconds: float = 180) -> int:
    """Both sides hold the same, row by row; returns how many. Nobody writes."""
    rows = pair.content(active)
    assert rows
    pair.lab[follower].wait_for("the same rows", lambda: pair.content(follower) == rows, seconds=seconds)
    return len(rows)


def owners(pair: Pair, name: str) -> set[tuple[str, str]]:
    """Who owns a field of the Cluster's spec, by manager and operation."""
    fields = pair.cluster(name)["metadata"]["managedFields"]
    return {(each["manager"], each["operation"]) for each in fields if "f:spec" in each["fieldsV1"]}
