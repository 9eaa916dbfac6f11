"""What the log of a recovery says: which backup, how far, and why it failed.

Lines are those of CloudNativePG 1.30, of its Barman Cloud plugin 0.14 with barman 3, and of PostgreSQL: JSON, one a
line, the program's own words within.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hakit.verify import outcome

Segment = tuple[int, int]

#: By what a line has in it; the first that any line has is the verdict. The order matters: a refusal of S3 is also an
#: "operation error" of barman, a file that is not there is also an error of what reads it.
_SIGNS: tuple[tuple[str, str], ...] = (
    # botocore's codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
    (outcome.CREDENTIALS, r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|InvalidToken|ExpiredToken"),
    (outcome.CREDENTIALS, r"Access Denied|\(403\)|Forbidden|AllAccessDisabled|AuthFailure|InvalidClientTokenId"),
    (outcome.CREDENTIALS, r"Unable to locate credentials|NoCredentials|PartialCredentials|AssumeRoleWithWebIdentity"),
    # barman-cloud pkg/credentials/env.go
    (outcome.CREDENTIALS, r"missing S3 credentials|missing access key ID|missing secret access key|missing key \S+, "),
    (outcome.CREDENTIALS, r"while getting secret|no credentials defined"),
    (outcome.UNREACHABLE, r"Could not connect to the endpoint|EndpointConnectionError|ConnectTimeout|ReadTimeoutError"),
    (outcome.UNREACHABLE, r"connectivity failure|Name or service not known|SSLError|CERTIFICATE_VERIFY_FAILED"),
    # plugin-barman-cloud internal/cnpgi/restore/restore.go; barman's clients for a bucket that is not there
    (outcome.NO_BACKUP, r"no target backup found|no backup found|NoSuchBucket|Bucket \S+ does not exist"),
    (outcome.MISSING_WAL, r"while checking the presence of first needed WAL in the archive"),
    # src/backend/access/transam/xlogrecovery.c and xlog.c
    (outcome.MISSING_WAL, r"could not locate required checkpoint record|could not locate a valid checkpoint record"),
    (outcome.MISSING_WAL, r"WAL ends before end of online backup|WAL ends before consistent recovery point"),
    (outcome.MISSING_WAL, r"recovery ended before configured recovery target was reached"),
    (
        outcome.CORRUPT,
        r"ReadError|unexpected end of data|invalid header|truncated header|zlib\.error|Not a gzipped file",
    ),
    (outcome.CORRUPT, r"BadGzipFile|CRC check failed|Error -\d+ while decompressing|Compressed file ended before"),
    (outcome.CORRUPT, r"EOFError|checksum|invalid page in block|incorrect resource manager data|invalid checkpoint"),
    (outcome.CORRUPT, r"database files are incompatible|is not a valid data directory|PG_VERSION|pg_control"),
    (outcome.CORRUPT, r"NoSuchKey|Cannot find (archive|file)|backup\.info|could not (open|read) file|unable to open"),
)
_COMPILED = tuple((word, re.compile(pattern)) for word, pattern in _SIGNS)
#: Of a second attempt, about what the first one left: why that one failed, it does not say.
_CLEARS = "pg_controldata check on existing directory failed, cleaning up folders"
_SERIOUS = ("error", "fatal", "panic", "warning")
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_LAST = re.compile(r"last completed transaction was at log time (\S+ \S+)")
#: Kept of a log, newest last.
_LINES = 200


@dataclass
class Evidence:
    """One recovery, as its log tells it line by line.

    Attributes:
        backup, backup_ended: which one is restored, and when it was complete.
        last_transaction: when the last transaction that was replayed had been committed.
        segments: of WAL that were read, as (file, segment); the timeline does not count.
        troubled: lines that tell of trouble, in plain words.
        unread: why a log was not read to its end.
    """

    backup: str = ""
    backup_ended: datetime | None = None
    last_transaction: datetime | None = None
    segments: set[Segment] = field(default_factory=set)
    troubled: list[str] = field(default_factory=list)
    unread: str = ""

    def add(self, line: str) -> None:
        entry = _entry(line)
        text = _text(entry) if entry else line
        message = str(entry.get("msg", ""))
        if message == "Target backup found" and isinstance(entry.get("backup"), dict):
            self._target(entry["backup"])
        elif message.startswith("Restored WAL file") and _SEGMENT.fullmatch(str(entry.get("walName", ""))):
            self.segments.add(_position(entry["walName"]))
        elif found := _LAST.search(text):
            self.last_transaction = moment(found[1])
        if _is_serious(entry, text):
            self.troubled = [*self.troubled, text][-_LINES:]

    def _target(self, backup: dict[str, Any]) -> None:
        self.backup = str(backup.get("backup_id") or backup.get("id") or "")
        self.backup_ended = moment(str(backup.get("end_time_iso") or ""))

    @property
    def restored_to(self) -> datetime | None:
        """Up to when everything is there: to the last transaction, or to the backup's end when none came after it."""
        found = [each for each in (self.last_transaction, self.backup_ended) if each]
        return max(found) if found else None

    def hole(self) -> Segment | None:
        """The first segment that is missing though a later one is there.

        The plugin reads some segments ahead, so what is behind a hole is seen as far as that. Nobody says that the hole
        is one: to PostgreSQL it is the end of the archive, and it opens the database there.
        """
        if not self.segments:
            return None
        first = min(self.segments)
        return min((_before(each) for each in self.segments if each != first and not self._follows(each)), default=None)

    def _follows(self, segment: Segment) -> bool:
        file, number = segment
        # How many segments a file has depends on their size, so any of the file before will do for its first one.
        return (file, number - 1) in self.segments if number else any(each == file - 1 for each, _ in self.segments)

    def verdict(self) -> tuple[str, str]:
        """Why it failed, by outcome and in its own words."""
        for word, pattern in _COMPILED:
            for line in self.troubled:
                if pattern.search(line):
                    return word, _short(line)
        return outcome.FAILED, _short(self.troubled[-1]) if self.troubled else "its log says nothing"


