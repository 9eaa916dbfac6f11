"""The topology's format: frozen models, and `load`, which turns a file into one or says everything that is wrong."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, StrictBool, StrictInt
from pydantic_core import PydanticCustomError

from hakit.errors import HakitError
from hakit.topology.source import Keys, line_of

# https://developers.cloudflare.com/load-balancing/reference/region-mapping-api/
RegionCode = Literal[
    "WNAM", "ENAM", "WEU", "EEU", "NSAM", "SSAM", "OC", "ME", "NAF", "SAF", "SAS", "SEAS", "NEAS"
]  # fmt: skip
Kind = Literal["planned", "failover", "cancel", "rebuild"]
Mode = Literal["active-passive", "active-active"]
#: Where an active-active pair writes; see docs/active-active.md.
Writes = Literal["primary-region", "partitioned", "read-only"]
Traffic = Literal["serve", "drain", "fence"]

SCOPES_TAKEN = ("shared", "traffic", "all")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def wrong(what: str, allowed: str | None = None, do: str | None = None) -> PydanticCustomError:
    """What a validator raises: the words of a HakitError, to which the loader adds file, line and key."""
    return PydanticCustomError("hakit", "{what}", {"what": what, "allowed": allowed or "", "do": do or ""})


def _label(value: str) -> str:
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", value):
        raise wrong(
            "not a name that DNS can carry",
            "a lower case letter, then lower case letters, digits and hyphens, not at the end; up to 63 characters",
        )
    return value


def _region_name(value: str) -> str:
    if value in SCOPES_TAKEN:
        raise wrong(f"{value!r} is what hakit calls a scope", f"any name but {', '.join(SCOPES_TAKEN)}")
    return _label(value)


def _database_name(value: str) -> str:
    # 40: CloudNativePG cuts a Cluster's name at 50, and -g<incarnation> is added to this one.
    if len(_label(value)) > 40:
        raise wrong("too long for a Cluster's name", "up to 40 characters")
    if re.search(r"-g\d+$", value):
        raise wrong("ends like an incarnation", "a name without -g<number> at its end", "hakit adds that itself")
    return value


def _kubernetes(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise wrong("unquoted, so YAML reads a number, and 1.30 becomes 1.3", '"1.34"', "write it in quotes")
    if isinstance(value, str) and not re.fullmatch(r"1\.\d{1,3}", value):
        raise wrong("not a Kubernetes minor version", '"1.<minor>" in quotes, such as "1.34"')
    return value


def _account(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise wrong("unquoted, so YAML reads a number and drops leading zeros", '"111122223333"', "write it in quotes")
    if isinstance(value, str) and not re.fullmatch(r"\d{12}", value):
        raise wrong("not an AWS account", "12 digits in quotes")
    return value


def seconds(value: object) -> object:
    """A duration as written (`30s`, `5m`, `1h`, `1d`) in seconds; anything else is refused."""
    found = re.fullmatch(r"(\d{1,9})([smhd])", value) if isinstance(value, str) else None
    if not found:
        raise wrong("not a duration", "a whole number with its unit: 30s, 5m, 1h, 1d")
    return int(found[1]) * _SECONDS[found[2]]


def _positive(value: int) -> int:
    if value < 1:
        raise wrong("must be above zero", "a whole number with its unit: 30s, 5m, 1h, 1d")
    return value


def _witness_address(value: str) -> str:
    """The witness decides which side may write: it is read and written over TLS, or signed."""
    if not re.fullmatch(r"https://[^/\s]+/\S*|s3://[^/?\s]+/[^?\s]+\?\S+", value):
        raise wrong("not an address of a witness", "https://..., or s3://<bucket>/<key>?region=<region>")
    if value.startswith("s3://") and "region=" not in value.partition("?")[2]:
        raise wrong("the bucket's region is missing", "s3://<bucket>/<key>?region=<region>")
    return value


def _quantity(value: object) -> object:
    """A Kubernetes quantity as a text; YAML reads `64` as a number, and that is one too."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not re.fullmatch(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?", value):
        raise wrong("not a Kubernetes quantity", "a number with or without m, k, M, G, T, Ki, Mi, Gi, Ti: 64, 256Gi")
    return value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise wrong(f"named twice: {', '.join(twice)}", "distinct names")
    return values


