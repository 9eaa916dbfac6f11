"""Fetching one chart, by Helm's own client: from a repository's index, or from an OCI registry."""

import re
from pathlib import Path
from typing import Any

from hakit.charts.remote import Remote
from hakit.charts.source_credentials import of_repository, registry_file
from hakit.errors import HakitError, nearest

#: How many versions a message names.
_SHOWN = 8

_UNREACHABLE = re.compile(
    r"connection refused|no such host|network is unreachable|no route to host|i/o timeout|timeout|deadline exceeded"
    r"|server misbehaving|connection reset|EOF$"
)
_REFUSED = re.compile(r"\b40[13]\b|unauthorized|denied|authentication required|basic credential not found", re.I)
_PLAIN = re.compile(r"server gave HTTP response to HTTPS client")
_CERTIFICATE = re.compile(r"x509:|certificate", re.I)
_ABSENT = re.compile(
    r"not found|\b404\b|manifest unknown|name unknown|could not locate|no matching|improper constraint", re.I
)


def fetch(wanted: Remote, folder: Path, *, plain_http: bool = False) -> Path:
    """Download a chart into an empty folder and return its archive, which nobody has looked at yet.

    Args:
        wanted: the chart; its version may be a range, which Helm resolves.
        folder: where to.
        plain_http: speak HTTP with an OCI registry.

    Raises:
        HakitError: it cannot be had; with what the host has instead, where that is the question.
    """
    import helm_python

    secret = of_repository(wanted) if wanted.repo else None
    try:
        if wanted.repo:
            user, password = secret or (None, None)
            helm_python.pull(
                wanted.chart,
                repo_url=wanted.repo,
                version=wanted.version,
                destination=folder,
                username=user,
                password=password,
            )
        else:
            with _client(plain_http) as client:
                client.pull(wanted.chart, version=wanted.version, destination=folder, plain_http=plain_http)
    except helm_python.HelmError as error:
        raise _told(wanted, _clean(str(error), secret), secret, plain_http=plain_http) from None
    return next(folder.glob("*.tgz"))


def _client(plain_http: bool) -> Any:
    import helm_python

    return helm_python.RegistryClient(plain_http=plain_http, credentials_file=registry_file())


def _clean(message: str, secret: tuple[str, str] | None) -> str:
    """Helm's message in one line, without the password and without queries of addresses, which may be signatures."""
    if secret and secret[1]:
        message = message.replace(secret[1], "[secret]")
    return re.sub(r"(\?)[^\s\"']+", r"\1[...]", " ".join(message.split()))


def _told(wanted: Remote, message: str, secret: tuple[str, str] | None, *, plain_http: bool) -> HakitError:
    where = str(wanted)
    if _PLAIN.search(message):
        return HakitError(
            f"{wanted.host} speaks HTTP, not HTTPS",
            where=where,
            do="give it a certificate; for a registry on a network that you trust, `hakit charts pull --plain-http`",
        )
    if _REFUSED.search(message):
        kept = "with the credentials that are there" if secret else "without other credentials"
        login = (
            f"put `machine {wanted.host.partition(':')[0]} login USER password PASSWORD` into ~/.netrc, or "
            f"`helm repo add NAME {wanted.repo} --username USER --password-stdin`"
            if wanted.repo
            else f"helm registry login {wanted.host}{' --plain-http' if plain_http else ''}; a login may have expired"
        )
        return HakitError(f"{wanted.host} refuses it {kept}", where=where, given=message, do=login)
    if _CERTIFICATE.search(message):
        return HakitError(
            f"the certificate of {wanted.host} is not trusted",
            where=where,
            given=message,
            do="add its authority to the system's, or name it by SSL_CERT_FILE",
        )
    if _UNREACHABLE.search(message):
        return HakitError(
            f"no connection to {wanted.host}",
            where=where,
            given=message,
            do="check the network and HTTPS_PROXY; without a way out, take archives from a folder: "
            "`hakit charts pull --from FOLDER`",
        )
    if _ABSENT.search(message):
        return _absent(wanted, message, secret, plain_http=plain_http)
    return HakitError(f"it cannot be fetched: {message}", where=where)


def _absent(wanted: Remote, message: str, secret: tuple[str, str] | None, *, plain_http: bool) -> HakitError:
    """The repository, the chart or the version is missing: what is there says which."""
    import helm_python

    try:
        if wanted.repo:
            user, password = secret or (None, None)
            entries = helm_python.repo_index(wanted.repo, username=user, password=password).get("entries") or {}
        else:
            with _client(plain_http) as client:
                entries = {wanted.chart: [{"version": tag} for tag in client.tags(wanted.chart)]}
    except helm_python.HelmError:
        if wanted.repo:
            return HakitError(
                "repo: there is no index.yaml",
                where=str(wanted),
                given=message,
                allowed="the address of a folder with index.yaml in it",
                do="take the address that `helm repo add` takes",
            )
        return HakitError("the registry has no such chart", where=str(wanted), given=wanted.chart)
    if wanted.chart not in entries:
        near = nearest(wanted.chart, entries)
        some = sorted(entries)[:_SHOWN]
        return HakitError(
            "the repository has no such chart",
            where=str(wanted),
            given=wanted.chart,
            allowed=", ".join(some) + (f" and {len(entries) - len(some)} more" if len(entries) > len(some) else ""),
            do=f"did you mean {near!r}?" if near else None,
        )
    versions = [str(each.get("version")) for each in entries[wanted.chart]]
    some = ", ".join(versions[:_SHOWN]) + (f" and {len(versions) - _SHOWN} older" if len(versions) > _SHOWN else "")
    near = nearest(wanted.version, versions)
    return HakitError(
        f"there is no such version of {wanted.name}",
        where=str(wanted),
        given=wanted.version,
        allowed=some or "nothing",
        do=f"did you mean {near}?" if near else None,
    )
