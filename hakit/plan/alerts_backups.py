"""Alerts on proofs: restores that are tried, drills that are held, Velero's backups. Pure.

Series are those of kube-state-metrics (docs/metrics/workload/cronjob-metrics.md, job-metrics.md) and of Velero
(pkg/metrics/metrics.go).
"""

from hakit.plan.alerts_rule import CRITICAL, WARNING, Alert
from hakit.plan.alerts_spec import AlertsSpec
from hakit.topology.handovers import role


def alerts(spec: AlertsSpec) -> list[Alert]:
    found = []
    for cronjob, (namespace, every) in spec.restore_checks.items():
        found += [_check_failed(namespace, cronjob), _check_too_old(namespace, cronjob, every)]
    if spec.drill:
        found.append(_drill_too_old(*spec.drill))
    found += [_location(location) for location in spec.velero_locations]
    if spec.pair.mode == "active-passive" and role(spec.pair, spec.region.name) == "standby":
        return found  # BackupPlan pauses Velero's Schedules there
    return [*found, *(_velero_too_old(schedule, every) for schedule, every in spec.velero_schedules.items())]


def last_proven(namespace: str, cronjob: str) -> str:
    """When a restore last succeeded; no series before the first."""
    return f'max(kube_cronjob_status_last_successful_time{{namespace="{namespace}",cronjob="{cronjob}"}})'


def _check_failed(namespace: str, cronjob: str) -> Alert:
    # A CronJob's Jobs are called `<cronjob>-<scheduled minute>`. Failed ones are kept for a while; only one that
    # started after the last success counts.
    job = f'namespace="{namespace}",job_name=~"{cronjob}-[0-9]+"'
    failed = (
        f"max(kube_job_status_start_time{{{job}}} "
        f'and on (namespace, job_name) kube_job_failed{{{job},condition="true"}} == 1)'
    )
    return Alert(
        name="HaRestoreCheckFailed",
        expr=f"{failed} > ({last_proven(namespace, cronjob)} or vector(0))",
        hold=60,
        severity=CRITICAL,
        summary=f"The last restore of {cronjob} failed",
        impact="Until it is known why, count on there being no backup.",
        labels={"cronjob": cronjob},
    )


def _check_too_old(namespace: str, cronjob: str, every: int) -> Alert:
    own = f'{{namespace="{namespace}",cronjob="{cronjob}"}}'
    # Without any success there is no series of it: then the age of the CronJob counts, and without one 1970.
    last = f"({last_proven(namespace, cronjob)} or max(kube_cronjob_created{own}) or vector(0))"
    return Alert(
        name="HaRestoreCheckTooOld",
        expr=f"time() - {last} > LIMIT",
        limit=every * 3 // 2,
        hold=300,
        severity=WARNING,
        summary=f"No restore of {cronjob} has succeeded for {{{{ $value | humanizeDuration }}}}",
        impact="Nobody knows whether the backups can be restored.",
        labels={"cronjob": cronjob},
    )


def _drill_too_old(last: int, every: int) -> Alert:
    return Alert(
        name="HaDrillTooOld",
        # The day is declared: a drill leaves no series behind that would outlive a Prometheus.
        expr=f"vector(time() - {last}) > LIMIT",
        limit=every,
        hold=300,
        severity=WARNING,
        summary="The last failover drill was {{ $value | humanizeDuration }} ago",
        impact="Whether the RTO can be kept is a guess.",
    )


def _location(location: str) -> Alert:
    series = f'velero_backup_location_status_gauge{{backup_location_name="{location}"}}'
    return Alert(
        name="HaVeleroLocationUnavailable",
        expr=f"max({series}) == 0 or absent({series})",
        hold=900,
        severity=CRITICAL,
        summary=f"Velero cannot reach backup location {location}",
        impact="No backup is taken there, and none restored from it.",
        labels={"location": location},
    )


def _velero_too_old(schedule: str, every: int) -> Alert:
    # `velero_backup_last_status` stays at success while backups fail; the time of the last success does not lie. It has
    # no series before the first one, nor after a restart until Velero has read its backups.
    last = f'max(velero_backup_last_successful_timestamp{{schedule="{schedule}"}})'
    return Alert(
        name="HaVeleroBackupTooOld",
        expr=f"time() - ({last} or vector(0)) > LIMIT",
        limit=every * 3 // 2,
        hold=900,
        severity=WARNING,
        summary=f"Velero's schedule {schedule} has had no success for a period and a half, or never",
        impact="Objects and volumes can be restored only as they were then.",
        labels={"schedule": schedule},
    )
