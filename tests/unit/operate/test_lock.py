"""One operator at a time, and none for ever: the lease on a store, with clocks that the tests turn."""

import json
from dataclasses import dataclass, field

import pytest

from hakit.errors import HakitError
from hakit.operate import lock
from hakit.operate.lock import LEASE, Lease, LostError
from hakit.operate.store import OvertakenError

NAME = "shop.lock"


@dataclass
class Memory:
    where: str = "memory"
    documents: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str) -> tuple[bytes, str]:
        content = self.documents.get(name, b"")
        return content, content.decode()

    def write(self, name: str, content: bytes, tag: str) -> str:
        if self.read(name)[1] != tag:
            raise OvertakenError(name)
        self.documents[name] = content
        return content.decode()


@dataclass
class Clock:
    time: float = 1000.0

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def lease(store: Memory, clock: Clock, doing: str = "switchover to b") -> Lease:
    return Lease(store, NAME, doing, now=clock, monotonic=clock, sleep=clock.sleep)


def left_behind(store: Memory, until: float, **owner: object) -> None:
    who = {"user": "ann", "host": "laptop-of-ann", "pid": 4711, "began": "1", **owner}
    store.documents[NAME] = json.dumps({"mark": "x", "owner": who, "doing": "failover to b", "until": until}).encode()


def test_a_second_operator_is_refused_and_told_who_is_at_work() -> None:
    store, clock = Memory(), Clock()
    with lease(store, clock), pytest.raises(HakitError) as refused, lease(store, clock, "failover to a"):
        pass
    assert refused.value.what == "another operator is at work on this pair"
    assert str(refused.value.given).endswith(": switchover to b")
    assert "process" in str(refused.value.given)


def test_after_the_first_has_ended_the_next_one_begins() -> None:
    store, clock = Memory(), Clock()
    for _ in range(2):
        with lease(store, clock) as held:
            held.check()


def test_a_lease_of_a_living_operator_elsewhere_is_not_taken() -> None:
    store, clock = Memory(), Clock()
    left_behind(store, clock.time + 5)
    with pytest.raises(HakitError, match="ann on laptop-of-ann, process 4711: failover to b"), lease(store, clock):
        pass


def test_a_lease_that_is_over_is_watched_and_then_taken() -> None:
    store, clock = Memory(), Clock()
    left_behind(store, clock.time - 1)
    with lease(store, clock):
        assert clock.time >= 1000 + lock.WATCHED, "its owner's clock may be behind"


def test_a_lease_that_is_over_by_this_clock_but_is_renewed_is_not_taken() -> None:
    store, clock = Memory(), Clock()
    left_behind(store, clock.time - 60)

    def renewed(seconds: float) -> None:
        clock.sleep(seconds)
        left_behind(store, clock.time - 59)

    other = Lease(store, NAME, "failover to a", now=clock, monotonic=clock, sleep=renewed)
    with pytest.raises(HakitError, match="another operator"), other:
        pass


def test_a_dead_process_of_this_machine_is_followed_at_once() -> None:
    store, clock = Memory(), Clock()
    me = lock.owner()
    left_behind(store, clock.time + LEASE, host=me["host"], pid=me["pid"], began=f"{me['began']}0")
    with lease(store, clock):
        assert clock.time == 1000, "the number is another process's now"


def test_nothing_is_done_any_more_when_the_lease_could_not_be_renewed() -> None:
    store, clock = Memory(), Clock()
    with lease(store, clock) as held:
        clock.time += LEASE + 1
        with pytest.raises(LostError, match="could not be renewed"):
            held.check()


def test_what_another_holds_meanwhile_is_not_given_back() -> None:
    store, clock = Memory(), Clock()
    with lease(store, clock):
        left_behind(store, clock.time + LEASE)
    assert json.loads(store.documents[NAME])["owner"]["user"] == "ann"
