"""What counts as a witness, and which of several holds."""

import pytest

from hakit.fence.witness import dump, highest, parse
from hakit.topology import Witness

WEST, EAST = Witness(3, "us-west-2", 1), Witness(2, "us-east-1", 2)


def test_a_document_names_for_each_database_who_may_be_writable() -> None:
    text = '{"orders": {"entry": 3, "region": "us-west-2", "incarnation": 1}}'
    assert parse(text) == {"orders": WEST}
    assert dump({"orders": WEST}) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "<Error><Code>AccessDenied</Code></Error>",
        '{"orders": {"entry": 3}}',
        '{"orders": {"entry": "3", "region": "us-west-2", "incarnation": 1}}',
        '{"orders": {"entry": 0, "region": "us-west-2", "incarnation": 1}}',
        '{"orders": {"entry": true, "region": "us-west-2", "incarnation": 1}}',
        '{"orders": {"entry": 3, "region": null, "incarnation": 1}}',
        '{"orders": {"entry": 3, "region": "us-west-2", "incarnation"',
    ],
)
def test_a_torn_or_foreign_document_is_no_witness(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  several of json's own
        parse(text)


def test_of_several_places_the_one_that_has_come_furthest_holds() -> None:
    assert highest([{"orders": EAST}, {"orders": WEST}]) == {"orders": WEST}
    assert highest([{"orders": WEST}, {"orders": EAST}, {"stock": EAST}]) == {"orders": WEST, "stock": EAST}
    assert highest([]) == {}
