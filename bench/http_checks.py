"""Checks a second through HTTP: gunicorn with one worker and its threads as `serve` starts it, on loopback.

Four clients keep their connections open and wait for each answer. They run in this process, so of two
processors the server has one. Single checks are compared with `/healthz`, which asks no database: all that
the server and Django can do. A batch has 1,000 checks; what it is compared with are single ones.
"""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep

from django.conf import settings
from rich.console import Console
from rich.progress import track

from bench import ground
from bench.results import Result, run
from rbac import assignments
from tenants import context, tokens
from tenants.models import Membership

CLIENTS = 4
BATCH = 1000
ROUNDS, SECONDS = 6, 1.0
READY_WITHIN_SECONDS = 60

CHECK = {"user": "person", "action": "write", "resource": "alerts"}


def measure() -> list[Result]:
    ground.migrate()
    token = token_for_checks()
    with serving() as port, ThreadPoolExecutor(CLIENTS) as pool:
        clients = Clients(pool, port, token)
        healthy, single, batches = rates(clients)
    return [
        Result("single checks a second through HTTP, to bare /healthz", single, healthy, "a second"),
        Result("checks a second through HTTP in batches of 1,000, to single", batches, single, "a second"),
    ]


def token_for_checks() -> str:
    organization = ground.organization("acme")
    with context.organization("acme"):
        assignments.assign("person", roles=["operator"], actor=ground.ACTOR)
    owner = Membership.objects.get(organization=organization, is_owner=True).user
    _, text = tokens.create_for_member(owner, organization, actor=ground.ACTOR, scopes=["check"])
    return text


@contextmanager
def serving() -> Iterator[int]:
    """The port of a server that is up."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "gunicorn", "pulse.wsgi:application",
        "--bind", f"127.0.0.1:{port}",
        "--workers", "1",
        "--worker-class", "gthread",
        "--threads", str(settings.PULSE_THREADS),
        "--config", "python:pulse.gunicorn",
    ]  # fmt: skip
    metrics = ground.DATA / "metrics"
    metrics.mkdir()
    server = subprocess.Popen(command, env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)})
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield port
    finally:
        server.terminate()
        server.wait()


def wait_for(address: str) -> None:
    deadline = monotonic() + READY_WITHIN_SECONDS
    while monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            sleep(0.1)
    raise SystemExit(f"{address} does not answer")


class Clients:
    def __init__(self, pool: ThreadPoolExecutor, port: int, token: str) -> None:
        self.pool = pool
        self.connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(CLIENTS)]
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def healthy(self) -> float:
        return self.requests_a_second("GET", "/healthz", b"", b'"ok"')

    def single(self) -> float:
        return self.requests_a_second("POST", "/api/org/check", json.dumps(CHECK).encode(), b'"allowed":true')

    def batches(self) -> float:
        body = json.dumps({"checks": [CHECK] * BATCH}).encode()
        return BATCH * self.requests_a_second("POST", "/api/org/check", body, b'"allowed":true')

    def requests_a_second(self, method: str, path: str, body: bytes, expected: bytes) -> float:
        began = monotonic()

        def ask(connection: http.client.HTTPConnection) -> int:
            asked = 0
            while monotonic() - began < SECONDS:
                connection.request(method, path, body=body, headers=self.headers)
                answer = connection.getresponse().read()
                if expected not in answer:
                    raise AssertionError(answer)
                asked += 1
            return asked

        total = sum(self.pool.map(ask, self.connections))
        return total / (monotonic() - began)


def rates(clients: Clients) -> list[float]:
    """The median of each kind's rounds, which alternate."""
    kinds = (clients.healthy, clients.single, clients.batches)
    found: list[list[float]] = [[] for _ in kinds]
    for _ in track(range(ROUNDS), "checks through HTTP", console=Console(stderr=True), transient=True):
        for values, kind in zip(found, kinds, strict=True):
            values.append(kind())
    return [statistics.median(values) for values in found]


if __name__ == "__main__":
    run(measure)
