"""A product that knows nothing of tenants: it answers every request with what it was sent.

Run as `python tests/integration/product.py PORT`.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Product(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        received = len(self.rfile.read(length))
        headers = [[name, value] for name, value in self.headers.items()]
        said = {"method": self.command, "path": self.path, "body_bytes": received, "headers": headers}
        body = json.dumps(said).encode()
        # A product's own refusals look like this one.
        self.send_response(403 if self.path == "/forbidden" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Each request is written down, so that a test can tell which ones came through."""
        sys.stdout.write(f"{self.command} {self.path}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Product).serve_forever()
