"""What is rendered before it is in the file: the very texts that the file will have, with stand-ins for tokens."""

from pathlib import Path

from hakit.operate import ahead, plan
from hakit.topology.edit import add_settled, add_token, append_handover
from hakit.topology.loading import parse
from tests.unit.operate.fake import STACKS, WITNESS, A, B
from tests.unit.topology.example import EXAMPLE

T1, T2 = "eyJmaXJzdCI6IDF9", "eyJzZWNvbmQiOiAyfQ=="


def file(tmp_path: Path) -> Path:
    """An example that was handed over to the second region and is handed back."""
    path = tmp_path / "topology.yaml"
    path.write_text(EXAMPLE + WITNESS, encoding="utf-8")
    append_handover(path, "shop", {"kind": "planned", "to": B})
    add_token(path, "shop", "orders", T1)
    add_settled(path, "shop")
    return path


def test_what_is_rendered_ahead_is_what_the_file_says_when_it_is_applied(tmp_path: Path) -> None:
    path = file(tmp_path)

    def now() -> str:
        text = path.read_text(encoding="utf-8")
        return ahead.without_tokens(text, parse(text, "").pair("shop"))

    declared = parse(path.read_text(encoding="utf-8"), "")
    steps = plan.outline(declared, "switchover", "shop", A, STACKS)
    texts = ahead.texts_of(now(), declared.pair("shop"), steps)
    assert list(texts.values()) == [[A, B], [A]]
    waiting, promoted = texts
    append_handover(path, "shop", {"kind": "planned", "to": A})
    assert now() == waiting
    add_token(path, "shop", "orders", T2)
    assert now() == promoted
    assert T1 not in promoted
    assert T2 not in promoted


def test_an_operation_that_is_gone_on_with_is_rendered_from_where_it_is(tmp_path: Path) -> None:
    path = file(tmp_path)
    steps = plan.outline(parse(path.read_text(encoding="utf-8"), ""), "switchover", "shop", A, STACKS)
    append_handover(path, "shop", {"kind": "planned", "to": A})
    text = path.read_text(encoding="utf-8")
    texts = ahead.texts_of(text, parse(text, "").pair("shop"), steps)
    assert next(iter(texts)) == text


def test_tokens_take_the_places_of_their_stand_ins_and_of_nothing_else() -> None:
    tokens = {"TOKEN of orders in entry 2": T2}
    manifest = {
        "spec": {"replica": {"promotionToken": "TOKEN of orders in entry 2", "self": "TOKEN of orders in entry 21"}},
        "n": 3,
    }
    filled = {"spec": {"replica": {"promotionToken": T2, "self": "TOKEN of orders in entry 21"}}, "n": 3}
    assert ahead.with_tokens([manifest], tokens) == [filled]
