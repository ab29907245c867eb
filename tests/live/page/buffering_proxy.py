"""A reverse proxy as Home Assistant's ingress was: under a path of its own, whole answers alone."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PREFIX = "/api/hassio_ingress/d34db33f"


@contextmanager
def serve_proxy(port: int) -> Iterator[str]:
    """Give out what is at a port of this machine under PREFIX, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(PREFIX + "/"):
                self.send_error(404)
                return
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
            try:
                link.request("GET", self.path.removeprefix(PREFIX), headers=dict(self.headers))
                response = link.getresponse()
                body = response.read()
            except OSError:
                return
            finally:
                link.close()
            self.send_response(response.status)
            for name in ("Content-Type", "Content-Encoding", "Content-Security-Policy"):
                if response.headers[name]:
                    self.send_header(name, response.headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}/"
    finally:
        server.shutdown()
        server.server_close()
