"""Small documents that several machines read and write, each write conditional on what was read before it.

A folder, or an S3 bucket (If-Match and If-None-Match, as the witness is written). Journal and lock stand in one.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import fcntl
import hashlib
import os
import re
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from hakit.errors import HakitError
from hakit.fence import s3

#: Seconds that one request to S3 may take.
TIMEOUT = 3.0
#: Of a conditional write: what was read is no longer there; another write is under way. S3's error codes.
_OVERTAKEN = (409, 412)


class OvertakenError(Exception):
    """Somebody else wrote the document since it was read."""


class AwayError(Exception):
    """The store cannot be reached, or may not be used. One line."""


class Store(Protocol):
    """Where documents are kept by name."""

    where: str
    """For people."""

    def read(self, name: str) -> tuple[bytes, str]:
        """A document and the tag of its version; empty, with an empty tag, where there is none. Raises AwayError."""
        ...

    def write(self, name: str, content: bytes, tag: str) -> str:
        """Write over the version with this tag, or a new document with an empty one; the new version's tag.

        Raises:
            OvertakenError: another version stands there now.
            AwayError: it cannot be written.
        """
        ...


class Folder:
    """A folder of this machine, or one that several mount."""

    def __init__(self, path: Path) -> None:
        self._path, self.where = path, str(path)

    def read(self, name: str) -> tuple[bytes, str]:
        try:
            content = (self._path / name).read_bytes()
        except FileNotFoundError:
            return b"", ""
        except OSError as error:
            raise AwayError(f"{self.where}: {error.strerror or error}") from None
        return content, _tag(content)

    def write(self, name: str, content: bytes, tag: str) -> str:
        target = self._path / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Held for a moment only, and given back by the system when its holder dies.
            with (target.parent / ".writing").open("w") as gate:
                fcntl.flock(gate, fcntl.LOCK_EX)
                if self.read(name)[1] != tag:
                    raise OvertakenError(name)
                handle, fresh = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
                try:
                    with os.fdopen(handle, "wb") as out:
                        out.write(content)
                        out.flush()
                        os.fsync(out.fileno())
                    Path(fresh).replace(target)
                finally:
                    with suppress(FileNotFoundError):
                        Path(fresh).unlink()
        except OSError as error:
            raise AwayError(f"{self.where}: {error.strerror or error}") from None
        return _tag(content)


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Bucket:
    """A place in S3: `s3://bucket/prefix?region=...`, with `&endpoint=` for one that is not Amazon's."""

    def __init__(self, address: str, timeout: float = TIMEOUT) -> None:
        place = urllib.parse.urlsplit(address)
        options = dict(urllib.parse.parse_qsl(place.query))
        self._bucket, self._prefix = place.netloc, place.path.strip("/")
        self._region, self._endpoint = options.get("region", ""), options.get("endpoint", "")
        self._timeout = timeout
        self.where = f"s3://{place.netloc}/{self._prefix}"
        if not self._region:
            raise HakitError("the bucket's region is missing", where=self.where, do="add ?region=<region> to it")

    def read(self, name: str) -> tuple[bytes, str]:
        try:
            return self._ask("GET", name)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return b"", ""
            raise AwayError(f"{self.where}: {error.code} {error.reason}") from None
        except OSError as error:
            raise AwayError(f"{self.where}: {error}") from None

    def write(self, name: str, content: bytes, tag: str) -> str:
        condition = {"If-Match": tag} if tag else {"If-None-Match": "*"}
        try:
            return self._ask("PUT", name, content, condition)[1]
        except urllib.error.HTTPError as error:
            if error.code in _OVERTAKEN:
                raise OvertakenError(name) from None
            raise AwayError(f"{self.where}: {error.code} {error.reason}") from None
        except OSError as error:
            raise AwayError(f"{self.where}: {error}") from None

    def _ask(self, method: str, name: str, body: bytes = b"", more: dict[str, str] | None = None) -> tuple[bytes, str]:
        url = s3.url_of(self._bucket, "/".join(filter(None, (self._prefix, name))), self._region, self._endpoint)
        now = time.time()
        keys = s3.credentials(self._region, now, self._timeout)
        headers = {**(more or {}), **s3.signed(url, self._region, keys, now, method=method, body=body)}
        request = urllib.request.Request(url, data=body or None, headers=headers, method=method)  # noqa: S310  see s3
        with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
            return answer.read(), answer.headers.get("ETag", "")


def open_store(address: str) -> Store:
    """A store by its address: a folder's path, `file://...`, or `s3://bucket/prefix?region=...`.

    Raises:
        HakitError: it is neither.
    """
    if address.startswith("s3://"):
        return Bucket(address)
    if address.startswith("file://"):
        return Folder(Path(urllib.parse.unquote(address.removeprefix("file://"))).expanduser())
    if re.match(r"[a-z0-9]+://", address):
        raise HakitError(
            "not a place for a journal", given=address, allowed="a folder, file://..., s3://...?region=..."
        )
    return Folder(Path(address).expanduser())
