"""How a restore check can end: a word and an exit code each."""

OK = "ok"
FAILED = "restore-failed"
NO_BACKUP = "no-backup"
CREDENTIALS = "wrong-credentials"
CORRUPT = "corrupt-backup"
MISSING_WAL = "missing-wal"
STALE = "stale"
CHECK_FAILED = "check-failed"
TIMED_OUT = "timed-out"
UNREACHABLE = "store-unreachable"
NOT_CLEANED = "not-cleaned-up"
BUSY = "busy"
INTERRUPTED = "interrupted"

#: By word. 1 is whatever nobody thought of, 2 that the cluster could not be asked at all.
CODES = {
    OK: 0,
    FAILED: 10,
    NO_BACKUP: 11,
    CREDENTIALS: 12,
    CORRUPT: 13,
    MISSING_WAL: 14,
    STALE: 15,
    CHECK_FAILED: 16,
    TIMED_OUT: 17,
    UNREACHABLE: 18,
    NOT_CLEANED: 19,
    BUSY: 20,
    INTERRUPTED: 21,
}


class FailedError(Exception):
    """The check has an outcome other than ok.

    Attributes:
        outcome: its word.
        message: one sentence, without a secret and without a row's content.
    """

    def __init__(self, outcome: str, message: str) -> None:
        self.outcome, self.message = outcome, message
        super().__init__(f"{outcome}: {message}")