Label = Annotated[str, AfterValidator(_label)]
RegionName = Annotated[str, AfterValidator(_region_name)]
DatabaseName = Annotated[str, AfterValidator(_database_name)]
_DURATION: dict[str, Any] = {"type": "string", "pattern": "^[0-9]{1,9}[smhd]$", "examples": ["30s", "5m", "1h"]}
Duration = Annotated[int, BeforeValidator(seconds), Field(json_schema_extra=_DURATION)]
_AMOUNT: dict[str, Any] = {"type": ["string", "number"], "examples": ["64", "256Gi"]}
Quantity = Annotated[str, BeforeValidator(_quantity), Field(json_schema_extra=_AMOUNT)]
Text = Annotated[str, Field(min_length=1)]
WitnessAddress = Annotated[str, AfterValidator(_witness_address)]


class Model(BaseModel):
    """Frozen, and no key that the format does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Aws(Model):
    account: Annotated[str, BeforeValidator(_account)] = Field(description="AWS account, 12 digits in quotes")
    prefix: Label = Field(description="First part of names that are global, such as buckets")


class Cluster(Model):
    context: Text = Field(description="Context of this region's cluster in the kubeconfig")
    kubeconfig: Text | None = Field(None, description="Path of the kubeconfig; the usual one when left out")
    oidc_issuer: Text | None = Field(
        None, description="URL of the cluster's OIDC issuer, for roles of service accounts"
    )
    pod_identity: StrictBool = Field(False, description="Roles of service accounts through EKS Pod Identity")


class Storage(Model):
    zonal: Text = Field(description="Storage class of volumes that live in one zone")
    regional: Text | None = Field(None, description="Storage class of volumes that every zone reaches")


class Capacity(Model):
    cpu: Quantity = Field(description="Cores: 64, or 500m")
    memory: Quantity = Field(description="Bytes: 256Gi")


class Region(Model):
    zones: Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_distinct)] = Field(
        description="The region's zones, as its nodes name them in topology.kubernetes.io/zone"
    )
    kubernetes: Annotated[str, BeforeValidator(_kubernetes)] = Field(
        description='Kubernetes minor version, in quotes: "1.34"'
    )
    cluster: Cluster = Field(description="How the region's cluster is reached and known")
    storage: Storage = Field(description="Storage classes")
    capacity: Capacity | None = Field(
        None, description="What is reserved for pods here, or an autoscaler's limit: what a failover can count on"
    )
    traffic: Traffic = Field("serve", description="serve: take traffic; drain: no new traffic; fence: none at all")
    serves: Annotated[tuple[RegionCode, ...], AfterValidator(_distinct)] = Field(
        (), description="Cloudflare region codes whose users this region serves first"
    )
    _name: str = PrivateAttr("")

    @property
    def name(self) -> str:
        return self._name

    def check_zones(self, zones: Iterable[str], *, where: str | None = None) -> None:
        """Refuse zones that this region does not have.

        Args:
            zones: as an application asks for them.
            where: what asks: the component and argument, for the message.

        Raises:
            HakitError: the first of them that is unknown here.
        """
        for zone in zones:
            if zone not in self.zones:
                what = f"unknown zone in region {self.name}"
                raise HakitError(what, where=where, given=zone, allowed=self.zones)


class Objectives(Model):
    rto: Annotated[Duration, AfterValidator(_positive)] = Field(description="Recovery time objective: 5m")
    rpo: Duration = Field(description="Recovery point objective, data that may be lost: 30s; 0s for none")


class Handover(Model):
    kind: Kind = Field(description="What happens; docs/topology.md has the table")
    to: str = Field(description="The region that becomes, or stays, active; of a rebuild the region that is rebuilt")
    tokens: dict[str, Text] = Field(
        default_factory=dict, description="Demotion token of each database; written by hakit, planned only"
    )
    settled: StrictBool = Field(False, description="The change was seen to be complete; written by hakit")
    accept_loss: Duration | None = Field(None, description="Data that may be lost, accepted; failover only")
    incarnation: Annotated[StrictInt, Field(ge=1)] | None = Field(
        None, description="Of a rebuild the new incarnation; of a failover the kept one to open"
    )


class Pair(Model):
    mode: Mode = Field(description="active-passive: one region serves; active-active: all do")
    writes: Writes | None = Field(
        None, description="Of an active-active pair with databases: where a region's applications write"
    )
    founded: str = Field(description="Region where the data was first created; never changes")
    regions: Annotated[tuple[str, ...], AfterValidator(_distinct)] = Field(
        (), description="Regions of the pair, two or more; all when left out"
    )
    databases: Annotated[tuple[DatabaseName, ...], AfterValidator(_distinct)] = Field(
        (), description="Databases that are handed over together; tokens are checked against them"
    )
    objectives: Objectives = Field(description="What the pair must keep to")
    witness: Annotated[tuple[WitnessAddress, ...], AfterValidator(_distinct)] = Field(
        (), description="Where fences read who may be writable, outside the region that reads: https:// or s3://"
    )
    handovers: tuple[Handover, ...] = Field((), description="Every change of the active region, oldest first")
    _name: str = PrivateAttr("")

    @property
    def name(self) -> str:
        return self._name

    @property
    def is_partitioned(self) -> bool:
        """Every region has a primary of its own, and there is nothing to hand over."""
        return self.writes == "partitioned"


class Topology(Model):
    """The whole system as declared. `load` makes it; a model that was not loaded has no path and no lines."""

    name: Label = Field(description="The system's name")
    environment: Label = Field(description="First part of the stacks' names: prod, staging")
    aws: Aws = Field(description="What global names are made of")
    regions: Annotated[dict[RegionName, Region], Field(min_length=1)] = Field(description="One cluster each")
    pairs: dict[Label, Pair] = Field(default_factory=dict, description="What fails over together, each on its own")
    _path: str = PrivateAttr("")
    _lines: dict[Keys, int] = PrivateAttr(default_factory=dict)

    @property
    def path(self) -> str:
        """The file, as the caller named it."""
        return self._path

    def where(self, *keys: str | int) -> str:
        """`path:line` of a key path such as `("pairs", "shop", "founded")`, or of its nearest parent in the file."""
        return f"{self._path}:{line_of(self._lines, keys)}"

    def region(self, name: str) -> Region:
        """A region by its name. Raises HakitError for a name that the topology does not have."""
        if name not in self.regions:
            raise HakitError("unknown region", where=self.where("regions"), given=name, allowed=self.regions)
        return self.regions[name]

    def pair(self, name: str) -> Pair:
        """A pair by its name. Raises HakitError for a name that the topology does not have."""
        if name not in self.pairs:
            raise HakitError("unknown pair", where=self.where("pairs"), given=name, allowed=self.pairs)
        return self.pairs[name]

    def placed(self, path: str, lines: dict[Keys, int]) -> "Topology":
        """The same topology with the file it came from, and every region and pair knowing its own name."""
        self._path, self._lines = path, lines
        for name, region in self.regions.items():
            region._name = name  # noqa: SLF001 (a key cannot be a field of what it keys)
        for name, pair in self.pairs.items():
            pair._name = name  # noqa: SLF001
        return self


def make_pair(name: str, **fields: Any) -> Pair:
    """A pair without a file, for programs and tests that need no topology; `regions` must be given.

    Raises:
        pydantic.ValidationError: a field is missing or wrong.
    """
    pair = Pair.model_validate(fields)
    pair._name = name  # noqa: SLF001
    return pair
