"""A tiny origin, as a process of its own: `python -m lab.edge.origin NAME ADDRESS PORT HOSTS FOLDER [CERT KEY]`.

It says its name to whoever asks for one of its host names, which commas part, and 404 to others, so that a wrong Host
header shows. `/ready` is 503 while there is a file `ready` in FOLDER, and so is any other path of one word: as a
region's health path is that cannot serve in its role. It is as many seconds late as the file `late.seconds` says.
"""

import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Silent: a client that was cut off is no news."""


def serve(name: str, address: str, port: int, hosts: str, folder: str, *tls: str) -> None:
    late = Path(folder, "late.seconds")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            word = self.path.strip("/").partition("/")[0]
            if late.is_file():
                time.sleep(float(late.read_text(encoding="utf-8")))
            status = 503 if word and Path(folder, word).is_file() else 200
            if self.headers.get("Host") not in hosts.split(","):
                status = 404
            body = f"{name}\n".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    server = _Server((address, port), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        # The handshake belongs to the connection's own thread: a client that is cut off must not hold up the others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    given = sys.argv[1:]
    serve(given[0], given[1], int(given[2]), *given[3:])
