"""When certificates end: of Secrets, of cert-manager, and of a host that is asked. Only dates are kept.

A Secret of type kubernetes.io/tls holds a private key as well; it is dropped where it is read.
"""

import base64
import binascii
import datetime as dt
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from hakit.findings import Finding
from hakit.observe import Object
from hakit.preflight.x509 import validity

#: CloudNativePG renews the certificates that it makes seven days before their end (90 days is their life), and looks at
#: each reconciliation: https://cloudnative-pg.io/documentation/1.30/certificates/
_POSTGRES = dt.timedelta(days=6)
#: A third of the life, and no more than 30 days: when ACME clients renew, Let's Encrypt's own advice.
#: https://letsencrypt.org/docs/integration-guide/#when-to-renew
_OTHERS = dt.timedelta(days=30)
#: cert-manager tries again for a while when an issuer refuses.
_PATIENCE = dt.timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """What is known of one certificate.

    Attributes:
        title: `Secret/x`, `Certificate/x`, `host x`.
        namespace: empty for a host.
        begins, ends: of its validity; None: it could not be read, as `problem` says.
        renewal: when cert-manager was to renew it.
        postgres: whether CloudNativePG makes and renews it.
        problem: why nothing is known, or what cert-manager says is wrong.
    """

    title: str
    namespace: str = ""
    begins: dt.datetime | None = None
    ends: dt.datetime | None = None
    renewal: dt.datetime | None = None
    postgres: bool = False
    problem: str = ""


def of_secret(secret: Object) -> Certificate | None:
    """The first certificate of a TLS Secret: the one that is shown, before those that signed it."""
    metadata = secret["metadata"]
    owners = metadata.get("ownerReferences") or []
    postgres = any(each.get("kind") == "Cluster" and "cnpg.io" in each.get("apiVersion", "") for each in owners)
    title, namespace = f"Secret/{metadata['name']}", metadata["namespace"]
    try:
        text = base64.b64decode((secret.get("data") or {}).get("tls.crt") or "").decode("ascii")
        begins, ends = validity(ssl.PEM_cert_to_DER_cert(f"{text.partition('-----END')[0]}-----END CERTIFICATE-----\n"))
    except (ValueError, binascii.Error):
        return Certificate(title, namespace, problem="tls.crt is no certificate")
    return Certificate(title, namespace, begins, ends, postgres=postgres)


def of_cert_manager(certificate: Object) -> Certificate | None:
    """A Certificate of cert-manager, by its status."""
    metadata, status = certificate["metadata"], certificate.get("status") or {}
    ready = next((each for each in status.get("conditions") or [] if each.get("type") == "Ready"), {})
    problem = "" if ready.get("status") == "True" else str(ready.get("message") or "cert-manager has not made it")
    begins, ends, renewal = (_moment(status.get(key)) for key in ("notBefore", "notAfter", "renewalTime"))
    return Certificate(f"Certificate/{metadata['name']}", metadata["namespace"], begins, ends, renewal, problem=problem)


def of_host(host: str, seconds: float) -> Certificate:
    """What a host shows to whoever connects; `host` may end in `:port`."""
    name, _, port = host.partition(":")
    # Dates are wanted of a certificate that nobody trusts any more, too. Nothing is sent over this connection.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    title = f"host {host}"
    try:
        with (
            socket.create_connection((name, int(port or 443)), timeout=seconds) as connection,
            context.wrap_socket(connection, server_hostname=name) as tls,
        ):
            begins, ends = validity(tls.getpeercert(binary_form=True) or b"")
    except (OSError, ValueError) as error:
        return Certificate(title, problem=str(error) or type(error).__name__)
    return Certificate(title, begins=begins, ends=ends)


def judge(certificate: Certificate, now: dt.datetime) -> Iterator[Finding]:
    """What is wrong with one certificate at a moment."""
    begins, ends, title = certificate.begins, certificate.ends, certificate.title
    where = f"namespace {certificate.namespace}" if certificate.namespace else ""
    if begins is None or ends is None:
        code = "HK118" if certificate.namespace else "HK120"
        yield Finding(code, title, "", "no certificate is there", where, certificate.problem)
    elif ends <= now:
        yield Finding("HK118", title, "", f"ended {_days(now - ends)} ago", where, _until(ends))
    elif begins > now:
        yield Finding("HK118", title, "", f"begins in {_days(begins - now)}", where, f"on {begins:%Y-%m-%d}")
    elif certificate.renewal is not None:
        if certificate.problem or now > certificate.renewal + _PATIENCE:
            late = f"was to be renewed on {certificate.renewal:%Y-%m-%d}"
            detail = f"{_until(ends)}, {certificate.problem or late}"
            yield Finding("HK119", title, "", f"{_days(ends - now)} left", where, detail)
    else:
        least = _POSTGRES if certificate.postgres else min(_OTHERS, (ends - begins) / 3)
        if ends - now < least:
            yield Finding("HK119", title, "", f"{_days(ends - now)} left", where, _until(ends))


def _until(ends: dt.datetime) -> str:
    return f"valid until {ends:%Y-%m-%d %H:%M} UTC"


def _days(span: dt.timedelta) -> str:
    days = span.days
    return f"{days} day{'' if days == 1 else 's'}" if days else f"{span.seconds // 3600} h"


def _moment(stamp: object) -> dt.datetime | None:
    return dt.datetime.fromisoformat(stamp) if isinstance(stamp, str) and stamp else None
