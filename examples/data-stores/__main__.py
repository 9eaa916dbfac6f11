"""Data stores beside PostgreSQL, each in the role that the topology gives it in this stack's region."""

import pulumi

import hakit

_, _, region = pulumi.get_stack().partition("-")
opts = pulumi.ResourceOptions(providers=[hakit.kubernetes_provider("topology.yaml", region)])
place = {"topology": "topology.yaml", "pair": "shop", "scope": region, "namespace": "shop"}

base = hakit.RegionBase("base", {"topology": "topology.yaml", "scope": region, "namespaces": {"shop": {}}}, opts)
after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[base]))

catalog = hakit.MariaDbCluster(
    "catalog",
    {
        **place,
        "storage": "20Gi",
        "credentials": {
            "root": {"secret": "catalog-root"},
            "application": {"secret": "catalog-app"},
            "replication": {"secret": "catalog-replication"},
        },
        "multi_cluster": "the catalog can be loaded again from its source",
        "routes": {
            "us-east-1": {"host": "catalog.us-east-1.example.com"},
            "us-west-2": {"host": "catalog.us-west-2.example.com"},
        },
        "authority": "catalog-authority",
        "backup": {
            "stores": {
                "us-east-1": {"bucket": "acme-prod-us-east-1-dumps", "secret": "dumps"},
                "us-west-2": {"bucket": "acme-prod-us-west-2-dumps", "secret": "dumps"},
            }
        },
    },
    after,
)
pulumi.export("catalog", {"host": catalog.host, "role": catalog.role})

uploads = hakit.RcloneCopy(
    "uploads",
    {
        **place,
        "stores": {
            "us-east-1": {"bucket": "acme-prod-us-east-1-uploads", "secret": "uploads"},
            "us-west-2": {"bucket": "acme-prod-us-west-2-uploads", "secret": "uploads"},
        },
        "rpo": 1800,
    },
    after,
)
pulumi.export("uploads", {"role": uploads.role})

sessions = hakit.RedisSentinel(
    "sessions",
    {
        **place,
        "storage": "5Gi",
        "password": {"secret": "sessions"},
        "regional": "whoever is logged in may have to log in again after a handover",
    },
    after,
)
pulumi.export("sessions", {"sentinel": sessions.sentinel_host, "group": sessions.master_name})

hakit.MinioSiteReplication(
    "objects",
    {
        **place,
        "unmaintained": "there until the move to S3 is done",
        "sites": {
            "us-east-1": {"endpoint": "https://minio.us-east-1.example.com", "secret": "minio-us-east-1"},
            "us-west-2": {"endpoint": "https://minio.us-west-2.example.com", "secret": "minio-us-west-2"},
        },
    },
    after,
)
