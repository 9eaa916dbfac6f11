"""Between Pulumi's spelling of an AWS configuration and that of the API, by the shapes that botocore declares.

`kmsMasterKeyId` is `KMSMasterKeyID` there, a map of tags is a list of Key and Value, and a single `rule` may be one of
`Rules`: names are matched without regard to case, and nothing that has no place is dropped in silence.
"""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from lab.providers.cloud import CloudError, Object


def api_shaped(shape: Shape, value: Any, path: str = "") -> Any:
    """A Pulumi value as the API takes it.

    Raises:
        CloudError: a property has no place in the shape, so the stand-in cannot play it.
    """
    match shape:
        case StructureShape() if isinstance(value, list) and len(shape.members) == 1:
            ((name, member),) = shape.members.items()  # a list with a name around it: BlockedEncryptionTypes
            return {name: api_shaped(member, value, path)}
        case StructureShape():
            members = {name.lower(): name for name in shape.members}
            found: Object = {}
            for key, each in value.items():
                if each is None:
                    continue
                name = members.get(key.lower()) or members.get(f"{key.lower()}s")
                if name is None:
                    raise CloudError(f"this stand-in knows no place for {path}{key} in the API's {shape.name}")
                found[name] = api_shaped(shape.members[name], each, f"{path}{key}.")
            return found
        case ListShape():
            if isinstance(value, dict) and _is_tag(shape.member):
                return [{"Key": key, "Value": each} for key, each in value.items()]
            items = value if isinstance(value, list) else [value]
            return [api_shaped(shape.member, each, path) for each in items]
        case MapShape():
            return {key: api_shaped(shape.value, each, path) for key, each in value.items()}
        case _:
            return int(value) if shape.type_name in ("integer", "long") else value


def _is_tag(shape: Shape) -> bool:
    return isinstance(shape, StructureShape) and set(shape.members) == {"Key", "Value"}


def pulumi_shaped(declared: Any, answer: Any) -> Any:
    """What the API answered, in Pulumi's spelling, as far as `declared` goes: a field that the program does not set is
    the API's own affair. What is not there any more is left out."""
    if (
        isinstance(declared, dict)
        and isinstance(answer, list)
        and all(set(each) == {"Key", "Value"} for each in answer)
    ):
        return {each["Key"]: each["Value"] for each in answer}
    if isinstance(declared, dict) and isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]  # a single `rule` of Pulumi's
    if isinstance(declared, dict) and isinstance(answer, dict):
        there = {name.lower(): each for name, each in answer.items()}
        there |= {name.removesuffix("s"): each for name, each in there.items() if name.removesuffix("s") not in there}
        return {key: pulumi_shaped(each, there[key.lower()]) for key, each in declared.items() if key.lower() in there}
    if isinstance(declared, list) and isinstance(answer, list):
        known = [*declared, *[None] * max(0, len(answer) - len(declared))]
        return [pulumi_shaped(each, item) for each, item in zip(known, answer, strict=False)]
    if isinstance(answer, dict):
        return {name[0].lower() + name[1:]: pulumi_shaped(None, each) for name, each in answer.items()}
    return answer
