"""The CronJob of a RcloneCopy, as YAML written by hand, when it runs, and what is refused."""

from typing import Any

import pytest
import yaml

from hakit.errors import HakitError
from hakit.plan import rclone
from tests.unit.postgres.given import CANCEL, FAILOVER, PLANNED, SETTLED, topology
from tests.unit.stores.given import FILES, rclone_spec

CRON_JOB = """
apiVersion: batch/v1
kind: CronJob
metadata:
  name: files-b
  namespace: shop
  labels: {app.kubernetes.io/name: rclone, app.kubernetes.io/instance: files-b}
spec:
  schedule: "*/15 * * * *"
  suspend: false
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 900
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        metadata: {labels: {app.kubernetes.io/name: rclone, app.kubernetes.io/instance: files-b}}
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
          containers:
            - name: rclone
              image: rclone/rclone:1.75.2
              args: [copy, "source:files-a/in/", "target:files-b/in/", --immutable, --checksum, --stats=0, -v]
              env:
                - {name: RCLONE_CONFIG, value: ""}
                - {name: RCLONE_CONFIG_SOURCE_TYPE, value: s3}
                - {name: RCLONE_CONFIG_SOURCE_PROVIDER, value: AWS}
                - {name: RCLONE_CONFIG_SOURCE_REGION, value: a}
                - {name: RCLONE_CONFIG_SOURCE_NO_CHECK_BUCKET, value: "true"}
                - name: RCLONE_CONFIG_SOURCE_ACCESS_KEY_ID
                  valueFrom: {secretKeyRef: {name: s3-a, key: ACCESS_KEY_ID}}
                - name: RCLONE_CONFIG_SOURCE_SECRET_ACCESS_KEY
                  valueFrom: {secretKeyRef: {name: s3-a, key: ACCESS_SECRET_KEY}}
                - {name: RCLONE_CONFIG_TARGET_TYPE, value: s3}
                - {name: RCLONE_CONFIG_TARGET_PROVIDER, value: AWS}
                - {name: RCLONE_CONFIG_TARGET_REGION, value: b}
                - {name: RCLONE_CONFIG_TARGET_NO_CHECK_BUCKET, value: "true"}
                - name: RCLONE_CONFIG_TARGET_ACCESS_KEY_ID
                  valueFrom: {secretKeyRef: {name: s3-b, key: ACCESS_KEY_ID}}
                - name: RCLONE_CONFIG_TARGET_SECRET_ACCESS_KEY
                  valueFrom: {secretKeyRef: {name: s3-b, key: ACCESS_SECRET_KEY}}
              resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 512Mi}}
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities: {drop: [ALL]}
"""
ASKED = {"changed": "overwrite", "propagate_deletions": "personal data must go"}


def container(scope: str = "a", **arguments: Any) -> dict[str, Any]:
    (job,) = rclone.plan(rclone_spec(scope, **arguments))
    return job.manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]


def test_the_cron_job_is_this_yaml_and_nothing_more() -> None:
    (job,) = rclone.plan(rclone_spec("a"))
    assert (job.key, job.manifest) == ("copy-b", yaml.safe_load(CRON_JOB))


@pytest.mark.parametrize("changed", ["refuse", "overwrite"])
def test_unless_asked_no_argument_can_delete(changed: str) -> None:
    args = container(changed=changed)["args"]
    assert args[0] == "copy"
    assert not [each for each in args if "delete" in each or each in ("sync", "move", "bisync")]


def test_asked_it_synchronises_within_a_limit_and_moves_what_goes() -> None:
    assert container(**ASKED)["args"] == [
        "sync", "source:files-a/in/", "target:files-b/in/", "--update", "--use-server-modtime", "--no-update-modtime",
        "--backup-dir=target:files-b/hakit-deleted/in/", "--max-delete=100", "--stats=0", "-v",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "active"),
    [([], "a"), ([PLANNED], "a"), ([PLANNED, CANCEL], "a"), ([SETTLED], "b"), ([FAILOVER], "b")],
)
def test_only_the_active_region_copies(entries: list[Any], active: str) -> None:
    for region in ("a", "b"):
        (job,) = rclone.plan(rclone_spec(region, entries))
        assert job.manifest["spec"]["suspend"] == (region != active)
        assert job.key == ("copy-b" if region == "a" else "copy-a")


