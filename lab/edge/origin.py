"""A tiny origin, as a process of its own: `python -m lab.edge.origin NAME ADDRESS PORT HOST [UNREADY [CERT KEY]]`.

It says its name to whoever asks for its host name, and 404 to others, so that a wrong Host header shows. `/ready` is
503 while the file UNREADY exists, as a region's is that cannot serve in its role.
"""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def serve(name: str, address: str, port: int, host: str, *more: str) -> None:
    unready = Path(more[0]) if more else None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Host") != host:
                status = 404
            elif self.path == "/old":
                status = 301
            else:
                status = 503 if self.path == "/ready" and unready and unready.exists() else 200
            body = f"{name}\n".encode()
            self.send_response(status)
            if status == 301:
                self.send_header("Location", "/ready")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    if len(more) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(more[1], more[2])
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    given = sys.argv[1:]
    serve(given[0], given[1], int(given[2]), given[3], *given[4:])
