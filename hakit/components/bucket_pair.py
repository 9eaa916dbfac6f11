"""BucketPair: the buckets of one purpose, one a region, and what copies them into each other."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from hakit.components.bucket_pair_args import BucketPairArgs
from hakit.components.bucket_pair_guards import claim, provider_of, refuse_unprotected
from hakit.components.project import load_topology
from hakit.errors import HakitError
from hakit.plan import buckets, buckets_adopt, buckets_policies, buckets_rules
from hakit.plan.buckets_spec import BucketsSpec
from hakit.topology import names

if TYPE_CHECKING:
    import pulumi_aws as aws


_ROLE_NAMES = {
    "access": names.role_name,
    "replication": names.replication_role_name,
    "batch": names.batch_role_name,
}


class BucketPair(pulumi.ComponentResource):
    """S3 buckets of one purpose, one in each of two or more regions, replicated, and the roles that use them.

    It belongs to the `shared` stack: it depends on no role, no handover and no traffic state.

    Creates, in each region, every resource with its own `region`:
        - a KMS key and its alias, a bucket, its versioning, encryption, ownership, public-access block, policy and
          lifecycle, and with `object_lock` its retention;
        - for a region that is copied from: a replication configuration, the role S3 copies by, and the role of a Batch
          Replication job;
        - for a region with databases or applications: the role that they assume (`hakit.topology.names.role_arn`).

    Buckets and keys are protected, and they and the settings that guard the data are kept on delete, unless
    `unprotected` says why not.

    A bucket of `adopt` is imported and never made: it keeps its name, its objects and its tags, and where it is not
    there the update fails.

    Raises:
        HakitError: an argument is wrong, S3 would refuse a name, no AWS provider is given, or protection is taken away
            without `unprotected`.
    """

    buckets: pulumi.Output[dict[str, str]]
    """Name of each region's bucket."""
    keys: pulumi.Output[dict[str, str]]
    """ARN of each region's key."""
    roles: pulumi.Output[dict[str, str]]
    """ARN of the role of each region's databases and applications."""
    replication: pulumi.Output[list[str]]
    """What is copied where: `us-east-1 -> us-west-2`."""
    batch_jobs: pulumi.Output[dict[str, str]]
    """The command, by region, that copies the objects that are older than the rules. Replication never does."""

    def __init__(self, name: str, args: BucketPairArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        path = args.get("topology") if isinstance(args, Mapping) else None
        if not isinstance(path, str):
            raise HakitError("topology is missing", where=f"BucketPair {name!r}", do="name the topology's file")
        spec = buckets.specify(name, args, load_topology(path))
        provider = provider_of(spec, opts)
        refuse_unprotected(spec, opts)
        claim(spec, provider)

        super().__init__("hakit:index:BucketPair", name, None, opts)
        for region in spec.adopt:
            pulumi.log.warn(buckets_adopt.warning(spec, region), self)
        keys = {region: self._key(spec, region) for region in spec.regions}
        ready = {region: self._bucket(spec, region, keys[region]) for region in spec.regions}
        self._access_roles(spec, keys)
        for region in spec.regions:
            if spec.destinations(region):
                self._replication(spec, region, keys, ready)
                rights = json.dumps(buckets_policies.batch_rights(spec, region))
                self._role(spec, "batch", region, buckets_policies.batch_trust(), rights)
        outputs: dict[str, Any] = {
            "buckets": {region: spec.bucket(region) for region in spec.regions},
            "keys": {region: key.arn for region, key in keys.items()},
            "roles": {
                region: names.role_arn(spec.topology, region, spec.purpose)
                for region in spec.regions
                if spec.accounts_in(region)
            },
            "replication": [f"{source} -> {to}" for source, to in spec.flows],
            "batch_jobs": {
                region: buckets_rules.batch_job(spec, region) for region in spec.regions if spec.destinations(region)
            },
        }
        for key, value in outputs.items():
            setattr(self, key, pulumi.Output.from_input(value))
        self.register_outputs(outputs)

    def _key(self, spec: BucketsSpec, region: str) -> "aws.kms.Key":
        import pulumi_aws as aws

        key = aws.kms.Key(
            f"{spec.name}-key-{region}",
            description=f"Objects of {spec.bucket(region)}",
            enable_key_rotation=True,
            deletion_window_in_days=buckets_rules.KEY_WINDOW_DAYS,
            policy=json.dumps(buckets_policies.key_policy(spec, region)),
            tags=spec.tags or None,
            region=region,
            opts=self._data(spec),
        )
        aws.kms.Alias(
            f"{spec.name}-key-alias-{region}",
            name=f"alias/{spec.own_name(region)}",  # a bucket's name may have dots, an alias none
            target_key_id=key.key_id,
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return key

    def _bucket(self, spec: BucketsSpec, region: str, key: "aws.kms.Key") -> list[pulumi.Resource]:
        """A bucket, and what must be there before anything is copied from it or to it."""
        import pulumi_aws as aws

        lock = spec.lock_of(region)
        bucket = aws.s3.Bucket(
            f"{spec.name}-bucket-{region}",
            bucket=spec.bucket(region),
            object_lock_enabled=True if lock else None,
            tags=None if region in spec.adopt else spec.tags or None,
            region=region,
            opts=pulumi.ResourceOptions.merge(self._data(spec), _imported(spec, region)),
        )
        closed = aws.s3.BucketPublicAccessBlock(
            f"{spec.name}-public-access-{region}",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=region,
            opts=self._guard(spec),
        )
        aws.s3.BucketOwnershipControls(
            f"{spec.name}-ownership-{region}",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            region=region,
            opts=self._guard(spec),
        )
        # S3 refuses two changes of one bucket's access at a time (OperationAborted), so one waits for the other.
        aws.s3.BucketPolicy(
            f"{spec.name}-policy-{region}",
            bucket=bucket.bucket,
            policy=key.arn.apply(lambda arn: json.dumps(buckets_policies.bucket_policy(spec, region, arn))),
            region=region,
            opts=self._guard(spec, closed),
        )
        versioning = aws.s3.BucketVersioning(
            f"{spec.name}-versioning-{region}",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            region=region,
            opts=self._guard(spec),
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{spec.name}-encryption-{region}",
            bucket=bucket.bucket,
            rules=[buckets_rules.encryption_rule(key.arn)],
            region=region,
            opts=self._guard(spec),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{spec.name}-lifecycle-{region}",
            bucket=bucket.bucket,
            rules=buckets_rules.lifecycle_rules(spec, region),
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        ready: list[pulumi.Resource] = [versioning, encryption]
        if lock:
            ready.append(
                aws.s3.BucketObjectLockConfiguration(
                    f"{spec.name}-lock-{region}",
                    bucket=bucket.bucket,
                    rule=buckets_rules.lock_rule(lock),
                    region=region,
                    opts=self._guard(spec, versioning),
                )
            )
        return ready

    def _replication(
        self,
        spec: BucketsSpec,
        region: str,
        keys: Mapping[str, "aws.kms.Key"],
        ready: Mapping[str, list[pulumi.Resource]],
    ) -> None:
        """A region's copying. S3 refuses it while a bucket of either side has no versioning, so it waits for both."""
        import pulumi_aws as aws

        used = (region, *spec.destinations(region))
        role, rights = self._role(
            spec,
            "replication",
            region,
            buckets_policies.replication_trust(),
            _with_keys(
                {each: keys[each] for each in used},
                lambda arns: buckets_policies.replication_rights(spec, region, arns),
            ),
        )
        arns = {each: key.arn for each, key in keys.items()}
        aws.s3.BucketReplicationConfig(
            f"{spec.name}-replication-{region}",
            bucket=spec.bucket(region),
            role=role.arn,
            rules=buckets_rules.replication_rules(spec, region, arns),
            region=region,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[rights, *(each for there in used for each in ready[there])]
            ),
        )

    def _access_roles(self, spec: BucketsSpec, keys: Mapping[str, "aws.kms.Key"]) -> None:
        for region in spec.regions:
            if spec.accounts_in(region):
                used = {each: keys[each] for each in spec.reached(region)}
                rights = _with_keys(used, lambda arns, at=region: buckets_policies.access_rights(spec, at, arns))
                self._role(spec, "access", region, buckets_policies.access_trust(spec, region), rights)

    def _role(
        self, spec: BucketsSpec, kind: str, region: str, trust: buckets_policies.Policy, rights: pulumi.Input[str]
    ) -> "tuple[aws.iam.Role, aws.iam.RolePolicy]":
        import pulumi_aws as aws

        role = aws.iam.Role(
            f"{spec.name}-{kind}-role-{region}",
            name=_ROLE_NAMES[kind](spec.topology, region, spec.purpose),
            assume_role_policy=json.dumps(trust),
            tags=spec.tags or None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = aws.iam.RolePolicy(
            f"{spec.name}-{kind}-rights-{region}",
            name="buckets",
            role=role.name,
            policy=rights,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role, policy

    def _data(self, spec: BucketsSpec) -> pulumi.ResourceOptions:
        kept = not spec.unprotected
        return pulumi.ResourceOptions(parent=self, protect=kept, retain_on_delete=kept)

    def _guard(self, spec: BucketsSpec, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        """For what guards a bucket that is kept: taking the component away must not open or unversion the bucket."""
        return pulumi.ResourceOptions(parent=self, retain_on_delete=not spec.unprotected, depends_on=list(after))


def _imported(spec: BucketsSpec, region: str) -> pulumi.ResourceOptions | None:
    """Read, never created: without the bucket the update fails. So it does where an argument differs from what is
    there, such as Object Lock (pulumi pkg/resource/deploy/step.go, ImportStep). Tags are taken as they are, and
    `forceDestroy`, of which AWS knows nothing, so that an import reads none.

    NAME@REGION because an import does not look at the argument `region`: pulumi-aws issues 5523 and 5697.
    """
    if region not in spec.adopt:
        return None
    return pulumi.ResourceOptions(
        import_=f"{spec.adopt[region]}@{region}", ignore_changes=["tags", "tagsAll", "forceDestroy"]
    )


def _with_keys(keys: Mapping[str, "aws.kms.Key"], policy: Any) -> pulumi.Output[str]:
    return pulumi.Output.all(**{region: key.arn for region, key in keys.items()}).apply(
        lambda arns: json.dumps(policy(arns))
    )