def test_without_a_secret_the_pod_is_who_it_is() -> None:
    stores = {**FILES, "a": {"bucket": "files-a", "prefix": "in"}}
    found = {each["name"]: each.get("value") for each in container(stores=stores)["env"]}
    assert found["RCLONE_CONFIG_SOURCE_ENV_AUTH"] == "true"
    assert "RCLONE_CONFIG_SOURCE_ACCESS_KEY_ID" not in found
    assert "RCLONE_CONFIG_TARGET_ENV_AUTH" not in found


def test_another_object_store_has_its_address() -> None:
    elsewhere = {"bucket": "files", "endpoint": "https://minio.b.example.com", "provider": "Minio", "region": "eu"}
    found = {each["name"]: each.get("value") for each in container(stores={**FILES, "b": elsewhere})["env"]}
    assert found["RCLONE_CONFIG_TARGET_ENDPOINT"] == "https://minio.b.example.com"
    assert found["RCLONE_CONFIG_TARGET_PROVIDER"] == "Minio"
    assert found["RCLONE_CONFIG_TARGET_REGION"] == "eu"


def test_every_hour_is_at_the_full_one() -> None:
    (job,) = rclone.plan(rclone_spec("a", every=60, rpo=7200))
    assert job.manifest["spec"]["schedule"] == "0 * * * *"


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("an objective out of reach", {"rpo": 1799}, "rpo: 1799s is out of reach of a copy every 15 min"),
    ("the pair's objective, out of reach", {"rpo": None}, "rpo: 30s is out of reach"),
    ("seven minutes", {"every": 7}, "every: not a part of an hour"),
    ("a region without a bucket", {"stores": {"a": FILES["a"]}}, "stores.b is missing"),
    ("a bucket without a region", {"stores": {**FILES, "c": FILES["a"]}}, "is not in this region"),
    ("one bucket for both", {"stores": {"a": FILES["a"], "b": FILES["a"]}}, "are the same place"),
    ("no TLS", {"stores": {**FILES, "b": {"bucket": "b", "endpoint": "http://s3"}}}, "not an address over TLS"),
    ("a key in the program", {"stores": {**FILES, "b": {"bucket": "b", "access_key": "x"}}}, "unknown argument"),
    ("deletions for no reason", {**ASKED, "propagate_deletions": " "}, "propagate_deletions: say why"),
    ("deletions with refuse", {"propagate_deletions": "why not"}, "one object that changed stops every deletion"),
    ("a limit of nothing", {"max_deletions": 5}, "max_deletions: nothing is deleted"),
    (
        "deletions of a whole bucket",
        {**ASKED, "stores": {**FILES, "b": {"bucket": "b"}}},
        "must be outside of it",
    ),
    ("an image of no version", {"image": "rclone/rclone"}, "image: not pinned"),
    ("an unknown word", {"changed": "merge"}, "changed: unknown word"),
    ("an unknown argument", {"schedule": "* * * * *"}, "schedule: unknown argument"),
]


@pytest.mark.parametrize(("arguments", "words"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_it_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(HakitError, match=words):
        rclone_spec("a", **arguments)


def test_a_name_that_kubernetes_would_refuse_for_a_job_is_refused() -> None:
    args = {"topology": "t", "pair": "shop", "scope": "a", "namespace": "n", "stores": FILES, "rpo": 1800}
    with pytest.raises(HakitError, match="up to 52"):
        rclone.specify("f" * 51, args, topology(regions=("a", "b")))
