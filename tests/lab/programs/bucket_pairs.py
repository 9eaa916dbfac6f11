"""BucketPairs as the test writes them down, and a role: from the first resource on there is an AWS."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws

import hakit

topology = "stacks/topology.prod.yaml"
account = hakit.load_topology(topology).aws.account
provider = aws.Provider("aws", region="us-east-1", allowed_account_ids=[account])
aws.iam.Role("before", name="before", assume_role_policy="{}", opts=pulumi.ResourceOptions(provider=provider))
for name, args in json.loads(Path("bucket_pairs.json").read_text(encoding="utf-8")).items():
    hakit.BucketPair(
        name, {"topology": topology, "purpose": name, **args}, pulumi.ResourceOptions(providers=[provider])
    )