def moment(text: str) -> datetime | None:
    """As barman, PostgreSQL and JSON write it; None where it is none."""
    text = text.strip().replace(" UTC", "+00:00").replace(" GMT", "+00:00").replace("Z", "+00:00")
    text = re.sub(r"\.(\d{1,6})\d*", lambda found: f".{found[1]:0<6}", text)
    text = re.sub(r"([+-]\d\d)$", r"\1:00", text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def named(segment: Segment) -> str:
    """A segment as the end of its file's name, without the timeline in front."""
    return f"{segment[0]:08X}{segment[1]:08X}"


def _entry(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(entry: dict[str, Any]) -> str:
    """What an entry says: its message, its error, and what a program within it said."""
    record = entry.get("record")
    inner = record if isinstance(record, dict) else {}
    parts = [
        str(entry.get("msg") or "") if str(entry.get("msg")) != "record" else "",
        *(str(inner.get(key) or "") for key in ("error_severity", "message", "detail")),
        *(str(entry.get(key) or "") for key in ("error", "err", "stderr")),
    ]
    return ": ".join(part.strip() for part in parts if part.strip())


def _is_serious(entry: dict[str, Any], text: str) -> bool:
    record = entry.get("record")
    if isinstance(record, dict):
        return str(record.get("error_severity", "")) in ("ERROR", "FATAL", "PANIC", "WARNING")
    if entry.get("msg") == _CLEARS:
        return False
    if str(entry.get("level", "")) in _SERIOUS:
        return True
    # barman's own lines come as plain text, or as the message of an entry at level info.
    return bool(re.search(r"ERROR|Error|FATAL|PANIC|Traceback|fail|Exception", text))


def _position(name: str) -> Segment:
    return int(name[8:16], 16), int(name[16:], 16)


def _before(segment: Segment) -> Segment:
    file, number = segment
    return (file, number - 1) if number else (file - 1, 0xFF)


def _short(line: str) -> str:
    return " ".join(line.split())[:400]
