"""Alerts on what runs out or falls behind: copies of buckets, certificates, volumes. Pure.

Series of buckets are CloudWatch's as https://github.com/prometheus/cloudwatch_exporter names them: namespace and metric
in snake case, the statistic at the end, a label for each dimension. Latency is published in the region of the
destination (https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html).
"""

from hakit.plan.alerts_rule import CRITICAL, WARNING, Alert
from hakit.plan.alerts_spec import AlertsSpec
from hakit.topology import names

_DAY = 86400


def alerts(spec: AlertsSpec) -> list[Alert]:
    found = []
    for purpose, latency in spec.buckets.items():
        bucket = names.bucket_of(spec.topology, spec.region.name, purpose)
        found += [_slow(bucket, latency), _failing(bucket)]
    return [*found, _certificate(spec.certificate_days), _volume(spec)]


def _slow(bucket: str, latency: int) -> Alert:
    return Alert(
        name="HaBucketReplicationSlow",
        expr=f'max by (source_bucket) (aws_s3_replication_latency_maximum{{destination_bucket="{bucket}"}}) > LIMIT',
        limit=latency,
        hold=300,
        severity=WARNING,
        summary=f"{bucket} is {{{{ $value | humanizeDuration }}}} behind {{{{ $labels.source_bucket }}}}",
        impact="With the other region its last objects are lost.",
        labels={"bucket": bucket},
    )


def given_up(bucket: str) -> str:
    """Objects that S3 gave up to copy within an hour. Whichever side's exporter sees it says so."""
    from_here, to_here = (
        f'max_over_time(aws_s3_operations_failed_replication_sum{{{side}_bucket="{bucket}"}}[1h])'
        for side in ("source", "destination")
    )
    return f"max by (source_bucket, destination_bucket) ({from_here} or {to_here})"


def _failing(bucket: str) -> Alert:
    return Alert(
        name="HaBucketReplicationFailing",
        # S3 tries none of these again, so they count for an hour, however short the peak.
        expr=f"{given_up(bucket)} > 0",
        hold=60,
        severity=CRITICAL,
        summary="Objects of {{ $labels.source_bucket }} could not be copied to {{ $labels.destination_bucket }}",
        impact="They are in one region only until S3 Batch Replication copies them.",
        labels={"bucket": bucket},
    )


def _certificate(days: int) -> Alert:
    return Alert(
        name="HaCertificateExpires",
        # https://cert-manager.io/docs/usage/certificate/: renewed when a third of its time is left. Of any namespace:
        # with Prometheus' own defaults the certificate's is in `exported_namespace`.
        expr="certmanager_certificate_expiration_timestamp_seconds - time() < LIMIT",
        limit=days * _DAY,
        hold=3600,
        severity=CRITICAL,
        summary="Certificate {{ $labels.name }} ends in {{ $value | humanizeDuration }} and was not renewed",
        impact="Clients will refuse this region, or databases each other, and most likely when it is needed.",
    )


def _volume(spec: AlertsSpec) -> Alert:
    own = f'{{namespace="{spec.namespace}"}}'
    return Alert(
        name="HaVolumeFull",
        # Of the kubelet; the name and namespace are the claim's.
        expr=f"100 * kubelet_volume_stats_available_bytes{own} / kubelet_volume_stats_capacity_bytes{own} < LIMIT",
        limit=spec.volume_percent,
        hold=300,
        severity=CRITICAL,
        summary="Volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanize }} % left",
        impact="A database stops when its volume is full; so do its copies, which are as large.",
    )
