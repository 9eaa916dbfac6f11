"""IAM and KMS as moto plays them. Nothing is enforced: a role that may do nothing does everything all the same."""

from typing import Any

from lab.providers.aws_s3 import as_text, same_document
from lab.providers.aws_session import DEFAULT_REGION, Session, is_gone, region_of
from lab.providers.cloud import Object


def _tags(inputs: Object, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: each} for name, each in (inputs.get("tags") or {}).items()]


class _Iam:
    """What the kinds of IAM share: it is global, and asked in one region."""

    named_by = "name"
    #: "Forces new resource" in terraform-provider-aws, website/docs/r/iam_*.html.markdown.
    replaced_by: tuple[str, ...] = ("name", "path")

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _iam(self) -> Any:
        return self._session.client("iam", DEFAULT_REGION)

    def _found(self, operation: str, **arguments: Any) -> Object | None:
        try:
            return getattr(self._iam, operation)(**arguments)
        except self._iam.exceptions.ClientError as error:
            if is_gone(error):
                return None
            raise


class Role(_Iam):
    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        given = {
            "RoleName": inputs["name"],
            "AssumeRolePolicyDocument": as_text(inputs["assumeRolePolicy"]),
            "Path": inputs.get("path") or "/",
            "Description": inputs.get("description") or "",
            "MaxSessionDuration": int(inputs.get("maxSessionDuration") or 3600),
            "Tags": _tags(inputs),
        }
        if boundary := inputs.get("permissionsBoundary"):
            given["PermissionsBoundary"] = boundary
        role = self._iam.create_role(**given)["Role"]
        return inputs["name"], inputs | self._outputs(role, inputs)

    def _outputs(self, role: Object, inputs: Object) -> Object:
        return {
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].isoformat(),
            "path": role["Path"],
            "tagsAll": inputs.get("tags") or {},
        }

    def look(self, identity: str, state: Object) -> Object | None:
        answer = self._found("get_role", RoleName=identity)
        if answer is None:
            return None
        role = answer["Role"]
        trust = same_document(state["assumeRolePolicy"], role["AssumeRolePolicyDocument"])
        return state | self._outputs(role, state) | {"assumeRolePolicy": trust}

    def change(self, identity: str, wanted: Object) -> Object:
        iam = self._iam
        iam.update_assume_role_policy(RoleName=identity, PolicyDocument=as_text(wanted["assumeRolePolicy"]))
        iam.update_role(
            RoleName=identity,
            Description=wanted.get("description") or "",
            MaxSessionDuration=int(wanted.get("maxSessionDuration") or 3600),
        )
        before = iam.list_role_tags(RoleName=identity)["Tags"]
        iam.untag_role(RoleName=identity, TagKeys=[each["Key"] for each in before])
        iam.tag_role(RoleName=identity, Tags=_tags(wanted))
        return wanted | self._outputs(iam.get_role(RoleName=identity)["Role"], wanted)

    def remove(self, identity: str, state: Object) -> None:  # noqa: ARG002
        """A role that still has a policy stays: the API's own DeleteConflict."""
        self._iam.delete_role(RoleName=identity)


class RolePolicy(_Iam):
    replaced_by = ("name", "role")

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        identity = f"{inputs['role']}:{inputs['name']}"
        return identity, self.change(identity, inputs)

    def look(self, identity: str, state: Object) -> Object | None:
        role, name = identity.split(":")
        found = self._found("get_role_policy", RoleName=role, PolicyName=name)
        return state | {"policy": same_document(state["policy"], found["PolicyDocument"])} if found else None

    def change(self, identity: str, wanted: Object) -> Object:
        role, name = identity.split(":")
        self._iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=as_text(wanted["policy"]))
        return wanted

    def remove(self, identity: str, state: Object) -> None:  # noqa: ARG002
        role, name = identity.split(":")
        self._iam.delete_role_policy(RoleName=role, PolicyName=name)


class Policy(_Iam):
    replaced_by = ("name", "path", "description")

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        policy = self._iam.create_policy(
            PolicyName=inputs["name"],
            Path=inputs.get("path") or "/",
            PolicyDocument=as_text(inputs["policy"]),
            Description=inputs.get("description") or "",
            Tags=_tags(inputs),
        )["Policy"]
        made = {"arn": policy["Arn"], "policyId": policy["PolicyId"], "path": policy["Path"], "attachmentCount": 0}
        return policy["Arn"], inputs | made | {"tagsAll": inputs.get("tags") or {}}

    def look(self, identity: str, state: Object) -> Object | None:
        answer = self._found("get_policy", PolicyArn=identity)
        if answer is None:
            return None
        version = answer["Policy"]["DefaultVersionId"]
        found = self._iam.get_policy_version(PolicyArn=identity, VersionId=version)["PolicyVersion"]["Document"]
        return state | {"policy": same_document(state["policy"], found)}

    def change(self, identity: str, wanted: Object) -> Object:
        old = self._iam.get_policy(PolicyArn=identity)["Policy"]["DefaultVersionId"]
        self._iam.create_policy_version(PolicyArn=identity, PolicyDocument=as_text(wanted["policy"]), SetAsDefault=True)
        self._iam.delete_policy_version(PolicyArn=identity, VersionId=old)
        return wanted

    def remove(self, identity: str, state: Object) -> None:  # noqa: ARG002
        self._iam.delete_policy(PolicyArn=identity)


