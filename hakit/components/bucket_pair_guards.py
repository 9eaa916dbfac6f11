"""What a BucketPair refuses before it registers anything."""

from weakref import WeakKeyDictionary

import pulumi

from hakit.errors import HakitError
from hakit.plan.buckets_spec import BucketsSpec

#: Which BucketPair makes which bucket, by provider: two would overwrite each other's settings.
_BUCKETS: WeakKeyDictionary[pulumi.ProviderResource, dict[str, str]] = WeakKeyDictionary()


def refuse_unprotected(spec: BucketsSpec, opts: pulumi.ResourceOptions | None) -> None:
    """Refuse options that take the protection of data away, unless the arguments say why.

    Raises:
        HakitError: they do, and nothing says why.
    """
    if spec.unprotected or opts is None:
        return
    for option in ("protect", "retain_on_delete"):
        if getattr(opts, option) is False:
            raise HakitError(
                f"{option}=False: the buckets hold data",
                where=spec.where,
                do='leave it out, or say why they may be deleted: "unprotected": "..."',
            )


def provider_of(spec: BucketsSpec, opts: pulumi.ResourceOptions | None) -> pulumi.ProviderResource:
    """The explicit AWS provider: the default one is whatever account the environment's credentials belong to.

    Raises:
        HakitError: none is given, here or by a parent.
    """
    found = None
    if opts is not None:
        given = opts.providers or []
        candidates = list(given.values()) if isinstance(given, dict) else list(given)
        candidates += [opts.provider] if opts.provider is not None else []
        own = [each for each in candidates if isinstance(each, pulumi.ProviderResource) and each.package == "aws"]
        found = own[0] if own else opts.parent.get_provider("aws:s3/bucket:Bucket") if opts.parent else None
    if found is None:
        account = spec.topology.aws.account
        raise HakitError(
            "no AWS provider: whatever account the credentials of the environment belong to would be used",
            where=spec.where,
            allowed="a provider that names its account",
            do=f'pass ResourceOptions(providers=[aws.Provider("aws", region=..., allowed_account_ids=["{account}"])])',
        )
    return found


def claim(spec: BucketsSpec, provider: pulumi.ProviderResource) -> None:
    """Note which BucketPair makes a bucket.

    Raises:
        HakitError: another one of this program makes it already.
    """
    taken = _BUCKETS.setdefault(provider, {})
    for region in spec.regions:
        other = taken.setdefault(spec.bucket(region), spec.name)
        if other != spec.name:
            raise HakitError(
                f"purpose: BucketPair {other!r} makes this bucket already",
                where=spec.where,
                given=spec.bucket(region),
                do="give one of them another purpose",
            )
