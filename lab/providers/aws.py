"""A stand-in for the AWS provider. What moto can play goes to a moto server, and is read back from it with boto3: S3,
IAM, KMS and Route 53. Every other type is a row of the store with plausible outputs.

What it does not prove: what AWS itself would refuse beyond what moto does and beyond the rules cited beside each kind;
permissions (moto enforces none); that anything is replicated, encrypted, resolved or failed over; quotas and the time
that AWS takes.
"""

import hashlib
import secrets
from typing import Any, Protocol

from lab.providers import aws_iam, aws_route53, aws_s3
from lab.providers.aws_session import ACCOUNT, Session, refused, region_of
from lab.providers.cloud import Cloud, CloudError, Object, Rule
from lab.providers.store import Store

#: Asked by every Check before anything is made: see `lab.providers.cloud.Rule`.
RULES: tuple[Rule, ...] = ()
#: Types whose ARNs name no region (https://docs.aws.amazon.com/global-accelerator/latest/dg/,
#: https://docs.aws.amazon.com/r53recovery/latest/dg/ : one for the whole account).
_GLOBAL = ("globalaccelerator", "route53recoverycontrol", "cloudfront", "iam")


class Kind(Protocol):
    """One resource type, played by moto. Each of its calls may end in the API's own ClientError."""

    named_by: str
    replaced_by: tuple[str, ...]

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]: ...
    def look(self, identity: str, state: Object) -> Object | None: ...
    def change(self, identity: str, wanted: Object) -> Object: ...
    def remove(self, identity: str, state: Object) -> None: ...


class Aws(Cloud):
    package = "aws"
    version = "7.51.1"
    rules = RULES

    def __init__(self, store: Store, session: Session) -> None:
        super().__init__(store)
        self._kinds: dict[str, Kind] = aws_s3.kinds(session) | aws_iam.kinds(session) | aws_route53.kinds(session)

    def replaced_by_of(self, type_: str) -> tuple[str, ...]:
        """`region` replaces everywhere (terraform-provider-aws 6: "Enhanced Region Support")."""
        return self._kinds[type_].replaced_by if type_ in self._kinds else ("region", "name")

    def named(self, type_: str, name: str, inputs: Object, olds: Object, seed: bytes) -> Object:
        """A name with seven random characters, kept from one update to the next (pulumi-terraform-bridge, AutoName)."""
        key = self._kinds[type_].named_by if type_ in self._kinds else ""
        if not key or inputs.get(key) is not None:
            return inputs
        return inputs | {key: olds.get(key) or f"{name}-{hashlib.sha256(seed).hexdigest()[:7]}"}

    def make(self, type_: str, inputs: Object, settings: Object) -> tuple[str, Object]:
        if type_ in self._kinds:
            return self._told(self._kinds[type_].make, inputs, settings)
        region = region_of(inputs, settings)
        made_up = self._made_up(type_, inputs, region)
        identity = str(made_up.get("arn") or secrets.token_hex(8))
        outputs = made_up | inputs
        self.store.put(type_, identity, outputs)
        return identity, outputs

    def look(self, type_: str, identity: str, state: Object, settings: Object) -> Object | None:
        if type_ in self._kinds:
            return self._told(self._kinds[type_].look, identity, state)
        return super().look(type_, identity, state, settings)

    def imported(self, type_: str, identity: str, settings: Object) -> tuple[str, Object]:
        """A bucket is imported by its name, and in another region than the provider's by `NAME@REGION`
        (terraform-provider-aws 6, "Enhanced Region Support")."""
        if type_ == aws_s3.BUCKET:
            name, _, region = identity.partition("@")
            return name, {"bucket": name, "region": region or region_of({}, settings)}
        if type_ in self._kinds:
            raise CloudError(f"this stand-in plays no import of {type_}")
        return identity, {}

    def change(self, type_: str, identity: str, state: Object, wanted: Object, settings: Object) -> Object:
        if type_ in self._kinds:
            return self._told(self._kinds[type_].change, identity, wanted)
        return super().change(type_, identity, state, wanted, settings)

    def remove(self, type_: str, identity: str, state: Object, settings: Object) -> None:
        if type_ in self._kinds:
            self._told(self._kinds[type_].remove, identity, state)
        else:
            super().remove(type_, identity, state, settings)

    def _told(self, call: Any, *arguments: Any) -> Any:
        from botocore.exceptions import ClientError

        try:
            return call(*arguments)
        except ClientError as error:
            raise refused(error) from None

    def _made_up(self, type_: str, inputs: Object, region: str) -> Object:
        """Outputs of a type that moto does not play: an ARN of the right form, and a name to reach it by."""
        _, module, _ = type_.split(":")
        service, _, thing = module.partition("/")
        number = secrets.token_hex(8)
        place = "" if service in _GLOBAL else region
        known = {
            "arn": f"arn:aws:{service}:{place}:{ACCOUNT}:{thing.lower()}/{inputs.get('name') or number}",
            "dnsName": f"a{number}.aws{service}.com",
            # https://docs.aws.amazon.com/general/latest/gr/global_accelerator.html
            "hostedZoneId": "Z2BJ6XQ5FK7U4H",
            "region": region,
            "tagsAll": inputs.get("tags") or {},
        }
        return {name: value for name, value in known.items() if name in self._outputs(type_)}
