"""What holds of buckets for any topology: names of their own, nothing that follows from a role."""

import re

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hakit.plan import buckets_policies, buckets_rules
from hakit.plan.buckets import specify
from hakit.plan.buckets_spec import BucketsSpec
from hakit.topology import Topology, loading, names
from tests.unit.topology.example import EXAMPLE

ROLES = (names.role_name, names.replication_role_name, names.batch_role_name)
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2", "sa-east-1")
WORD = st.from_regex(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True).filter(lambda word: "--" not in word)
# Names that S3 keeps for itself are refused, which other tests hold.
PREFIX = WORD.filter(lambda word: not word.startswith(("xn--", "sthree-", "amzn-s3-demo-")))
PURPOSE = WORD.filter(lambda word: not word.endswith("s3alias"))
FEW = settings(derandomize=True, max_examples=40, deadline=None, database=None)


def topology(prefix: str, environment: str, regions: tuple[str, ...] = REGIONS[:2]) -> Topology:
    declared = yaml.safe_load(EXAMPLE)
    (east, *_) = declared["regions"].values()
    declared["environment"] = environment
    declared["aws"]["prefix"] = prefix
    declared["regions"] = {name: {**east, "zones": [f"{name}a", f"{name}b"], "serves": []} for name in regions}
    declared["pairs"]["shop"]["founded"] = regions[0]
    return loading.parse(yaml.safe_dump(declared, default_style='"', sort_keys=False), "t.yaml")


def specified(declared: Topology, purpose: str) -> BucketsSpec:
    return specify("pair", {"purpose": purpose, "databases": {"shop": {"namespace": "shop"}}}, declared)


def names_in_aws(spec: BucketsSpec) -> list[str]:
    """Every name that must be one of a kind: buckets in the world, roles in the account. Aliases are as buckets."""
    made = []
    for region in spec.regions:
        made.append(f"bucket {spec.bucket(region)}")
        made += [f"role {name(spec.topology, region, spec.purpose)}" for name in ROLES]
    return made


@FEW
@given(st.lists(st.tuples(PREFIX, WORD, PURPOSE), min_size=2, max_size=4, unique=True), st.integers(2, 5))
def test_no_two_environments_regions_or_purposes_have_a_name_in_common(
    parts: list[tuple[str, str, str]], count: int
) -> None:
    made = [
        name
        for prefix, environment, purpose in parts
        for name in names_in_aws(specified(topology(prefix, environment, REGIONS[:count]), purpose))
    ]
    assert len(made) == len(parts) * count * 4
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"bucket [a-z0-9-]{3,63}|role [a-z0-9-]{1,64}", name) for name in made)


@FEW
@given(st.permutations(REGIONS), st.integers(2, 5), st.sampled_from(["both", "one-way", "none"]))
def test_every_copy_has_a_rule_a_right_and_a_key_and_no_bucket_copies_to_itself(
    regions: list[str], count: int, replication: str
) -> None:
    declared = topology("acme", "prod", tuple(regions[:count]))
    source = {"source": regions[0]} if replication == "one-way" else {}
    spec = specify("wal", {"purpose": "wal", "replication": replication, **source}, declared)
    keys = {region: f"key of {region}" for region in spec.regions}
    expected = {"both": count * (count - 1), "one-way": count - 1, "none": 0}[replication]
    assert len(set(spec.flows)) == len(spec.flows) == expected
    for region in spec.regions:
        rules = buckets_rules.replication_rules(spec, region, keys)
        bucket = buckets_policies.bucket_arn(spec, region)
        targets = [rule["destination"]["bucket"] for rule in rules]
        assert bucket not in targets
        assert len({rule["priority"] for rule in rules}) == len({rule["id"] for rule in rules}) == len(rules)
        if rules:
            rights = buckets_policies.replication_rights(spec, region, keys)
            writable = [each["Resource"] for each in rights["Statement"] if "s3:ReplicateObject" in each["Action"]]
            assert writable == [[f"{target}/*" for target in targets]]


@FEW
@given(st.integers(2, 4))
def test_a_region_at_the_end_changes_no_rule_that_there_is(count: int) -> None:
    def rules(regions: tuple[str, ...], of: str) -> list[object]:
        keys = {region: f"key of {region}" for region in regions}
        return buckets_rules.replication_rules(specified(topology("acme", "prod", regions), "wal"), of, keys)

    for region in REGIONS[:count]:
        assert rules(REGIONS[: count + 1], region)[:-1] == rules(REGIONS[:count], region)


HANDOVERS = st.sampled_from(
    [
        [],
        [{"kind": "planned", "to": "us-west-2"}],
        [{"kind": "planned", "to": "us-west-2", "tokens": {"orders": "T1"}}],
        [{"kind": "planned", "to": "us-west-2", "tokens": {"orders": "T1"}, "settled": True}],
        [{"kind": "planned", "to": "us-west-2"}, {"kind": "cancel", "to": "us-east-1"}],
        [{"kind": "failover", "to": "us-west-2", "accept_loss": "30s"}],
        [
            {"kind": "failover", "to": "us-west-2", "accept_loss": "30s"},
            {"kind": "rebuild", "to": "us-east-1", "incarnation": 2},
        ],
    ]
)
TRAFFIC = st.sampled_from(["serve", "drain", "fence"])


@FEW
@given(HANDOVERS, TRAFFIC, TRAFFIC)
def test_nothing_of_a_bucket_follows_from_a_handover_or_a_traffic_state(
    handovers: list[dict[str, object]], east: str, west: str
) -> None:
    declared = yaml.safe_load(EXAMPLE)
    plain = specified(loading.parse(EXAMPLE, "t.yaml"), "wal")
    declared["pairs"]["shop"]["handovers"] = handovers
    declared["regions"]["us-east-1"]["traffic"], declared["regions"]["us-west-2"]["traffic"] = east, west
    text = yaml.safe_dump(declared, sort_keys=False).replace("kubernetes: '1.34'", 'kubernetes: "1.34"')
    moved = specified(loading.parse(text, "t.yaml"), "wal")
    assert moved.topology.model_dump() == plain.topology.model_dump()
    assert (moved.regions, moved.flows, moved.accounts) == (plain.regions, plain.flows, plain.accounts)
