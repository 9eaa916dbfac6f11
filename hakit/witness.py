"""`hakit witness`: write who may be writable where every region's fence reads it. The document only rises.

A write is conditional on what was read before it (If-Match, If-None-Match), so of two that run at once the slower one
reads again, and an old checkout never overrules a newer one:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPResponse

from hakit.errors import HakitError
from hakit.fence import s3
from hakit.fence.witness import dump, in_s3, parse
from hakit.plan.fence import no_witness, read_in
from hakit.topology import Pair, Topology, Witness
from hakit.topology.fence import raise_witness, witness_allows
from hakit.topology.handovers import witness_wanted

#: Seconds that one request may take: at a failover some of the places are gone.
TIMEOUT = 5.0
#: Others may write at the same time; more often than this nobody does.
_ATTEMPTS = 5
#: Of a conditional write: what was read is no longer there; another write is under way. S3's error codes.
_OVERTAKEN = (409, 412)


@dataclass(frozen=True)
class Place:
    """One place of a pair's witness.

    Attributes:
        said: by database, what it says; None when it could not be read.
        problem: why it could not be read or written; empty when it could.
    """

    address: str
    said: Mapping[str, Witness] | None
    problem: str = ""

    def says(self, wanted: Mapping[str, Witness]) -> bool:
        return self.said is not None and all(self.said.get(name) == each for name, each in wanted.items())


def wanted(pair: Pair) -> dict[str, Witness]:
    """By database, what the witness must say by the pair's list; empty before the first change of role."""
    found = {database: witness_wanted(pair, database) for database in pair.databases}
    return {database: each for database, each in found.items() if each is not None}


def show(topology: Topology, name: str, timeout: float = TIMEOUT) -> list[Place]:
    """What every place of a pair's witness says now.

    Raises:
        HakitError: the topology has no such pair, or the pair no witness.
    """
    return _everywhere(_places(topology, name), lambda address: _looked_at(address, timeout))


def raise_all(topology: Topology, name: str, timeout: float = TIMEOUT) -> list[Place]:
    """Write what the list of handovers wants to every place that can be reached.

    Before a failover or a cancel is applied, and when the token of a planned handover is recorded.

    Returns:
        Every place as it is now. One that could not be reached is among them, when every region has another to read.

    Raises:
        HakitError: the topology has no such pair, or the pair no witness; a place is ahead of this list, or says
            something else by the same entry: this checkout is old, and nothing was written over it; a region's fence
            could not be told.
    """
    addresses = _places(topology, name)
    pair = topology.pair(name)
    new = wanted(pair)
    # All are read before the first is written: an old checkout leaves no trace.
    for place in _everywhere(addresses, lambda address: _looked_at(address, timeout)):
        _check(pair, place.address, place.said or {}, new)
    places = _everywhere(addresses, lambda address: _raised(pair, address, new, timeout))
    _check_told(pair, places, new)
    return places


def _everywhere(addresses: Sequence[str], ask: Callable[[str], Place]) -> list[Place]:
    """All places at once: of those that are gone each takes its whole time."""
    with ThreadPoolExecutor(max(len(addresses), 1)) as pool:
        return list(pool.map(ask, addresses))


def _places(topology: Topology, name: str) -> tuple[str, ...]:
    pair = topology.pair(name)
    if not pair.witness:
        raise no_witness(topology, pair, "there is no place to write to")
    return pair.witness


def _check(pair: Pair, address: str, said: Mapping[str, Witness], new: Mapping[str, Witness]) -> None:
    for database, now in said.items():
        where = f"{_shown(address)}, {database}"
        if database not in pair.databases:
            continue
        if not witness_allows(now, pair) or database not in new:
            raise HakitError(
                "the witness is ahead of this list of handovers, or of another list",
                where=where,
                given=f"{len(pair.handovers)} entries",
                allowed=f"a list in which entry {now.entry} leads to {now.region}",
                do="this checkout is old: use the newest file",
            )
        try:
            raise_witness(now, new[database])
        except HakitError as error:
            told = HakitError(error.what, where=where, given=error.given, allowed=error.allowed, do=error.do)
        else:
            continue
        raise told


