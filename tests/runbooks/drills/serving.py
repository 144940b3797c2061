"""The server that drills are held on: in a thread of the test's process, so that a test can break a guard."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.utils import timezone

from pulse import jobs
from tenants import provisioning
from tests.factories import SYSTEM


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing."""


class Server(WSGIServer):
    """Beats as a worker and a scheduler would."""

    beaten_at = 0.0

    def service_actions(self) -> None:
        if monotonic() > self.beaten_at + jobs.BEAT_SECONDS:
            self.beaten_at = monotonic()
            beat()


def beat() -> None:
    for role in ("worker", "scheduler"):
        jobs.beat(name=role, role=role, now=timezone.now())


def serve(server: WSGIServer) -> None:
    """One request after another, on the same connections."""
    server.serve_forever(poll_interval=0.01)
    connections.close_all()


@contextmanager
def live(settings) -> Iterator[str]:
    """Ready, with a worker and a scheduler that seem to live; its base URL, at which drills find it."""
    settings.PULSE_HOSTED_MODE = "true"
    beat()
    provisioning.reconcile(actor=SYSTEM)
    server = Server(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    settings.PULSE_DRILL_URL = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()
    try:
        yield settings.PULSE_DRILL_URL
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
