"""Kubernetes quantities: `100m`, `1.5`, `2Gi`, `1e3`.

Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import ROUND_CEILING, Decimal

from hakit.errors import HakitError

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_PATTERN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE]([+-]?\d{1,2}))?", re.ASCII)


def parse_quantity(given: object, where: str | None = None) -> Decimal:
    """The number that a quantity stands for, exactly: cores or bytes.

    Raises:
        HakitError: it is none; `where` names the field in the message.
    """
    match = None
    if isinstance(given, str | int | float | Decimal) and not isinstance(given, bool):
        match = _PATTERN.fullmatch(str(given))
    if match is None:
        raise HakitError(
            "not a Kubernetes quantity",
            where=where,
            given=repr(given),
            allowed='a number with or without a suffix: n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, or "1e3"',
        )
    number, suffix, exponent = match.groups()
    if suffix in _BINARY:
        return Decimal(number) * _BINARY[suffix]
    return Decimal(number).scaleb(int(exponent) if exponent else _DECIMAL[suffix or ""])


def format_quantity(value: Decimal, *, binary: bool) -> str:
    """The value as Kubernetes writes it, rounded up to thousandths: `1500m`, `2`; with `binary`, `1536Mi`.

    Fractions of a byte are rounded up: nobody can ask for one.
    """
    if binary:
        whole = int(value.to_integral_value(ROUND_CEILING))
        for suffix, size in reversed(_BINARY.items()):
            if whole and whole % size == 0:
                return f"{whole // size}{suffix}"
        return str(whole)
    thousandths = int(value.scaleb(3).to_integral_value(ROUND_CEILING))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def short_bytes(value: Decimal) -> str:
    """Bytes for people: `1.5Gi`, rounded up to hundredths of the largest fitting unit."""
    for suffix, size in reversed(_BINARY.items()):
        if abs(value) >= size:
            scaled = (value / size).quantize(Decimal("0.01"), ROUND_CEILING).normalize()
            return f"{scaled:f}{suffix}"
    return format_quantity(value, binary=True)


def short_cores(value: Decimal) -> str:
    """Cores for people: `1.5`, `0.25`; rounded up to thousandths."""
    return f"{value.quantize(Decimal('0.001'), ROUND_CEILING).normalize():f}"
