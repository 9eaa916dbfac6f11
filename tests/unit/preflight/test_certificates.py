"""When a certificate counts as dead or late, and reading its dates: of real certificates, made here."""

import base64
import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hakit.preflight.certificates import Certificate, judge, of_cert_manager, of_secret
from hakit.preflight.x509 import validity

NOW = dt.datetime(2030, 6, 15, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(begins: dt.datetime, ends: dt.datetime, *, names: int = 1) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example.com")])
    others = x509.SubjectAlternativeName([x509.DNSName(f"{number}.example.com") for number in range(names)])
    return (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(others, critical=False)
        .sign(KEY, hashes.SHA256())
    )


def secret(*chain: x509.Certificate, **metadata: Any) -> dict[str, Any]:
    pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
    return {
        "metadata": {"name": "web", "namespace": "shop", **metadata},
        "data": {"tls.crt": base64.b64encode(pem).decode(), "tls.key": base64.b64encode(b"the key").decode()},
    }


@pytest.mark.parametrize(
    "ends",
    [
        dt.datetime(2049, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
        dt.datetime(2050, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2130, 7, 1, tzinfo=dt.UTC),
    ],
)
@pytest.mark.parametrize("names", [1, 20, 4000])
def test_both_dates_are_read_however_they_are_written(ends: dt.datetime, names: int) -> None:
    # From 2050 on a date has four digits for its year; a longer certificate has longer lengths.
    begins = dt.datetime(2026, 2, 28, 1, 2, 3, tzinfo=dt.UTC)
    der = certificate(begins, ends, names=names).public_bytes(serialization.Encoding.DER)
    assert validity(der) == (begins, ends)


def test_what_is_no_certificate_is_refused_wherever_it_is_cut() -> None:
    der = certificate(NOW, NOW + DAY).public_bytes(serialization.Encoding.DER)
    for end in range(len(der)):
        with pytest.raises(ValueError):  # noqa: PT011  each cut fails in its own words
            validity(der[:end])
    with pytest.raises(ValueError, match=r"no X\.509 certificate"):
        validity(b"\x02\x01\x00")


def test_of_a_chain_the_first_certificate_counts() -> None:
    own, authority = certificate(NOW - DAY, NOW + 60 * DAY), certificate(NOW - 90 * DAY, NOW + 5 * DAY)
    read = of_secret(secret(own, authority))
    assert read == Certificate("Secret/web", "shop", NOW - DAY, NOW + 60 * DAY)
    assert "key" not in repr(read), "nothing but dates is kept"


@pytest.mark.parametrize("data", [{}, {"tls.crt": ""}, {"tls.crt": "%%%"}, {"tls.crt": "bm9uZQ=="}, None])
def test_a_secret_without_a_certificate_is_a_finding(data: dict[str, str] | None) -> None:
    read = of_secret({"metadata": {"name": "web", "namespace": "shop"}, "data": data})
    assert read is not None
    assert [(each.code, each.detail) for each in judge(read, NOW)] == [("HK118", "tls.crt is no certificate")]


def found(**given: Any) -> list[tuple[str, str]]:
    made = Certificate("Secret/web", **({"namespace": "shop", "begins": NOW - 60 * DAY} | given))
    return [(each.code, each.message) for each in judge(made, NOW)]


def test_a_dead_one_and_one_of_the_future_are_not_valid_now() -> None:
    assert found(ends=NOW) == [("HK118", "ended 0 h ago")]
    assert found(ends=NOW - 3 * DAY) == [("HK118", "ended 3 days ago")]
    assert found(begins=NOW + DAY, ends=NOW + 90 * DAY) == [("HK118", "begins in 1 day")]


def test_by_hand_it_is_late_below_30_days_or_a_third_of_its_life() -> None:
    assert found(begins=NOW - 360 * DAY, ends=NOW + 30 * DAY) == []
    assert found(begins=NOW - 360 * DAY, ends=NOW + 29 * DAY) == [("HK119", "29 days left")]
    assert found(begins=NOW - 5 * DAY, ends=NOW + 4 * DAY) == [], "a life of nine days: three are a third"
    assert found(begins=NOW - 7 * DAY, ends=NOW + 2 * DAY) == [("HK119", "2 days left")]


def test_one_of_cloudnative_pg_is_late_when_it_should_have_been_renewed() -> None:
    assert found(ends=NOW + 8 * DAY, postgres=True) == [], "it is renewed seven days before its end"
    assert found(ends=NOW + 5 * DAY, postgres=True) == [("HK119", "5 days left")]
    owner = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "orders-g1"}
    read = of_secret(secret(certificate(NOW - DAY, NOW + 8 * DAY), ownerReferences=[owner]))
    assert read is not None
    assert read.postgres


def manager(ready: str = "True", **status: Any) -> Certificate:
    conditions = [{"type": "Ready", "status": ready, "message": "the issuer says no"}]
    times = {
        "notBefore": "2030-05-01T00:00:00Z",
        "notAfter": "2030-07-30T00:00:00Z",
        "renewalTime": "2030-06-30T00:00:00Z",
    }
    metadata = {"name": "web", "namespace": "shop"}
    read = of_cert_manager({"metadata": metadata, "status": {"conditions": conditions, **times, **status}})
    assert read is not None
    return read


def test_one_of_cert_manager_is_late_after_its_own_time_of_renewal() -> None:
    assert list(judge(manager(), NOW)) == []
    assert list(judge(manager(renewalTime="2030-06-14T18:00:00Z"), NOW)) == [], "it may take a while"
    (late,) = judge(manager(renewalTime="2030-06-10T00:00:00Z"), NOW)
    assert (late.code, late.object, late.message) == ("HK119", "Certificate/web", "44 days left")
    assert late.detail == "valid until 2030-07-30 00:00 UTC, was to be renewed on 2030-06-10"


def test_one_that_cert_manager_cannot_make_says_why() -> None:
    (unready,) = judge(manager("False"), NOW)
    assert (unready.code, unready.detail) == ("HK119", "valid until 2030-07-30 00:00 UTC, the issuer says no")
    (never,) = judge(manager("False", notBefore=None, notAfter=None, renewalTime=None), NOW)
    assert (never.code, never.detail) == ("HK118", "the issuer says no")


def test_a_host_that_shows_none_is_a_warning() -> None:
    (silent,) = judge(Certificate("host shop.example.com", problem="timed out"), NOW)
    assert (silent.code, silent.object, silent.detail) == ("HK120", "host shop.example.com", "timed out")
