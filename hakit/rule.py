"""One entry of the catalogue of findings."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Rule:
    """One kind of finding.

    Attributes:
        code: stable, `HK` and three digits.
        severity: an error stops a Pulumi program; a warning does not.
        title: one line.
        why: what happens when it is left as it is.
        mend: what to do about it.
        mended: whether `ZonalApp` mends it by itself, so that only `hakit check` of the chart as it is reports it.
    """

    code: str
    severity: Severity
    title: str
    why: str
    mend: str
    mended: bool = False
