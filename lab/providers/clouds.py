"""Both clouds in one process: `python -m lab.providers.clouds FOLDER` prints where each listens and serves.

FOLDER has the store, `cloud.sqlite`, and once moto runs its address, `aws-endpoint`. moto's own state is in this
process, so both clouds last as long as it does.
"""

import json
import sys
from pathlib import Path

from lab.providers.aws import Aws
from lab.providers.aws_session import Session
from lab.providers.cloudflare import Cloudflare
from lab.providers.frame import listen, while_the_parent_lives
from lab.providers.store import Store

STORE, ENDPOINT = "cloud.sqlite", "aws-endpoint"


def serve(folder: Path) -> None:
    store, session = Store(folder / STORE), Session(folder / ENDPOINT)
    servers = {provider.package: listen(provider) for provider in (Aws(store, session), Cloudflare(store))}
    print(json.dumps({package: port for package, (_, port) in servers.items()}), flush=True)
    while_the_parent_lives()
    for server, _ in servers.values():
        server.stop(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
