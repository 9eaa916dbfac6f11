"""The stacks of a topology together: what a region's stack names of AWS the shared stack makes, and lets it use;
whatever the list of handovers says, `shared` is the same; another environment has no name in common.

Rights are read by a matcher of this file's own, for policies that only allow; `test_bucket_policies` asks an evaluator.
"""

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakit.plan import buckets_policies, buckets_rules, fence
from hakit.plan.buckets import specify
from hakit.topology import names
from hakit.topology.model import Topology
from tests.unit.postgres.given import topology
from tests.unit.postgres.test_properties import clusters, everything, topologies

REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2", "sa-east-1")
EAST, WEST, EUROPE = REGIONS[:3]
FAILOVER = {"kind": "failover", "to": WEST, "accept_loss": "30s"}
REBUILD = {"kind": "rebuild", "to": EAST, "incarnation": 2}
ISSUER = "oidc.example.com/id/A"
TO_THE_ROLE = "eks.amazonaws.com/role-arn"


@dataclass
class Bucket:
    """One bucket of the shared stack, as its policies have it."""

    name: str
    rules: list[Any]


@dataclass
class Role:
    """One role of the shared stack."""

    trust: dict[str, Any]
    rights: dict[str, Any]


@dataclass
class System:
    """All stacks of one environment.

    Attributes:
        buckets: by region.
        roles: by ARN, those that databases take.
        regions: by region and key, what each region's stack applies, of each database.
        objects: names of what a region's cluster has one of, by region.
    """

    buckets: dict[str, Bucket] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    regions: list[dict[str, dict[str, dict[str, Any]]]] = field(default_factory=list)
    cluster_wide: list[str] = field(default_factory=list)

    def names_in_the_world(self) -> list[str]:
        return [*(each.name for each in self.buckets.values()), *self.roles, *self.cluster_wide]


def shared(declared: Topology) -> System:
    """What depends on the topology alone: names that the world has once, and rights."""
    spec = specify("wal", {"purpose": "wal", "databases": {"shop": {"namespace": "shop"}}}, declared)
    keys = {region: f"arn:aws:kms:{region}:111122223333:key/{region}" for region in spec.regions}
    made = System()
    for region in spec.regions:
        made.buckets[region] = Bucket(spec.bucket(region), buckets_rules.replication_rules(spec, region, keys))
        made.roles[names.role_arn(spec.topology, region, "wal")] = Role(
            buckets_policies.access_trust(spec, region), buckets_policies.access_rights(spec, region, keys)
        )
    witnessed = declared.pair("shop").model_copy(update={"witness": ("https://witness.example.com/shop.json",)})
    wanted = fence.FenceSpec("python@sha256:a", witnessed.witness, 2, None, None, None)
    here = next(iter(declared.regions))
    made.cluster_wide = [
        f"{each['kind']} {each['metadata']['name']}"
        for each in fence.objects(wanted, declared, witnessed, here, "shop")
        if "namespace" not in each["metadata"]
    ]
    return made


def system(declared: Topology) -> System:
    made = shared(declared)
    made.regions = [everything(declared, database) for database in declared.pair("shop").databases]
    return made


def allowed(rights: dict[str, Any], action: str, resource: str) -> bool:
    """Whether a statement names the action and the resource; these policies deny nothing, and S3 objects of theirs have
    no condition."""
    assert {each["Effect"] for each in rights["Statement"]} == {"Allow"}
    return any(
        action in each["Action"] and any(fnmatch.fnmatchcase(resource, pattern) for pattern in each["Resource"])
        for each in rights["Statement"]
        if "Condition" not in each
    )


def holds(made: System) -> None:
    """What must be true of the stacks of one environment."""
    worldwide = made.names_in_the_world()
    assert len(worldwide) == len(set(worldwide)), "two things have one name"
    bucket_names = {each.name for each in made.buckets.values()}
    for region, bucket in made.buckets.items():
        targets = {rule["destination"]["bucket"].rpartition(":")[2] for rule in bucket.rules}
        assert targets == bucket_names - {made.buckets[region].name}, "a copy goes to no bucket of the shared stack"
    for found in made.regions:
        for region, cluster in clusters(found):
            _reaches_its_archives(made, found, region, cluster)


def _reaches_its_archives(
    made: System, found: dict[str, dict[str, dict[str, Any]]], region: str, cluster: dict[str, Any]
) -> None:
    spec = cluster["spec"]
    arn = spec["serviceAccountTemplate"]["metadata"]["annotations"][TO_THE_ROLE]
    assert arn in made.roles, "a role that the shared stack does not make"
    role = made.roles[arn]
    # CloudNativePG names the service account as the Cluster.
    subject = f"system:serviceaccount:shop:{cluster['metadata']['name']}"
    (statement,) = role.trust["Statement"]
    ((key, patterns),) = statement["Condition"]["StringLike"].items()
    assert key == f"{region}.{ISSUER}:sub", "a role for another region's cluster"
    assert any(fnmatch.fnmatchcase(subject, pattern) for pattern in patterns), "a role that trusts somebody else"
    own = _archive(found[region], spec["plugins"][0])
    assert own.partition("/")[0] == made.buckets[region].name, "an archive outside of the region's own bucket"
    assert allowed(role.rights, "s3:PutObject", f"arn:aws:s3:::{own}/wals/1"), "it may not write its archive"
    for each in spec["externalClusters"]:
        other = _archive(found[region], each["plugin"])
        assert other.partition("/")[0] in {bucket.name for bucket in made.buckets.values()}, (
            "a bucket that nobody makes"
        )
        assert allowed(role.rights, "s3:GetObject", f"arn:aws:s3:::{other}/base/1"), (
            "it may not read a member's archive"
        )
        if other != own and other.partition("/")[0] != own.partition("/")[0]:
            assert not allowed(role.rights, "s3:PutObject", f"arn:aws:s3:::{other}/wals/1"), "it may write another's"


