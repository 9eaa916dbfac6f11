"""An S3 that moto plays on the lab's network, for witnesses and archives. It remembers who read which object, and when.

moto knows no right and no encryption, and is never slow. An access key that is not the lab's is refused here, before
moto; a wrong signature under the right one is not.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.server import MotoRequestHandler
from werkzeug.serving import make_server

ACCESS, SECRET = "of", "the lab"
#: The same for whatever reads its keys from the environment.
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}


#: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_UNKNOWN_KEY = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InvalidAccessKeyId</Code>
<Message>The AWS Access Key Id you provided does not exist in our records.</Message></Error>"""


class ObjectStore:
    """One server.

    Attributes:
        endpoint: its URL.
        reads: of each GET the moment, the address that asked, and the path.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.reads: list[tuple[float, str, str]] = []

    def make_bucket(self, name: str) -> None:
        self.client().create_bucket(Bucket=name)

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS,
            aws_secret_access_key=SECRET,
        )


class _Quiet(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's own
        pass


@contextlib.contextmanager
def serving(address: str) -> Iterator[ObjectStore]:
    """A server at an address of this machine, until the block ends."""
    moto = DomainDispatcherApplication(create_backend_app)

    def remembering(environ: dict[str, Any], start: Any) -> Any:
        signed = environ.get("HTTP_AUTHORIZATION", "")
        if "Credential=" in signed and f"Credential={ACCESS}/" not in signed:
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [_UNKNOWN_KEY]
        if environ["REQUEST_METHOD"] == "GET":
            store.reads.append((time.monotonic(), environ["REMOTE_ADDR"], environ["PATH_INFO"]))
        return moto(environ, start)

    server = make_server(address, 0, remembering, threaded=True, request_handler=_Quiet)
    store = ObjectStore(f"http://{address}:{server.port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
