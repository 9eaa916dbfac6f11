"""Requests to S3, signed with the credentials that a pod has: IRSA, Pod Identity, or keys in its environment.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import json
import os
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Seconds before their end that credentials are renewed.
_MARGIN = 300.0


@dataclass(frozen=True)
class Keys:
    """Credentials, and the time (seconds since 1970) at which they end; None: never."""

    access: str
    secret: str
    session: str = ""
    ends: float | None = None

    def good(self, now: float) -> bool:
        return self.ends is None or now < self.ends - _MARGIN


def url_of(bucket: str, key: str, region: str, endpoint: str = "") -> str:
    """Where an object is read; `endpoint` is that of an S3 that is not Amazon's."""
    path = urllib.parse.quote(key, safe="/-_.~")
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}/{path}"
    return f"https://{bucket}.s3.{region}.amazonaws.com/{path}"


def signed(  # noqa: PLR0913  each is a fact of the request
    url: str, region: str, keys: Keys, now: float, *, method: str = "GET", body: bytes = b""
) -> dict[str, str]:
    """The headers of a request to `url`."""
    content = hashlib.sha256(body).hexdigest()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    place = urllib.parse.urlsplit(url)
    headers = {"host": place.netloc, "x-amz-content-sha256": content, "x-amz-date": stamp}
    if keys.session:
        headers["x-amz-security-token"] = keys.session
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    request = "\n".join([method, place.path or "/", place.query, *lines, "", names, content])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    signing = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
    authorization = f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**{name: value for name, value in headers.items() if name != "host"}, "Authorization": authorization}


def credentials(region: str, now: float, timeout: float, environment: Mapping[str, str] = os.environ) -> Keys:
    """The pod's credentials, in the order of Amazon's own tools: keys, then a web identity (IRSA), then a container's
    (Pod Identity).

    Raises:
        OSError: there are none, or they could not be had.
    """
    if "AWS_ACCESS_KEY_ID" in environment:
        return Keys(
            environment["AWS_ACCESS_KEY_ID"],
            environment.get("AWS_SECRET_ACCESS_KEY", ""),
            environment.get("AWS_SESSION_TOKEN", ""),
        )
    if "AWS_WEB_IDENTITY_TOKEN_FILE" in environment:
        return _web_identity(region, timeout, environment)
    if "AWS_CONTAINER_CREDENTIALS_FULL_URI" in environment:
        return _container(now, timeout, environment)
    raise OSError("no credentials: neither AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE nor a Pod Identity")


def _web_identity(region: str, timeout: float, environment: Mapping[str, str]) -> Keys:
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html: needs no signature.
    query = urllib.parse.urlencode(
        {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": environment["AWS_ROLE_ARN"],
            "RoleSessionName": "hakit-fence",
            "WebIdentityToken": Path(environment["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text(encoding="utf-8").strip(),
        }
    )
    # The region's own endpoint: the global one lives in a single region.
    base = environment.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.amazonaws.com"
    with urllib.request.urlopen(f"{base}/?{query}", timeout=timeout) as answer:  # noqa: S310  fixed scheme
        found = {
            each.tag.rpartition("}")[2]: each.text or ""
            for each in ET.fromstring(answer.read()).iter()  # noqa: S314  Amazon's answer over TLS
        }
    return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], _seconds(found["Expiration"]))


def _container(now: float, timeout: float, environment: Mapping[str, str]) -> Keys:
    # https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    token = Path(environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_text(encoding="utf-8").strip()
    request = urllib.request.Request(  # noqa: S310  the agent's address, given by the cluster
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": token}
    )
    with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
        found = json.loads(answer.read())
    ends = _seconds(found["Expiration"]) if found.get("Expiration") else now + 900
    return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["Token"], ends)


def _seconds(stamp: str) -> float:
    return float(timegm(time.strptime(stamp.partition(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")))
