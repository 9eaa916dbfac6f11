"""What RestoreChecks have proven: read of their CronJobs and reports, and judged as HaAlerts does. Pure."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hakit.errors import HakitError
from hakit.findings import Finding
from hakit.observe import Object
from hakit.plan.cron import gaps, parse
from hakit.plan.restore_check import DATABASE, SOURCE, report_name
from hakit.status.moments import moment
from hakit.verify.made import CHECK
from hakit.verify.outcome import OK
from hakit.verify.run import REPORT, SUCCEEDED

_PAIR = "hakit/pair"


@dataclass(frozen=True)
class Check:
    """One RestoreCheck of one region's archive, in the region that restores it.

    Attributes:
        name, namespace: of its CronJob.
        source: the region whose archive it restores.
        created: when the CronJob was made.
        every: the longest time between two of its runs; None of a schedule that is not to be read.
        proven: when a restore last worked, by schedule or on demand.
        outcome, ended: of its last run; empty and None before the first.
    """

    name: str
    namespace: str
    pair: str
    database: str
    source: str
    created: dt.datetime | None = None
    every: dt.timedelta | None = None
    proven: dt.datetime | None = None
    outcome: str = ""
    ended: dt.datetime | None = None

    @property
    def failed(self) -> bool:
        """Whether the last run ended in anything but a proof, and none was given since."""
        if self.outcome in ("", OK):
            return False
        return self.proven is None or self.ended is None or self.ended > self.proven

    @property
    def limit(self) -> dt.timedelta | None:
        """How old a proof may be: that of HaRestoreCheckTooOld."""
        return None if self.every is None else self.every * 3 / 2


def checks_of(jobs: Iterable[Object], reports: Iterable[Object]) -> tuple[Check, ...]:
    """Of the CronJobs and the ConfigMaps that carry a RestoreCheck's label."""
    by_name = {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in reports}
    return tuple(_check(job, by_name.get(_report_of(job)) or {}) for job in jobs)


def _report_of(job: Object) -> tuple[str, str]:
    return job["metadata"]["namespace"], report_name(str(job["metadata"]["labels"][CHECK]))


def _check(job: Object, kept: Object) -> Check:
    metadata, labels = job["metadata"], job["metadata"]["labels"]
    report = _report(kept)
    outcome, ended = str(report.get("outcome") or ""), moment(report.get("ended"))
    worked = (
        # A run on demand is no run of the CronJob's, and the report is the last run's alone: its mark stays.
        moment((job.get("status") or {}).get("lastSuccessfulTime")),
        moment(((kept.get("metadata") or {}).get("annotations") or {}).get(SUCCEEDED)),
        ended if outcome == OK else None,
    )
    return Check(
        name=metadata["name"],
        namespace=metadata["namespace"],
        pair=str(labels.get(_PAIR, "")),
        database=str(labels.get(DATABASE, "")),
        source=str(labels.get(SOURCE, "")),
        created=moment(metadata.get("creationTimestamp")),
        every=_every(str((job.get("spec") or {}).get("schedule", ""))),
        proven=max(filter(None, worked), default=None),
        outcome=outcome,
        ended=ended,
    )


def _report(kept: Object) -> Object:
    with suppress(ValueError):
        found = json.loads((kept.get("data") or {}).get(REPORT) or "")
        return found if isinstance(found, dict) else {}
    return {}


def _every(schedule: str) -> dt.timedelta | None:
    try:
        return gaps(parse(schedule, 5, "", "schedule"))[1]
    except HakitError:  # written by hand, for Kubernetes' parser knows more
        return None


def of(checks: Iterable[Check], pair: str, database: str, source: str) -> list[Check]:
    """Those of one archive."""
    return [each for each in checks if (each.pair, each.database, each.source) == (pair, database, source)]


def proven(checks: Iterable[Check]) -> dt.datetime | None:
    """When a restore last worked."""
    return max((each.proven for each in checks if each.proven), default=None)


def judge(region: str, checks: Sequence[Check], now: dt.datetime) -> Iterator[Finding]:
    """What is wrong with the proofs that one region gives."""
    for each in checks:
        title, where = f"CronJob/{each.name}", f"namespace {each.namespace}"
        of_what = f"{each.source}'s archive of {each.pair}/{each.database}"
        last = f"last proven {_told(each.proven)}" if each.proven else "never proven"
        if each.failed:
            message = f"{region}: the last restore of {of_what} failed"
            ended = f" at {_told(each.ended)}" if each.ended else ""
            yield Finding("HK141", title, "", message, where, f"{each.outcome}{ended}; {last}")
        since = each.proven or each.created
        if since and each.limit and now - since > each.limit:
            message = f"{region}: no restore of {of_what} has worked for {_long(now - since)}"
            yield Finding("HK142", title, "", message, where, f"{last}; allowed are {_long(each.limit)}")


def _told(at: dt.datetime | None) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def _long(time: dt.timedelta) -> str:
    return f"{time.total_seconds() / 3600:.0f} h"
