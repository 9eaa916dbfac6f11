"""moto as the AWS of the lab: a server on loopback, started when a resource first needs it, and clients of it."""

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.providers.cloud import CloudError, Object

if TYPE_CHECKING:
    from moto.server import ThreadedMotoServer

#: The account of the reference topology.
ACCOUNT = "111122223333"
DEFAULT_REGION = "us-east-1"


class Session:
    """Clients by service and region. moto and boto3 take two seconds to import: neither loads before its first use.

    Args:
        file: where to write the server's address once it runs, for tests that ask it themselves.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._server: ThreadedMotoServer | None = None
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def endpoint(self) -> str:
        """Where the server listens; it starts when it does not run yet."""
        with self._lock:
            if self._server is None:
                self._server = _started()
                if self._file:
                    self._file.write_text(self._address(), encoding="utf-8")
        return self._address()

    def _address(self) -> str:
        assert self._server is not None  # noqa: S101
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def client(self, service: str, region: str) -> Any:
        endpoint = self.endpoint
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = client(endpoint, service, region)
            return self._clients[service, region]

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()


def client(endpoint: str, service: str, region: str) -> Any:
    """A boto3 client of the lab's AWS, with credentials that are none and no look at the user's own configuration."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="lab",
        aws_secret_access_key="lab",  # noqa: S106  moto asks for none
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, proxies={}, read_timeout=20),
    )


def _started() -> "ThreadedMotoServer":
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
    # Policies that AWS manages (arn:aws:iam::aws:policy/...), for roles that attach one.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from moto import backends
    from moto.server import ThreadedMotoServer

    # Imported by the server's threads, each at its first request, two of them can wait for each other: a 500.
    for service in ("iam", "kms", "s3", "sts", "route53"):
        backends.get_backend(service)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return server


def region_of(inputs: Object, settings: Object) -> str:
    """A resource's own `region` (pulumi-aws 7), or the provider's."""
    return inputs.get("region") or settings.get("region") or DEFAULT_REGION


def refused(error: Any) -> CloudError:
    """What the API said, as a provider passes it on."""
    return CloudError(
        f"{error.operation_name}: {error.response['Error']['Code']}: {error.response['Error']['Message']}"
    )


def is_gone(error: Any) -> bool:
    """Whether an answer of the API means that there is no such thing."""
    code = error.response["Error"]["Code"]
    return "NoSuch" in code or "NotFound" in code or code == "404"
