"""Quantities; the expected values come from the grammar in Kubernetes' API reference."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hakit import HakitError
from hakit.charts.quantity import format_quantity, parse_quantity, short_bytes, short_cores


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"), ("1", "1"), (2, "2"), (0.5, "0.5"), ("+1.5", "1.5"), ("-1", "-1"), (".5", "0.5"), ("5.", "5"),
        ("100m", "0.1"), ("1u", "0.000001"), ("1n", "0.000000001"), ("1k", "1000"), ("1M", "1000000"),
        ("1G", "1000000000"), ("1T", "1000000000000"), ("1P", "1000000000000000"), ("1E", "1000000000000000000"),
        ("1Ki", "1024"), ("1Mi", "1048576"), ("1.5Gi", "1610612736"), ("1Ti", "1099511627776"),
        ("1Pi", "1125899906842624"), ("1Ei", "1152921504606846976"), ("1e3", "1000"), ("1E3", "1000"), ("12e-1", "1.2"),
    ],
)  # fmt: skip
def test_a_quantity_is_its_number(text: object, value: str):
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", "Gi", "1gi", "1 Gi", "1Gi ", "1K", "one", "1e", "1..2", "0x10", "1Gi2", True, None, [], "nan", "\u0661"],
)
def test_nonsense_is_refused_with_the_field_that_holds_it(text: object):
    with pytest.raises(HakitError, match=r"^Deployment/web resources: not a Kubernetes quantity\n") as refused:
        parse_quantity(text, "Deployment/web resources")
    assert repr(text) in str(refused.value)


@given(st.integers(0, 10**18))
def test_whole_bytes_survive_writing_and_reading(number: int):
    assert parse_quantity(format_quantity(Decimal(number), binary=True)) == number


@given(st.integers(0, 10**12))
def test_thousandths_of_cores_survive_writing_and_reading(number: int):
    value = Decimal(number).scaleb(-3)
    assert parse_quantity(format_quantity(value, binary=False)) == value


@given(st.decimals(0, 10**6, allow_nan=False, places=9))
def test_rounding_never_asks_for_less(value: Decimal):
    assert value <= parse_quantity(format_quantity(value, binary=False)) < value + Decimal("0.001")
    assert value <= parse_quantity(format_quantity(value, binary=True)) < value + 1


@given(st.integers(0, 2**62))
def test_short_bytes_never_show_less_and_hardly_more(number: int):
    shown = parse_quantity(short_bytes(Decimal(number)))
    assert number <= shown <= number + max(1, number // 50)


def test_quantities_for_people_are_short():
    assert [short_bytes(Decimal(number)) for number in (0, 1000, 1536 * 2**20, 10**11)] == [
        "0",
        "1000",
        "1.5Gi",
        "93.14Gi",
    ]
    assert [short_cores(Decimal(text)) for text in ("0", "2", "10", "0.25", "1.0001")] == [
        "0",
        "2",
        "10",
        "0.25",
        "1.001",
    ]
