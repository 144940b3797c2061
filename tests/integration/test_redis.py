"""Limits that two workers share through Redis, and what happens while Redis is gone."""

import os
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from redis import Redis
from redis.exceptions import ConnectionError as NotConnected

from tests import needs
from tests.factories import make_organization, member_token
from tests.processes import bearer, free_port, running, wait_for, web_server

pytestmark = pytest.mark.usefixtures("database")

redis_server = needs.program("redis-server", package="redis-server")


@contextmanager
def redis_on(port: int, home: Path) -> Iterator[None]:
    argv = [
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home),
    ]  # fmt: skip
    with running(argv, env=os.environ, log=home / "redis.log"), Redis(port=port) as client:
        wait_for(lambda: answers(client), what="Redis")
        yield


def answers(client: Redis) -> bool:
    try:
        return client.ping()
    except NotConnected:
        return False


def statuses(base: str, token: str, *, count: int) -> Counter[int]:
    """How often each status was answered, over connections of four clients at once."""

    def ask(_: int) -> int:
        return requests.get(f"{base}/api/org", **bearer(token)).status_code

    with ThreadPoolExecutor(4) as clients:
        return Counter(clients.map(ask, range(count)))


def sign_up(base: str, number: int) -> requests.Response:
    wanted = {"email": f"owner{number}@example.com", "org_name": f"Number {number}"}
    return requests.post(f"{base}/api/public/signup", json=wanted, timeout=10)


@redis_server
def test_two_workers_share_limits_exactly(tmp_path: Path):
    make_organization("acme")
    token = member_token("acme")
    port = free_port()
    shared = {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "PULSE_TENANT_RATE": "30/hour"}

    with redis_on(port, tmp_path), web_server(tmp_path, workers=2, **shared) as base:
        assert statuses(base, token, count=60) == {200: 30, 429: 30}
        assert [sign_up(base, number).status_code for number in range(8)] == [202] * 5 + [429] * 3


@redis_server
def test_while_redis_is_gone_tenants_work_on_and_sign_ups_wait(tmp_path: Path):
    make_organization("acme")
    token = member_token("acme")
    port = free_port()
    shared = {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "PULSE_TENANT_RATE": "3/hour"}

    with web_server(tmp_path, workers=2, **shared) as base:
        with redis_on(port, tmp_path):
            limited = statuses(base, token, count=5)
        gone = statuses(base, token, count=8)
        refused = sign_up(base, 1)
        with redis_on(port, tmp_path):
            back = statuses(base, token, count=5)

    assert limited == back == {200: 3, 429: 2}
    assert gone == {200: 8}
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


def test_a_redis_that_hangs_does_not_hold_tenants(tmp_path: Path):
    make_organization("acme")
    token = member_token("acme")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with web_server(tmp_path, workers=1, REDIS_URL=url) as base:
            assert statuses(base, token, count=4) == {200: 4}