class Attachment(_Iam):
    named_by = ""
    replaced_by = ("role", "policyArn")

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:  # noqa: ARG002
        self._iam.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}", inputs

    def look(self, identity: str, state: Object) -> Object | None:  # noqa: ARG002
        answer = self._found("list_attached_role_policies", RoleName=state["role"])
        arns = [each["PolicyArn"] for each in answer["AttachedPolicies"]] if answer else []
        return state if state["policyArn"] in arns else None

    def change(self, identity: str, wanted: Object) -> Object:  # noqa: ARG002
        raise AssertionError("every input replaces it")

    def remove(self, identity: str, state: Object) -> None:  # noqa: ARG002
        self._iam.detach_role_policy(RoleName=state["role"], PolicyArn=state["policyArn"])


class Key:
    named_by = ""
    replaced_by = ("region", "keyUsage", "customerMasterKeySpec", "multiRegion", "primaryKeyArn")

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:
        region = region_of(inputs, settings)
        kms = self._session.client("kms", region)
        shared = {"Description": inputs.get("description") or "", "Tags": _tags(inputs, "TagKey", "TagValue")}
        if policy := inputs.get("policy"):
            shared["Policy"] = as_text(policy)
        if primary := inputs.get("primaryKeyArn"):  # a replica is made where its primary is
            at = self._session.client("kms", primary.split(":")[3])
            metadata = at.replicate_key(KeyId=primary.rpartition("/")[2], ReplicaRegion=region, **shared)[
                "ReplicaKeyMetadata"
            ]
        else:
            metadata = kms.create_key(MultiRegion=bool(inputs.get("multiRegion")), **shared)["KeyMetadata"]
        identity = metadata["KeyId"]
        if inputs.get("enableKeyRotation"):
            kms.enable_key_rotation(KeyId=identity)
        return identity, inputs | {
            "arn": metadata["Arn"],
            "keyId": identity,
            "region": region,
            "tagsAll": inputs.get("tags") or {},
        }

    def look(self, identity: str, state: Object) -> Object | None:
        kms = self._session.client("kms", state["region"])
        try:
            metadata = kms.describe_key(KeyId=identity)["KeyMetadata"]
        except kms.exceptions.NotFoundException:
            return None
        if metadata["KeyState"] == "PendingDeletion":
            return None
        rotates = kms.get_key_rotation_status(KeyId=identity)["KeyRotationEnabled"]
        return state | ({"enableKeyRotation": rotates} if "enableKeyRotation" in state else {})

    def change(self, identity: str, wanted: Object) -> Object:
        kms = self._session.client("kms", wanted["region"])
        kms.update_key_description(KeyId=identity, Description=wanted.get("description") or "")
        (kms.enable_key_rotation if wanted.get("enableKeyRotation") else kms.disable_key_rotation)(KeyId=identity)
        if policy := wanted.get("policy"):
            kms.put_key_policy(KeyId=identity, PolicyName="default", Policy=as_text(policy))
        return wanted

    def remove(self, identity: str, state: Object) -> None:
        """A key is never gone at once: it waits 7 to 30 days (AWS: ScheduleKeyDeletion; 30 unless said otherwise)."""
        days = int(state.get("deletionWindowInDays") or 30)
        self._session.client("kms", state["region"]).schedule_key_deletion(KeyId=identity, PendingWindowInDays=days)


class Alias:
    named_by = "name"
    replaced_by = ("name", "region")

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(self, inputs: Object, settings: Object) -> tuple[str, Object]:
        region = region_of(inputs, settings)
        kms = self._session.client("kms", region)
        kms.create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return inputs["name"], inputs | {"region": region, "arn": self._arn(kms, inputs["name"])}

    def _arn(self, kms: Any, name: str) -> str:
        return next((each["AliasArn"] for each in kms.list_aliases()["Aliases"] if each["AliasName"] == name), "")

    def look(self, identity: str, state: Object) -> Object | None:
        return state if self._arn(self._session.client("kms", state["region"]), identity) else None

    def change(self, identity: str, wanted: Object) -> Object:
        kms = self._session.client("kms", wanted["region"])
        kms.update_alias(AliasName=identity, TargetKeyId=wanted["targetKeyId"])
        return wanted

    def remove(self, identity: str, state: Object) -> None:
        self._session.client("kms", state["region"]).delete_alias(AliasName=identity)


def kinds(session: Session) -> dict[str, Any]:
    """What plays each resource type."""
    return {
        "aws:iam/role:Role": Role(session),
        "aws:iam/rolePolicy:RolePolicy": RolePolicy(session),
        "aws:iam/policy:Policy": Policy(session),
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Attachment(session),
        "aws:kms/key:Key": Key(session),
        "aws:kms/replicaKey:ReplicaKey": Key(session),
        "aws:kms/alias:Alias": Alias(session),
    }
