"""A real Prometheus on a loopback port, with what a test has it scrape or remember."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

from tests.processes import free_port, running, wait_for

HALF_HOUR = 1800
EXAMPLES = settings.BASE_DIR / "docs" / "monitoring"


def example(name: str, changes: Mapping[str, str]) -> str:
    """The documentation's example, with the changes in it."""
    text = (EXAMPLES / name).read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def remember(home: Path, totals: Mapping[str, float], *, days: int) -> None:
    """Backfill counters that came evenly to their totals over the days until now."""
    now = int(time.time())
    # Two minutes into the future: nobody asks at this very second.
    instants = range(now - days * 86_400, now + 120, HALF_HOUR)
    lines = [
        f"{name.replace(', ', ',')} {10_000 + total * number / (len(instants) - 1)} {instant}"
        for name, total in totals.items()
        for number, instant in enumerate(instants)
    ]
    recorded = home / "recorded.txt"
    recorded.write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=240h",
         str(recorded), str(home / "data")],
        check=True, capture_output=True,
    )  # fmt: skip


@contextmanager
def prometheus(home: Path, configuration: str = "") -> Iterator[str]:
    """Its base URL; `home` may have been backfilled before."""
    port = free_port()
    file = home / "prometheus.yml"
    file.write_text(configuration)
    argv = [
        "prometheus", f"--config.file={file}", f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    base, log = f"http://127.0.0.1:{port}", home / "prometheus.log"
    with running(argv, env=os.environ, log=log):
        wait_for(lambda: requests.get(f"{base}/-/ready", timeout=2).ok, what="Prometheus", log=log)
        yield base


def ask(base: str, expression: str) -> list[float]:
    """The values of all samples that the expression has now."""
    answer = requests.get(f"{base}/api/v1/query", params={"query": expression}, timeout=5)
    answer.raise_for_status()
    return [float(sample["value"][1]) for sample in answer.json()["data"]["result"]]


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def pulse_in_this_process() -> Iterator[str]:
    """Pulse behind HTTP in a thread, with the counters of this process: its host and port."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=QuietHandler)

    def serve() -> None:
        server.serve_forever(0.01)
        connections.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
