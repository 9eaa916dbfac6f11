"""The two dates of a certificate. Python's ssl has them only of certificates that it trusts, which a dead one is not.

https://datatracker.ietf.org/doc/html/rfc5280#section-4.1: a certificate is DER, its first part holds, in this order, a
version that may be left out, serial number, algorithm, issuer, and the validity: two times.
"""

import datetime as dt

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


def validity(der: bytes) -> tuple[dt.datetime, dt.datetime]:
    """The first and the last moment at which a certificate is valid.

    Raises:
        ValueError: it is no certificate.
    """
    certificate, _ = _part(der, 0, _SEQUENCE)
    signed, _ = _part(certificate, 0, _SEQUENCE)
    at = 0
    if signed[:1] == bytes([_VERSION]):
        _, at = _part(signed, at)
    for _ in ("serial number", "algorithm", "issuer"):
        _, at = _part(signed, at)
    times, _ = _part(signed, at, _SEQUENCE)
    begins, at = _time(times, 0)
    ends, _ = _time(times, at)
    return begins, ends


def _part(der: bytes, at: int, tag: int | None = None) -> tuple[bytes, int]:
    """What one element holds, and where the next one begins."""
    if len(der) < at + 2 or (tag is not None and der[at] != tag):
        raise ValueError("no X.509 certificate")
    length, start = der[at + 1], at + 2
    if length & 0x80:
        width = length & 0x7F
        length, start = int.from_bytes(der[start : start + width], "big"), start + width
    if len(der) < start + length:
        raise ValueError("a certificate that is cut off")
    return der[start : start + length], start + length


def _time(der: bytes, at: int) -> tuple[dt.datetime, int]:
    content, after = _part(der, at)
    text = content.decode("ascii")
    if der[at] == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text  # RFC 5280, 4.1.2.5.1
    elif der[at] != _GENERALIZED_TIME:
        raise ValueError("no time where a certificate has one")
    return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC), after
