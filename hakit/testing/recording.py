"""What a program asked for, and how to look it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hakit.errors import HakitError, nearest


@dataclass(frozen=True)
class Recorded:
    """One resource as the program registered or read it.

    Attributes:
        type: the whole token, `kubernetes:apps/v1:Deployment`.
        name: the logical name.
        urn: as the engine would make it.
        parent: URN of the parent; empty for what stands directly in the stack.
        provider: name of the explicit provider, its own or inherited; empty for a default provider.
        providers: names of the providers handed to a component, by package.
        inputs: plain data. A secret is `Secret(value)`, what is not known before deployment is `UNKNOWN`.
        outputs: what a component registered; None when it registered nothing.
        custom: whether a provider manages it; False for components.
        remote: whether it is a component that a provider builds: nothing within it can be seen.
        read: whether the program only reads it (`Resource.get`, StackReference).
        protect: as asked for, its own or inherited.
        retain_on_delete: as asked for, its own or inherited.
        delete_before_replace: as asked for.
        depends_on: URNs, those of the inputs included.
        aliases: names or URNs it may have had before.
        ignore_changes: property paths.
        replace_on_changes: property paths.
        additional_secret_outputs: outputs that are secret whatever the provider says.
        deleted_with: URN of the resource whose deletion takes this one along.
        import_id: id of what is to be adopted.
    """

    type: str
    name: str
    urn: str
    parent: str = ""
    provider: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] | None = None
    custom: bool = True
    remote: bool = False
    read: bool = False
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    depends_on: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    deleted_with: str = ""
    import_id: str = ""

    def __str__(self) -> str:
        return f"{self.type} {self.name!r}"


@dataclass(frozen=True)
class Invoke:
    """One call of a provider's function, and whether an answer was given for it."""

    token: str
    args: Mapping[str, Any]
    answered: bool


@dataclass(frozen=True)
class Note:
    """Something the reader should know: `invoke`, `reference`, `info`, `warning`, `error`, `transform`, `stack`."""

    kind: str
    text: str


@dataclass(frozen=True)
class Recording:
    """Everything one run asked for. The order of `resources` is that of their registration.

    Attributes:
        resources: all of them, without the stack itself.
        exports: the stack's outputs.
        invokes: calls of provider functions.
        notes: logs of the program, and what was answered empty.
        secrets: every string that the program marked as secret.
    """

    resources: Sequence[Recorded]
    exports: Mapping[str, Any]
    invokes: Sequence[Invoke]
    notes: Sequence[Note]
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def all(self, type: str) -> list[Recorded]:  # noqa: A002  it is Pulumi's word
        """Resources of a type: the whole token, or its last part (`Deployment`). Empty when there is none."""
        return [resource for resource in self.resources if _is(resource, type)]

    def one(self, type: str, name: str | None = None) -> Recorded:  # noqa: A002
        """The only resource of this type, or the only one of this type and name.

        Raises:
            HakitError: there is none, with the nearest name; or more than one, with their names.
        """
        of_type = self.all(type)
        found = [resource for resource in of_type if name in (None, resource.name)]
        if len(found) == 1:
            return found[0]
        wanted = type if name is None else f"{type} {name!r}"
        if found:
            raise HakitError(
                f"{len(found)} resources are {wanted}, not one",
                allowed=", ".join(str(resource) if name is None else resource.urn for resource in found),
                do="give a name" if name is None else "give the whole type token, or choose from all(type)",
            )
        if of_type:
            raise HakitError(f"no resource is {wanted}", given=name, allowed=[resource.name for resource in of_type])
        raise HakitError(
            f"no resource is {wanted}", given=type, allowed="what was recorded", do=self._nearest_type(type)
        )

    def _nearest_type(self, type_: str) -> str:
        types = sorted({resource.type for resource in self.resources})
        if not types:
            return "the program registered no resource at all"
        close = nearest(type_, types) or nearest(type_.rpartition(":")[2], [name.rpartition(":")[2] for name in types])
        return f"did you mean {close!r}?" if close else f"recorded types: {', '.join(types)}"

    def children(self, of: Recorded | str) -> list[Recorded]:
        """What stands directly beneath a resource, given itself or its URN."""
        urn = of if isinstance(of, str) else of.urn
        return [resource for resource in self.resources if resource.parent == urn]


def _is(resource: Recorded, type_: str) -> bool:
    return type_ in (resource.type, resource.type.rpartition(":")[2])
