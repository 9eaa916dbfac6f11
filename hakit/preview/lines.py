"""JSON documents, one a line, over a socket between parent and child."""

import json
import socket
from typing import Any


class Lines:
    """One end of the conversation."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._rest = b""

    def send(self, document: dict[str, Any]) -> None:
        self.connection.sendall(json.dumps(document).encode() + b"\n")

    def receive(self) -> dict[str, Any] | None:
        """The next document, waiting for it; None when the other side has gone."""
        while b"\n" not in self._rest:
            data = self.connection.recv(1 << 16)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def available(self) -> tuple[list[dict[str, Any]], bool]:
        """What has come since, after a selector said so, and whether the other side is still there."""
        try:
            data = self.connection.recv(1 << 20)
        except ConnectionError:
            data = b""
        self._rest += data
        *whole, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in whole], bool(data)
