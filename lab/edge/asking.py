"""One real request to an origin, as Cloudflare makes it: to the address that a host name stands for, with the right
Host header and server name, in time that runs faster than the clock."""

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: What a host name stands for: an address, and the port that is used where Cloudflare would take 80 or 443.
Addresses = Mapping[str, tuple[str, int]]

#: load-balancing/troubleshooting/common-error-codes: «we only read the first 10 KB of the response».
_BODY_BYTES = 10 * 1024


class Clock:
    """Simulated seconds: each takes `pace` real ones."""

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self._start = time.monotonic()

    def now(self) -> float:
        return (time.monotonic() - self._start) / self.pace

    def real(self, seconds: float) -> float:
        return seconds * self.pace


@dataclass(frozen=True)
class Request:
    """`host` is the Host header and the server name; `port` 0 is the usual one. `verify` of a TLS connection."""

    scheme: str
    address: str
    port: int
    host: str
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    verify: bool = True


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class UnreachableError(Exception):
    """No reply: `code` is the error that Cloudflare's proxy would show, `reason` its health check's words."""

    def __init__(self, code: int, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.timed_out = timed_out


class Network:
    """The way from Cloudflare to the origins: a table of names, and a certificate authority that is trusted."""

    def __init__(self, addresses: Addresses, authority: str | None = None) -> None:
        self._addresses = addresses
        self._strict = ssl.create_default_context(cafile=authority)
        self._lax = ssl.create_default_context()
        self._lax.check_hostname = False
        self._lax.verify_mode = ssl.CERT_NONE

    def ask(self, request: Request, *, connect: float, read: float) -> Reply:
        """The reply to one request; `connect` and `read` are real seconds.

        Raises:
            UnreachableError: with the codes of support/troubleshooting/http-status-codes/cloudflare-5xx-errors: 521
                refused, 522 no connection in time, 523 no route, 524 no reply in time, 525 and 526 TLS, 520 the rest.
        """
        opened = self.open(request, connect)
        opened.settimeout(read)
        connection = http.client.HTTPConnection(request.host)
        connection.sock = opened
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": request.host, **request.headers, "Connection": "close"}.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read(_BODY_BYTES))
        except TimeoutError as error:
            raise UnreachableError(524, "HTTP timeout occurred", timed_out=True) from error
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(520, f"HTTP invalid response: {error!r}") from error
        finally:
            connection.close()

    def open(self, request: Request, seconds: float) -> socket.socket:
        """A connection, TLS where the scheme says so."""
        if request.address not in self._addresses:
            raise UnreachableError(530, f"DNS unknown host: {request.address}")
        address, usual = self._addresses[request.address]
        try:
            opened = socket.create_connection((address, request.port or usual), timeout=seconds)
        except TimeoutError as error:
            raise UnreachableError(522, "TCP timeout", timed_out=True) from error
        except ConnectionRefusedError as error:
            raise UnreachableError(521, "TCP connection failed") from error
        except OSError as error:
            raise UnreachableError(523, f"no route to host: {error}") from error
        if request.scheme == "http":
            return opened
        try:
            context = self._strict if request.verify else self._lax
            return context.wrap_socket(opened, server_hostname=request.host)
        except ssl.SSLCertVerificationError as error:
            opened.close()
            raise UnreachableError(526, f"TLS untrusted certificate: {error.verify_message}") from error
        except TimeoutError as error:
            opened.close()
            raise UnreachableError(522, "TLS handshake timed out", timed_out=True) from error
        except OSError as error:
            opened.close()
            raise UnreachableError(525, f"TLS handshake failure: {error}") from error


def redirected(request: Request, location: str) -> Request:
    """Where a redirect leads: its own scheme, host and path, or those of the request where it says nothing."""
    parts = urlsplit(location)
    host = parts.hostname or request.host
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    moved = host != request.host or (parts.scheme or request.scheme) != request.scheme
    return Request(
        parts.scheme or request.scheme,
        host if moved else request.address,
        parts.port or (0 if moved else request.port),
        host,
        path,
        request.method,
        request.headers,
        request.verify,
    )
