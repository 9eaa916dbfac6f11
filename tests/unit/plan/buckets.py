"""What the tests of BucketPair start from: a topology of two regions, and specs made from it."""

from typing import Any

from hakit.plan.buckets import specify
from hakit.plan.buckets_spec import BucketsSpec
from hakit.topology import Topology, loading
from tests.unit.topology.example import EXAMPLE

THIRD = """\
  eu-west-1:
    zones: [eu-west-1a, eu-west-1b, eu-west-1c]
    kubernetes: "1.34"
    cluster: {context: prod-euw1, oidc_issuer: https://oidc.eks.eu-west-1.amazonaws.com/id/CCCC}
    storage: {zonal: gp3}
"""
THREE_REGIONS = EXAMPLE.replace("pairs:\n", THIRD + "pairs:\n")

EAST, WEST, EUROPE = "us-east-1", "us-west-2", "eu-west-1"
ACCOUNT = "111122223333"
#: As KMS would name them.
KEYS = {region: f"arn:aws:kms:{region}:{ACCOUNT}:key/{region}" for region in (EAST, WEST, EUROPE)}
BUCKETS = {region: f"arn:aws:s3:::acme-prod-{region}-wal" for region in (EAST, WEST, EUROPE)}
DATABASES = {"shop": {"namespace": "shop"}}


def topology(text: str = EXAMPLE) -> Topology:
    return loading.parse(text, "t.yaml")


def spec(text: str = EXAMPLE, **args: Any) -> BucketsSpec:
    return specify("wal", {"topology": "t.yaml", "purpose": "wal", **args}, topology(text))
