"""A provider for tests: what a program registers is made in a moto server at once, in the order of registration.

Every call is AWS's own, by boto3, so what moto refuses stops the program. Moto copies nothing, encrypts nothing, and
takes much that AWS would refuse: see each test for what it proves.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import requests
from moto import backends
from moto.server import ThreadedMotoServer

from hakit.testing import Recorded

ACCOUNT = "123456789012"  # moto's own
#: Names of the API that are not the SDK's with a capital letter.
_SPELT = {
    "id": "ID",
    "replicaKmsKeyId": "ReplicaKmsKeyID",
    "sseAlgorithm": "SSEAlgorithm",
    "kmsMasterKeyId": "KMSMasterKeyID",
}


class Aws:
    """Clients of one moto server, and what is made through them."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.made: list[str] = []

    def forget_all(self) -> None:
        """Moto keeps what is made for the whole process, whichever server is asked."""
        self._tell("reset")
        self._tell("reset-auth", "inf")

    def ask_iam(self) -> None:
        """From now on moto asks the policies of whoever calls."""
        self._tell("reset-auth", "0")

    def _tell(self, what: str, data: str = "") -> None:
        requests.post(f"{self.endpoint}/moto-api/{what}", data=data, timeout=10).raise_for_status()

    def client(self, service: str, region: str = "us-east-1", key: tuple[str, str] = ("test", "test")) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=key[0],
            aws_secret_access_key=key[1],
        )

    def answers(self) -> dict[str, Any]:
        """For `hakit.testing.record`: resources by type, each made when it is registered."""

        def making(make: Callable[[Aws, Mapping[str, Any]], dict[str, Any]]) -> Callable[[Recorded], dict[str, Any]]:
            def answer(resource: Recorded) -> dict[str, Any]:
                outputs = make(self, resource.inputs)
                self.made.append(resource.name)
                return outputs

            return answer

        return {"resources": {type_: making(make) for type_, make in _KINDS.items()}}


@contextmanager
def served() -> Iterator[Aws]:
    # Imported by the server's threads, each at its first request, two of them can wait for each other: a 500.
    for service in ("iam", "kms", "s3", "sts"):
        backends.get_backend(service)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        aws = Aws(f"http://{host}:{port}")
        aws.forget_all()
        yield aws
        aws.forget_all()
    finally:
        server.stop()


def _api(value: Any) -> Any:
    """An SDK's value in the words of the API."""
    if isinstance(value, Mapping):
        return {_SPELT.get(key, key[0].upper() + key[1:]): _api(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_api(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _key(aws: Aws, inputs: Mapping[str, Any]) -> dict[str, Any]:
    client = aws.client("kms", inputs["region"])
    key = client.create_key(Description=inputs["description"], Policy=inputs["policy"])["KeyMetadata"]
    client.enable_key_rotation(KeyId=key["KeyId"])
    return {"arn": key["Arn"], "keyId": key["KeyId"], "id": key["KeyId"]}


def _alias(aws: Aws, inputs: Mapping[str, Any]) -> dict[str, Any]:
    client = aws.client("kms", inputs["region"])
    client.create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return {}


def _bucket(aws: Aws, inputs: Mapping[str, Any]) -> dict[str, Any]:
    region = inputs["region"]
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    lock = {"ObjectLockEnabledForBucket": True} if inputs.get("objectLockEnabled") else {}
    aws.client("s3", region).create_bucket(Bucket=inputs["bucket"], **where, **lock)
    return {"arn": f"arn:aws:s3:::{inputs['bucket']}"}


def _role(aws: Aws, inputs: Mapping[str, Any]) -> dict[str, Any]:
    policy = inputs["assumeRolePolicy"]
    made = aws.client("iam").create_role(RoleName=inputs["name"], AssumeRolePolicyDocument=policy)["Role"]
    return {"arn": made["Arn"], "id": inputs["name"]}


def _rights(aws: Aws, inputs: Mapping[str, Any]) -> dict[str, Any]:
    aws.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return {}


def _setting(call: str, **arguments: Callable[[Mapping[str, Any]], Any]) -> Callable[..., dict[str, Any]]:
    """A setting of a bucket: one call, whose arguments are made of the inputs."""

    def make(aws: Aws, inputs: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: of(inputs) for name, of in arguments.items()}
        getattr(aws.client("s3", inputs["region"]), call)(Bucket=inputs["bucket"], **given)
        return {}

    return make


def _own(inputs: Mapping[str, Any]) -> Any:
    return _api({key: value for key, value in inputs.items() if key not in ("bucket", "region")})


_KINDS: dict[str, Callable[[Aws, Mapping[str, Any]], dict[str, Any]]] = {
    "aws:kms/key:Key": _key,
    "aws:kms/alias:Alias": _alias,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _rights,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketVersioning:BucketVersioning": _setting(
        "put_bucket_versioning", VersioningConfiguration=lambda inputs: _api(inputs["versioningConfiguration"])
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _setting(
        "put_public_access_block", PublicAccessBlockConfiguration=_own
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _setting(
        "put_bucket_ownership_controls", OwnershipControls=lambda inputs: {"Rules": [_api(inputs["rule"])]}
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _setting("put_bucket_policy", Policy=lambda inputs: inputs["policy"]),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _setting(
        "put_bucket_encryption",
        ServerSideEncryptionConfiguration=lambda inputs: {"Rules": _encryption(inputs["rules"])},
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _setting(
        "put_bucket_lifecycle_configuration", LifecycleConfiguration=_own
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _setting(
        "put_object_lock_configuration",
        ObjectLockConfiguration=lambda inputs: {"ObjectLockEnabled": "Enabled", "Rule": _api(inputs["rule"])},
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _setting(
        "put_bucket_replication",
        ReplicationConfiguration=lambda inputs: {"Role": inputs["role"], "Rules": _api(inputs["rules"])},
    ),
}


def _encryption(rules: Any) -> Any:
    """The SDK's list of blocked types is a structure in the API."""
    return [
        {key: value if key != "BlockedEncryptionTypes" else {"EncryptionType": value} for key, value in rule.items()}
        for rule in _api(rules)
    ]
