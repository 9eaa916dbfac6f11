"""How the fence reads S3. The signature is compared with that of Amazon's own library; moto plays no access control."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from hakit.fence import s3

NOW = 1_790_000_000.0


@pytest.mark.parametrize("session", ["", "a-session-token"])
@pytest.mark.parametrize("key", ["shop.json", "witness/shop one+two.json"])
@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("PUT", b'{"orders": {}}')])
def test_a_request_is_signed_as_botocore_signs_it(
    monkeypatch: pytest.MonkeyPatch, session: str, key: str, method: str, body: bytes
) -> None:
    url = s3.url_of("acme-prod-us-west-2-witness", key, "us-west-2")
    keys = s3.Keys("AKIDEXAMPLE", "wJalrXUtnFEMI", session)
    ours = s3.signed(url, "us-west-2", keys, NOW, method=method, body=body)
    request = AWSRequest(method, url, data=body)
    request.context["timestamp"] = ours["x-amz-date"]
    monkeypatch.setattr("botocore.auth.get_current_datetime", _moment)
    S3SigV4Auth(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", session or None), "s3", "us-west-2").add_auth(request)
    assert ours["Authorization"] == request.headers["Authorization"]
    assert ours["x-amz-content-sha256"] == request.headers["X-Amz-Content-SHA256"]
    assert ours.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")


def _moment() -> datetime:
    return datetime.fromtimestamp(NOW, UTC)


class _Amazon(BaseHTTPRequestHandler):
    """STS and the Pod Identity agent, as their documentation shows their answers."""

    asked: list[str] = []  # noqa: RUF012  one server a test

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers.get('Authorization', '')}".strip())
        if self.path.startswith("/?Action=AssumeRoleWithWebIdentity"):
            body = (
                '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                "<AssumeRoleWithWebIdentityResult><Credentials><SessionToken>session</SessionToken>"
                "<SecretAccessKey>secret</SecretAccessKey><Expiration>2026-11-24T10:00:00Z</Expiration>"
                "<AccessKeyId>ASIA</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult>"
                "</AssumeRoleWithWebIdentityResponse>"
            )
        else:
            answer = {"AccessKeyId": "ASIA2", "SecretAccessKey": "s2", "Token": "t2"}
            body = json.dumps({**answer, "Expiration": "2026-11-24T10:00:00Z"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def amazon() -> Iterator[str]:
    _Amazon.asked = []
    with HTTPServer(("127.0.0.1", 0), _Amazon) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


#: 2026-11-24T10:00:00Z, by `date -u -d ... +%s`.
ENDS = 1795514400.0


def test_a_service_account_with_a_role_gets_its_credentials_by_web_identity(amazon: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the-pods-token\n")
    environment = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/acme-fence",
        "AWS_ENDPOINT_URL_STS": amazon,
    }
    assert s3.credentials("us-west-2", NOW, 3, environment) == s3.Keys("ASIA", "secret", "session", ENDS)
    (asked,) = _Amazon.asked
    assert "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Facme-fence" in asked
    assert "WebIdentityToken=the-pods-token" in asked


def test_pod_identity_is_asked_with_the_agents_token(amazon: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the-agents-token")
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{amazon}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
    }
    assert s3.credentials("us-west-2", NOW, 3, environment) == s3.Keys("ASIA2", "s2", "t2", ENDS)
    assert _Amazon.asked == ["/v1/credentials the-agents-token"]


def test_a_pod_without_credentials_says_which_it_looked_for() -> None:
    with pytest.raises(OSError, match="neither AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE nor a Pod Identity"):
        s3.credentials("us-west-2", NOW, 3, {})


def test_credentials_are_renewed_five_minutes_before_they_end() -> None:
    keys = s3.Keys("a", "s", "t", ends=1000)
    assert keys.good(699)
    assert not keys.good(700)
    assert s3.Keys("a", "s").good(10**12), "keys of the environment have no end"
