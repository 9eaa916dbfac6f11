"""What no single region owns. It depends on no role and no traffic state, so a failover never touches it."""

import pulumi
import pulumi_aws as aws

import hakit
from hakit.topology import names


def deploy(topology: str) -> None:
    declared = hakit.load_topology(topology)
    # Its own region matters little: every bucket and key names the region it is in. The account is pinned.
    provider = aws.Provider("aws", region=next(iter(declared.regions)), allowed_account_ids=[declared.aws.account])
    opts = pulumi.ResourceOptions(providers=[provider])

    # Each region archives to its own bucket; the others keep a copy. A deletion stays where it was made.
    wal = hakit.BucketPair(
        "wal",
        {"topology": topology, "purpose": "wal", "databases": {"shop": {"namespace": "shop"}}},
        opts,
    )

    # What customers upload: equal on both sides, deletions too, so it may be used from either.
    assets = hakit.BucketPair(
        "assets",
        {
            "topology": topology,
            "purpose": "assets",
            "copy_deletions": True,
            "apps": {"storefront": {"namespace": "shop", "paths": ["uploads/"]}},
        },
        opts,
    )

    pulumi.export("stacks", [names.stack(declared.environment, scope) for scope in names.scopes(declared)])
    pulumi.export("buckets", {"wal": wal.buckets, "assets": assets.buckets})
    pulumi.export("batch_jobs", {"wal": wal.batch_jobs, "assets": assets.batch_jobs})