def _archive(objects: dict[str, dict[str, Any]], plugin: dict[str, Any]) -> str:
    """`<bucket>/<path>` of an entry of the plugin in a region's Cluster."""
    (path,) = [
        each["spec"]["configuration"]["destinationPath"]
        for each in objects.values()
        if each["kind"] == "ObjectStore" and each["metadata"]["name"] == plugin["parameters"]["barmanObjectName"]
    ]
    return f"{path.removeprefix('s3://')}/{plugin['parameters']['serverName']}"


def with_issuers(declared: Topology, environment: str = "prod", *, listed: bool = True) -> Topology:
    """The topology with clusters whose service accounts take roles (IRSA); without its list, if asked."""
    regions = {
        name: each.model_copy(
            update={
                "cluster": each.cluster.model_copy(
                    update={"oidc_issuer": f"https://{name}.{ISSUER}", "pod_identity": False}
                )
            }
        )
        for name, each in declared.regions.items()
    }
    pair = declared.pair("shop")
    pairs = {"shop": pair if listed else pair.model_copy(update={"handovers": ()})}
    return declared.model_copy(update={"environment": environment, "regions": regions, "pairs": pairs})


@settings(derandomize=True, max_examples=40, deadline=None, database=None)
@given(declared=topologies(REGIONS), other=st.sampled_from(["test", "prod-2", "pro"]))
def test_whatever_the_topology_its_stacks_fit_together(declared: Topology, other: str) -> None:
    made = system(with_issuers(declared))
    holds(made)
    without = shared(with_issuers(declared, listed=False))
    assert (made.buckets, made.roles) == (without.buckets, without.roles), "shared depends on the list"
    elsewhere = shared(with_issuers(declared, other))
    assert not set(made.names_in_the_world()) & set(elsewhere.names_in_the_world()), "two environments have one name"


def _two_buckets_of_one_name(made: System) -> None:
    made.buckets[WEST].name = made.buckets[EAST].name


def _a_copy_to_nowhere(made: System) -> None:
    made.buckets[EAST].rules[0]["destination"]["bucket"] += "-old"


def _a_role_that_nobody_makes(made: System) -> None:
    annotations = made.regions[0][EAST]["cluster-g2"]["spec"]["serviceAccountTemplate"]["metadata"]["annotations"]
    annotations[TO_THE_ROLE] += "-old"


def _a_role_for_the_first_incarnation_only(made: System) -> None:
    for role in made.roles.values():
        like = role.trust["Statement"][0]["Condition"]["StringLike"]
        for key, patterns in like.items():
            like[key] = [re.sub(r"g\?+$|g\*$", "g1", pattern) for pattern in patterns]


def _the_role_of_another_region(made: System) -> None:
    of_b = made.regions[0][WEST]["cluster-g1"]["spec"]["serviceAccountTemplate"]
    made.regions[0][EUROPE]["cluster-g1"]["spec"]["serviceAccountTemplate"] = of_b


def _an_archive_in_another_regions_bucket(made: System) -> None:
    stores = made.regions[0][EUROPE]
    stores[f"store-{EUROPE}"]["spec"]["configuration"]["destinationPath"] = stores[f"store-{WEST}"]["spec"][
        "configuration"
    ]["destinationPath"]


def _an_archive_of_another_pair(made: System) -> None:
    configuration = made.regions[0][EUROPE][f"store-{EUROPE}"]["spec"]["configuration"]
    configuration["destinationPath"] = configuration["destinationPath"].replace("/shop", "/depot")


FAULTS = {
    _two_buckets_of_one_name: "two things have one name",
    _a_copy_to_nowhere: "a copy goes to no bucket of the shared stack",
    _a_role_that_nobody_makes: "a role that the shared stack does not make",
    _a_role_for_the_first_incarnation_only: "a role that trusts somebody else",
    _the_role_of_another_region: "a role for another region's cluster",
    _an_archive_in_another_regions_bucket: "an archive outside of the region's own bucket",
    _an_archive_of_another_pair: "it may not write its archive",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_each_planted_fault_is_found(fault: Callable[[System], None]) -> None:
    """Three regions after a failover and a rebuild, one thing broken by hand."""
    made = system(with_issuers(topology(FAILOVER, REBUILD, regions=REGIONS[:3])))
    holds(made)
    fault(made)
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        holds(made)


def test_an_environment_that_is_left_out_of_a_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = topology(FAILOVER, regions=REGIONS[:3])

    def in_common() -> set[str]:
        prod, test = (shared(with_issuers(declared, name)) for name in ("prod", "test"))
        return set(prod.names_in_the_world()) & set(test.names_in_the_world())

    assert in_common() == set()
    monkeypatch.setattr(names, "bucket", lambda prefix, _environment, region, purpose: f"{prefix}-{region}-{purpose}")
    assert in_common() == {f"acme-{region}-wal" for region in REGIONS[:3]}
