"""Reading the witness: small JSON documents outside the region, one for each pair.

`{"orders": {"entry": 3, "region": "us-west-2", "incarnation": 1}}`: by database, who may be writable.
"""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from hakit.fence import s3
from hakit.topology.copies import Witness

#: Bytes of a document; a pair of a hundred databases needs a tenth of it.
_LIMIT = 64 * 1024


class Source:
    """One place where the witness is kept: an `https://` address, or `s3://bucket/key?region=us-west-2`, for an S3 that
    is not Amazon's with `&endpoint=https://...`."""

    def __init__(self, address: str, timeout: float) -> None:
        self.address = address
        self._timeout = timeout
        self._keys: s3.Keys | None = None

    def read(self) -> dict[str, Witness]:
        """By database.

        Raises:
            OSError, ValueError: it is out of reach, or no witness.
        """
        if not self.address.startswith("s3:"):
            return self._get(self.address, {})
        url, region = in_s3(self.address)
        now = time.time()
        if self._keys is None or not self._keys.good(now):
            self._keys = s3.credentials(region, now, self._timeout)
        return self._get(url, s3.signed(url, region, self._keys, now))

    def _get(self, url: str, headers: Mapping[str, str]) -> dict[str, Witness]:
        request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310  the scheme is checked by the plan
        with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
            return parse(answer.read(_LIMIT))


def in_s3(address: str) -> tuple[str, str]:
    """Of an `s3://` address the object's URL and its region."""
    place = urllib.parse.urlsplit(address)
    options = dict(urllib.parse.parse_qsl(place.query))
    region = options["region"]
    return s3.url_of(place.netloc, place.path.lstrip("/"), region, options.get("endpoint", "")), region


def region_of(address: str) -> str:
    """The region that a place is in; empty where its address does not say."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query)).get("region", "")


def parse(text: bytes | str) -> dict[str, Witness]:
    """A document's content. Raises ValueError when it is none: a torn or foreign document is no witness."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not a mapping")  # noqa: TRY004  what is wrong is the text
    return {database: _one(database, value) for database, value in content.items()}


def _one(database: str, value: Any) -> Witness:
    try:
        found = Witness(value["entry"], value["region"], value["incarnation"])
    except (TypeError, KeyError):
        raise ValueError(f"{database}: needs entry, region and incarnation") from None
    whole = all(type(number) is int and number > 0 for number in (found.entry, found.incarnation))
    if not whole or not isinstance(found.region, str):
        raise ValueError(f"{database}: entry and incarnation are whole numbers from 1, region is a name")
    return found


def dump(witnesses: Mapping[str, Witness]) -> str:
    """The document."""
    content = {
        database: {"entry": each.entry, "region": each.region, "incarnation": each.incarnation}
        for database, each in sorted(witnesses.items())
    }
    return json.dumps(content)


def highest(several: Iterable[Mapping[str, Witness]]) -> dict[str, Witness]:
    """Of several readings, for each database the one that has come furthest: the witness only rises."""
    found: dict[str, Witness] = {}
    for each in several:
        for database, witness in each.items():
            if database not in found or witness.entry > found[database].entry:
                found[database] = witness
    return found