def _check_told(pair: Pair, places: Sequence[Place], new: Mapping[str, Witness]) -> None:
    """Every region but the one that is to write reads a place that says so."""
    good = {each.address for each in places if each.says(new)}
    for region in pair.regions:
        overruled = [database for database, each in new.items() if each.region != region]
        reads = read_in(pair, region)
        if overruled and not good & set(reads):
            raise HakitError(
                f"the fence in {region} reads no place that says who may write, and would not stop {overruled[0]}",
                given="; ".join(f"{_shown(each.address)}: {each.problem}" for each in places if each.address in reads),
                do=f"mend the place and write again, or stop {overruled[0]} in {region} by hand first",
            )


def _raised(pair: Pair, address: str, new: Mapping[str, Witness], timeout: float) -> Place:
    """One place, written; read again as often as somebody else was faster."""
    for _ in range(_ATTEMPTS):
        try:
            said, tag = _read(address, timeout)
            _check(pair, address, said, new)
            both = {**said, **new}
            if both == said:
                return Place(address, said)
            if not address.startswith("s3:"):
                return Place(address, said, f"hakit writes to S3 only; put this there: {dump(both)}")
            _write(address, dump(both).encode(), tag, timeout)
        except urllib.error.HTTPError as error:
            if error.code not in _OVERTAKEN:
                return Place(address, None, _plainly(error))
        except (OSError, ValueError) as error:
            return Place(address, None, _plainly(error))
        else:
            return Place(address, both)
    return Place(address, None, "others write it all the time")


def _looked_at(address: str, timeout: float) -> Place:
    try:
        return Place(address, _read(address, timeout)[0])
    except (OSError, ValueError) as error:
        return Place(address, None, _plainly(error))


def _read(address: str, timeout: float) -> tuple[dict[str, Witness], str]:
    """What a place says, and the tag of that version; nothing and no tag when there is no document yet."""
    try:
        with _asked("GET", address, timeout) as answer:
            return parse(answer.read()), answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}, ""
        raise


def _write(address: str, document: bytes, tag: str, timeout: float) -> None:
    condition = {"If-Match": tag} if tag else {"If-None-Match": "*"}
    _asked("PUT", address, timeout, document, {"Content-Type": "application/json", **condition}).close()


def _asked(
    method: str, address: str, timeout: float, body: bytes = b"", more: Mapping[str, str] | None = None
) -> HTTPResponse:
    url, headers = address, dict(more or {})
    if address.startswith("s3:"):
        now = time.time()
        url, region = in_s3(address)
        headers |= s3.signed(url, region, s3.credentials(region, now, timeout), now, method=method, body=body)
    request = urllib.request.Request(url, data=body or None, headers=headers, method=method)  # noqa: S310  the topology's
    return urllib.request.urlopen(request, timeout=timeout)  # noqa: S310


def _plainly(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}"
    return str(error.reason) if isinstance(error, urllib.error.URLError) else str(error) or type(error).__name__


def _shown(address: str) -> str:
    return address.partition("?")[0]


def exit_code(places: Iterable[Place], new: Mapping[str, Witness]) -> int:
    """0: every place says what the list wants; 1: some do not."""
    return 0 if all(each.says(new) for each in places) else 1


def as_text(places: Iterable[Place], new: Mapping[str, Witness]) -> str:
    """A line for each place and database, and one for what went wrong."""
    lines = [] if new else ["the list has no change of role yet: the witness needs to say nothing"]
    for place in places:
        lines.append(_shown(place.address))
        said = place.said or {}
        for name in sorted({*said, *new}):
            now, then = said.get(name), new.get(name)
            text = f"entry {now.entry}: {now.copy}" if now else "nothing" if place.said is not None else "unknown"
            lines.append(
                f"  {name}: {text}" + (f"; wanted: entry {then.entry}: {then.copy}" if then != now and then else "")
            )
        if place.problem:
            lines.append(f"  {place.problem}")
    return "".join(f"{line}\n" for line in lines)


def as_json(places: Iterable[Place], new: Mapping[str, Witness]) -> str:
    """The same as data."""
    content = {
        "wanted": json.loads(dump(new)),
        "places": [
            {
                "address": each.address,
                "says": None if each.said is None else json.loads(dump(each.said)),
                "problem": each.problem,
            }
            for each in places
        ],
    }
    return f"{json.dumps(content, indent=2)}\n"
