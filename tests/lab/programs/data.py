"""A component with one bucket a region, one of them protected, and a role: what a killed `up` can leave half done."""

import pulumi
import pulumi_aws as aws

pair = pulumi.ComponentResource("test:index:Pair", "data")
for region in ("us-east-1", "us-west-2"):
    name = f"data-{region}"
    opts = pulumi.ResourceOptions(parent=pair, protect=region == "us-east-1")
    aws.s3.Bucket(name, bucket=name, region=region, opts=opts)
aws.iam.Role("copies", name="copies", assume_role_policy="{}")
