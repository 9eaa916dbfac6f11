"""A topology file that is right, and every way in which one is wrong, with the whole message by hand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hakit.errors import HakitError
from hakit.topology import load, loading
from hakit.topology.loading import TopologyError
from tests.unit.topology.example import EXAMPLE, with_handovers

REGIONS = "us-east-1, us-west-2"


def message(text: str) -> str:
    with pytest.raises(HakitError) as caught:
        loading.parse(text, "t.yaml")
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert EXAMPLE.count(old) >= 1, "the test must change something"
    return message(EXAMPLE.replace(old, new, 1))


def test_the_example_loads_with_seconds_defaults_and_all_regions_in_the_pair(tmp_path: Path) -> None:
    file = tmp_path / "topology.prod.yaml"
    file.write_text(EXAMPLE)
    topology = load(file)
    pair, region = topology.pair("shop"), topology.region("us-east-1")
    assert (pair.objectives.rto, pair.objectives.rpo) == (300, 30), "5m and 30s in seconds"
    assert pair.regions == ("us-east-1", "us-west-2"), "all regions when left out"
    assert (region.name, pair.name) == ("us-east-1", "shop")
    assert region.traffic == "serve"
    assert topology.region("us-west-2").serves == ()
    assert topology.path == str(file)
    assert topology.where("pairs", "shop", "founded") == f"{file}:19"
    assert topology.where("pairs", "shop", "handovers", 0) == f"{file}:17", "the nearest parent in the file"


def test_import_hakit_loads_neither_pydantic_nor_ruamel() -> None:
    code = "import hakit, sys; print([m for m in ('pydantic', 'ruamel.yaml') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_unknown_names_are_refused_with_the_nearest_one() -> None:
    topology = loading.parse(EXAMPLE, "t.yaml")
    with pytest.raises(HakitError) as region:
        topology.region("us-eats-1")
    assert str(region.value) == (
        f"t.yaml:4: unknown region\n  given:   us-eats-1\n  allowed: {REGIONS}\n  do:      did you mean 'us-east-1'?"
    )
    with pytest.raises(HakitError) as pair:
        topology.pair("shpo")
    assert str(pair.value) == (
        "t.yaml:16: unknown pair\n  given:   shpo\n  allowed: shop\n  do:      did you mean 'shop'?"
    )


def test_a_zone_that_the_region_lacks_is_refused_and_its_own_zones_are_not() -> None:
    region = loading.parse(EXAMPLE, "t.yaml").region("us-east-1")
    region.check_zones(["us-east-1a", "us-east-1c"])
    with pytest.raises(HakitError) as caught:
        region.check_zones(["us-east-1a", "us-est-1b"], where="storefront: zones")
    assert str(caught.value) == (
        "storefront: zones: unknown zone in region us-east-1\n"
        "  given:   us-est-1b\n"
        "  allowed: us-east-1a, us-east-1b, us-east-1c\n"
        "  do:      did you mean 'us-east-1b'?"
    )


def test_founded_must_be_a_region_of_the_pair() -> None:
    assert changed("founded: us-east-1", "founded: us-eats-1") == (
        "t.yaml:19: pairs.shop.founded: not a region of the pair\n"
        f"  given:   us-eats-1\n  allowed: {REGIONS}\n  do:      did you mean 'us-east-1'?"
    )


def active_active(writes: str, tail: str = "") -> str:
    return EXAMPLE.replace("mode: active-passive", f"mode: active-active\n{writes}") + tail


def test_an_active_active_pair_with_a_database_says_where_its_regions_write() -> None:
    with pytest.raises(HakitError) as caught:
        loading.parse(active_active(""), "t.yaml")
    assert str(caught.value) == (
        "t.yaml:18: pairs.shop.mode: active-active without a write path: nothing says where a region's applications "
        "write\n  given:   active-active\n  allowed: with writes: primary-region, partitioned, read-only\n"
        "  do:      add writes, or say active-passive"
    )
    for writes in ("primary-region", "partitioned", "read-only"):
        assert loading.parse(active_active(f"    writes: {writes}"), "t.yaml").pair("shop").writes == writes


def test_a_pair_without_a_database_needs_no_write_path() -> None:
    text = active_active("").replace("[orders]", "[]")
    assert loading.parse(text, "t.yaml").pair("shop").writes is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EXAMPLE + "    writes: read-only\n", "pairs.shop.writes: only one region of this pair serves"),
        (
            active_active("    writes: anywhere"),
            "pairs.shop.writes: unknown word\n  given:   anywhere\n  allowed: prim",
        ),
        (
            active_active("    writes: read-only").replace("[orders]", "[]"),
            "pairs.shop.writes: the pair has no database to write to",
        ),
        (
            active_active("    writes: partitioned", "    handovers: [{kind: planned, to: us-west-2}]\n"),
            "pairs.shop.handovers[0]: nothing to hand over: every region of a partitioned pair writes its own rows",
        ),
    ],
)
def test_a_write_path_that_means_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(HakitError, match=re.escape(message)):
        loading.parse(text, "t.yaml")


def test_a_pair_needs_two_regions_that_exist() -> None:
    assert changed("founded:", "regions: [us-east-1]\n    founded:") == (
        f"t.yaml:19: pairs.shop.regions: a pair needs two regions or more\n  given:   us-east-1\n  allowed: {REGIONS}"
    )
    assert "t.yaml:19: pairs.shop.regions[1]: unknown region\n  given:   mars\n" in changed(
        "founded:", "regions: [us-east-1, mars]\n    founded:"
    )


def test_an_unquoted_kubernetes_version_is_refused_because_it_is_a_number() -> None:
    assert changed('"1.34"', "1.30") == (
        "t.yaml:7: regions.us-east-1.kubernetes: unquoted, so YAML reads a number, and 1.30 becomes 1.3\n"
        '  given:   1.30\n  allowed: "1.34"\n  do:      write it in quotes'
    )


def test_an_unquoted_account_is_refused_because_leading_zeros_get_lost() -> None:
    assert changed('"111122223333"', "011122223333") == (
        "t.yaml:3: aws.account: unquoted, so YAML reads a number and drops leading zeros\n"
        '  given:   011122223333\n  allowed: "111122223333"\n  do:      write it in quotes'
    )


def test_a_misspelt_key_is_refused_with_the_one_that_was_meant() -> None:
    assert changed("founded:", "foundd:") == (
        "t.yaml:17: pairs.shop.founded is missing\n"
        "  do:      add it: Region where the data was first created; never changes\n"
        "t.yaml:19: pairs.shop.foundd: unknown key\n"
        "  given:   foundd\n"
        "  allowed: mode, writes, founded, regions, databases, objectives, witness, handovers\n"
        "  do:      did you mean 'founded'?"
    )


def test_a_wrong_type_says_what_is_expected() -> None:
    assert changed("zones: [us-east-1a, us-east-1b, us-east-1c]", "zones: us-east-1a") == (
        "t.yaml:6: regions.us-east-1.zones: wrong type\n  given:   us-east-1a\n  allowed: a list"
    )
    assert changed("zonal: gp3", "zonal: 3") == (
        "t.yaml:9: regions.us-east-1.storage.zonal: wrong type\n  given:   3\n  allowed: text"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("rpo: 30s", "rpo: 30", "t.yaml:21: pairs.shop.objectives.rpo: not a duration\n  given:   30\n"),
        ("rto: 5m", "rto: 0s", "t.yaml:21: pairs.shop.objectives.rto: must be above zero\n  given:   0s\n"),
        (
            "WNAM]",
            "WNA]",
            "t.yaml:10: regions.us-east-1.serves[1]: unknown word\n  given:   WNA\n  allowed: WNAM, ENAM",
        ),
        ("us-east-1b", "us-east-1a", "t.yaml:6: regions.us-east-1.zones: named twice: us-east-1a\n"),
        ("[us-east-1a, us-east-1b, us-east-1c]", "[]", "t.yaml:6: regions.us-east-1.zones: empty\n"),
        ("[orders]", "[Orders]", "t.yaml:20: pairs.shop.databases[0]: not a name that DNS can carry\n"),
        ("[orders]", "[orders-g2]", "t.yaml:20: pairs.shop.databases[0]: ends like an incarnation\n"),
        ("  us-west-2:\n", "  shared:\n", "t.yaml:11: regions.shared: 'shared' is what hakit calls a scope\n"),
        (
            "active-passive",
            "passive",
            "t.yaml:18: pairs.shop.mode: unknown word\n  given:   passive\n  allowed: active-",
        ),
        ("prefix: acme", "prefix: ~", "t.yaml:3: aws.prefix: wrong type\n  given:   nothing\n  allowed: text"),
    ],
)
def test_each_wrong_value_names_line_key_and_value(old: str, new: str, expected: str) -> None:
    assert changed(old, new).startswith(expected)


def test_all_errors_of_a_file_are_told_at_once() -> None:
    text = EXAMPLE.replace("rto: 5m", "rto: 5").replace("zonal: gp3", "zonl: gp3")
    with pytest.raises(TopologyError) as caught:
        loading.parse(text, "t.yaml")
    assert [error.where for error in caught.value.errors] == [
        "t.yaml:9", "t.yaml:9", "t.yaml:15", "t.yaml:15", "t.yaml:21",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["yes", "No", "on", "OFF", "y", "n"])
def test_a_word_that_yaml_1_1_reads_as_a_boolean_is_refused_as_value_and_key(word: str) -> None:
    what = "a word that YAML 1.1 reads as a boolean and YAML 1.2 as a word"
    expected = f"t.yaml:2: {what}\n  given:   {word}\n  do:      write it in quotes or use true/false"
    assert changed("environment: prod", f"environment: {word}") == expected
    assert changed("environment: prod", f"{word}: prod") == expected


def test_a_boolean_word_in_quotes_is_a_word() -> None:
    assert loading.parse(EXAMPLE.replace("environment: prod", 'environment: "no"'), "t.yaml").environment == "no"


def test_a_key_that_stands_twice_names_both_lines() -> None:
    assert changed("environment: prod", "environment: prod\nname: other") == (
        "t.yaml:3: the key 'name' stands here twice, on lines 1 and 3\n"
        "  do:      keep one; YAML readers do not agree which one counts"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n\tb: 2\n", "t.yaml:2: broken YAML: while scanning for the next token, found character '\\t' that "),
        ("a: [1\nb: 2\n", "t.yaml:2: broken YAML: while parsing a flow sequence, expected ',' or ']', but got ':'"),
        ("a: 1\nb: \x01\n", "t.yaml:2: broken YAML: "),
        ("a: 1\n---\nb: 2\n", "t.yaml:2: broken YAML: expected a single document"),
        ("", "t.yaml:1: the file is empty"),
        ("# only a comment\n", "t.yaml:1: the file is empty"),
        ("\n- a\n", "t.yaml:2: the file must hold keys at the top\n  given:   a list\n"),
        ("word\n", "t.yaml:1: the file must hold keys at the top\n  given:   a single value\n"),
        ("a: &x\n  b: *x\n", "t.yaml:1: an alias that holds itself"),
        ("a: {b: 1}\nc:\n  <<: *d\n", "t.yaml:3: broken YAML: found undefined alias 'd'"),
        ("a: &d {b: 1}\nc:\n  <<: *d\n", "t.yaml:3: a merge key (<<), which YAML 1.2 no longer has"),
        ("a: !secret b\n", "t.yaml:1: a YAML tag, !secret"),
    ],
)
def test_broken_yaml_names_the_line_and_what_is_wrong(text: str, expected: str) -> None:
    assert message(text).startswith(expected)


@pytest.mark.parametrize(
    ("text", "where", "do"),
    [
        ("a: 1\n\tb: 2\n", 2, "indent with spaces: a tab is no indentation"),
        ("a: 1\n---\nb: 2\n", 2, "keep one document: without the line ---"),
        ("a: *.example.com\n", 1, "write the value out; a text that begins with * goes in quotes"),
        ("a: b: c\n", 1, "line this key up with its neighbours; a text that holds a colon goes in quotes"),
        ("a: 1\nb: \x01\n", 2, "delete the character; no editor shows it"),
        # The parser notices far below the quote and the bracket that nobody closed.
        ('a: 1\nb: "x\nc: 2\nd: 3\n', 5, "look from line 2, where it begins, to line 5: an open quote or bracket"),
        ("a: 1\nb: [x,\nc: y\nd: 3\n", 4, "look from line 2, where it begins, to line 4: an open quote or bracket"),
        ("a: [b\n", 2, "look from line 1, where it begins, to line 2: an open quote or bracket"),
        ("a: }\n", 1, "look on this line and the one before: an open quote or bracket"),
    ],
)
def test_broken_yaml_says_where_to_look_and_what_to_do(text: str, where: int, do: str) -> None:
    told = message(text)
    assert told.startswith(f"t.yaml:{where}: broken YAML: ")
    assert f"\n  do:      {do}" in told


def test_a_missing_file_names_the_folder_and_the_nearest_file(tmp_path: Path) -> None:
    (tmp_path / "topology.prod.yaml").write_text(EXAMPLE)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(HakitError) as caught:
        load(tmp_path / "topology.prd.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/topology.prd.yaml: no such file in {tmp_path}\n"
        "  given:   topology.prd.yaml\n  allowed: topology.prod.yaml\n  do:      did you mean 'topology.prod.yaml'?"
    )
    with pytest.raises(HakitError, match=f"no such file, and no folder {tmp_path}/none"):
        load(tmp_path / "none" / "t.yaml")
    with pytest.raises(HakitError, match="a folder, where a topology file is expected"):
        load(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(HakitError, match="not a text file in UTF-8"):
        load(tmp_path / "t.yaml")


WEST = "{kind: planned, to: us-west-2}"
DONE = '{kind: planned, to: us-west-2, tokens: {orders: "s3cr3t-1"}, settled: true}'
AT = "pairs.shop.handovers"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (
            ["{kind: planned, to: us-west-1}"],
            f"t.yaml:23: {AT}[0].to: not a region of the pair\n"
            f"  given:   us-west-1\n  allowed: {REGIONS}\n  do:      did you mean 'us-west-2'?",
        ),
        (
            ["{kind: planned, to: us-east-1}"],
            f"t.yaml:23: {AT}[0].to: this region is active already\n  given:   us-east-1\n  allowed: us-west-2",
        ),
        (
            ["{kind: failover, to: us-east-1, accept_loss: 1m}"],
            f"t.yaml:23: {AT}[0].to: this region is active already\n  given:   us-east-1\n  allowed: us-west-2",
        ),
        (
            [WEST, "{kind: planned, to: us-east-1}"],
            f"t.yaml:24: {AT}[1]: a planned entry follows entry 1 (planned), which is not settled\n"
            "  allowed: planned after a settled entry or a cancel, or first\n"
            "  do:      finish or cancel that one first",
        ),
        (
            ['{kind: planned, to: us-west-2, tokens: {orders: "s3cr3t-1"}}', "{kind: cancel, to: us-east-1}"],
            f"t.yaml:24: {AT}[1]: a cancel of entry 1, which has a token already\n"
            "  do:      finish it and hand back, or failover to the old side with accept_loss",
        ),
        (
            [WEST, "{kind: cancel, to: us-west-2}"],
            f"t.yaml:24: {AT}[1].to: a cancel goes to the side that was active\n"
            "  given:   us-west-2\n  allowed: us-east-1",
        ),
        (
            ["{kind: cancel, to: us-east-1}"],
            f"t.yaml:23: {AT}[0]: a cancel without a pending planned entry before it\n  do:      delete it",
        ),
        (
            ["{kind: planned, to: us-west-2, settled: true}"],
            f"t.yaml:23: {AT}[0].settled: settled without the token of orders\n  do:      finish it first",
        ),
        (
            ["{kind: failover, to: us-west-2}"],
            f"t.yaml:23: {AT}[0]: a failover must say how much it may lose\n"
            "  do:      add accept_loss: <duration>, such as 30s",
        ),
        (
            ["{kind: planned, to: us-west-2, accept_loss: 1m}"],
            f"t.yaml:23: {AT}[0].accept_loss: a planned entry loses nothing\n  allowed: on failover only",
        ),
        (
            ["{kind: planned, to: us-west-2, incarnation: 2}"],
            f"t.yaml:23: {AT}[0].incarnation: a planned entry changes no incarnation\n"
            "  given:   2\n  allowed: on rebuild, and on a failover that opens a kept copy",
        ),
        (
            ["{kind: rebuild, to: us-west-2}"],
            f"t.yaml:23: {AT}[0]: a rebuild must name its incarnation\n  do:      add incarnation: 2",
        ),
        (
            ["{kind: rebuild, to: us-west-2, incarnation: 3}"],
            f"t.yaml:23: {AT}[0].incarnation: not the next incarnation\n  given:   3\n  allowed: 2",
        ),
        (
            ["{kind: rebuild, to: us-east-1, incarnation: 2}"],
            f"t.yaml:23: {AT}[0].to: the active region cannot be rebuilt\n  given:   us-east-1\n  allowed: us-west-2",
        ),
        (
            [WEST, "{kind: rebuild, to: us-west-2, incarnation: 2}"],
            f"t.yaml:24: {AT}[1]: a rebuild over entry 1, which is pending\n  do:      finish or cancel that one first",
        ),
        (
            ["{kind: failover, to: us-west-2, accept_loss: 1m, incarnation: 2}"],
            f"t.yaml:23: {AT}[0].incarnation: no such incarnation was ever listed there\n  given:   2\n  allowed: 1",
        ),
        (
            ['{kind: planned, to: us-west-2, tokens: {order: "s3cr3t-1"}}'],
            f"t.yaml:23: {AT}[0].tokens.order: unknown database of the pair\n"
            "  given:   order\n  allowed: orders\n  do:      did you mean 'orders'?",
        ),
        (
            ['{kind: failover, to: us-west-2, accept_loss: 1m, tokens: {orders: "s3cr3t-1"}}'],
            f"t.yaml:23: {AT}[0].tokens: a failover entry takes no token\n  allowed: on planned only",
        ),
        (
            [DONE, '{kind: planned, to: us-east-1, tokens: {orders: "s3cr3t-1"}}'],
            f"t.yaml:24: {AT}[1].tokens.orders: a stale token: entry 1 has it already\n"
            "  allowed: the token that this entry's demotion published\n"
            "  do:      delete it and let hakit read the token",
        ),
        (
            ["{kind: planed, to: us-west-2}"],
            f"t.yaml:23: {AT}[0].kind: unknown word\n"
            "  given:   planed\n  allowed: planned, failover, cancel, rebuild\n  do:      did you mean 'planned'?",
        ),
    ],
)
def test_a_list_that_breaks_a_rule_is_refused_and_no_token_is_shown(entries: list[str], expected: str) -> None:
    found = message(with_handovers(*entries))
    assert found == expected
    assert "s3cr3t" not in found


@pytest.mark.parametrize(
    "token", ["12345", '""', "[s3cr3t]", "{a: s3cr3t}"], ids=["number", "empty", "list", "mapping"]
)
def test_a_token_of_the_wrong_type_is_refused_without_showing_it(token: str) -> None:
    found = message(with_handovers(f"{{kind: planned, to: us-west-2, tokens: {{orders: {token}}}}}"))
    assert found.startswith(f"t.yaml:23: {AT}[0].tokens.orders: wrong ")
    assert "given" not in found
    assert "s3cr3t" not in found
    assert "12345" not in found


def test_lists_that_keep_the_rules_load() -> None:
    rebuild = "{kind: rebuild, to: us-east-1, incarnation: 2}"
    fail = "{kind: failover, to: us-west-2, accept_loss: 30s, settled: true}"
    for entries in (
        [WEST, "{kind: cancel, to: us-east-1}", WEST],
        [DONE, "{kind: planned, to: us-east-1}"],
        [WEST, "{kind: failover, to: us-east-1, accept_loss: 0s}"],
        [fail, rebuild, "{kind: failover, to: us-east-1, accept_loss: 1h, incarnation: 1}"],
    ):
        assert len(loading.parse(with_handovers(*entries), "t.yaml").pair("shop").handovers) == len(entries)


def test_the_page_of_the_format_shows_a_file_that_loads_and_an_error_that_is_true() -> None:
    page = (Path(__file__).parents[3] / "docs" / "topology.md").read_text()
    text = page.split("```yaml\n")[1].split("```")[0].replace("eyJ...", "eyJ")
    path = "stacks/topology.prod.yaml"
    assert loading.parse(text, path).pair("shop").handovers[0].settled
    with pytest.raises(HakitError) as caught:
        loading.parse(text.replace("founded: us-east-1", "founded: us-eats-1"), path)
    assert str(caught.value) in page


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://witness.example.com/shop.json", "not an address of a witness"),
        ("https://witness.example.com", "not an address of a witness"),
        ("s3://acme-witness", "not an address of a witness"),
        ("s3://acme-witness/shop.json?endpoint=https://minio", "the bucket's region is missing"),
    ],
)
def test_a_witness_is_read_over_tls_or_signed(address: str, words: str) -> None:
    told = changed("    databases:", f'    witness: ["{address}"]\n    databases:')
    assert f"pairs.shop.witness[0]: {words}" in told
