"""What a region answers to the load balancer, in its network: `python -m tests.lab.programs.region_front ADDRESS PORT`.

`/ready` asks the region's database as PostgREST would, and is 200 where it takes writes; any other path says which row
is the newest there.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg

from hakit.plan import ready
from tests.lab.writing import connect


def _asked(address: str, statement: str, **options: Any) -> str:
    with connect(address, **options) as connection:
        connection.read_only = True
        return str(connection.execute(statement).fetchall()[0][0])


def serve(address: str, port: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                if self.path == "/ready":
                    body = _asked(address, "select hakit.ready()", user=ready.ROLE, sslmode="require")
                else:
                    body = _asked(address, "select coalesce(max(id), 0) from orders")
                status = 200
            except psycopg.Error as error:
                status, body = 503, str(error)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Silent: a client that was cut off is no news."""

    server = Server((address, port), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
