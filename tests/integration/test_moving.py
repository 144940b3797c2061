"""The guide's move of a running installation from SQLite to PostgreSQL and Redis, and who notices: nobody."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis

from tests import needs
from tests.integration.serving import Installation, Serving, serve
from tests.integration.test_redis import redis_on, redis_server
from tests.processes import bearer, free_port
from tests.runbooks.moving.targets import Target
from tests.runbooks.moving.targets import migrated as migrated
from tests.runbooks.moving.targets import target as target

pytestmark = [pytest.mark.drill, needs.postgresql, redis_server]


def printed(ours: Installation, *arguments: str, **changes: str) -> Any:
    done = ours.manage(*arguments, "--json", **changes)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def sign_in(running: Serving) -> requests.Session:
    """The browser of the first operator, by the password that the first start has printed."""
    browser = requests.Session()
    page = browser.get(running.base + "/admin/", timeout=10)
    answer = {
        "login": "operator@localhost",
        "password": re.search(r"once: (\S+)", running.log.read_text())[1],
        "csrfmiddlewaretoken": re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1],
    }
    assert browser.post(page.url, answer, timeout=10).ok
    return browser


def roles(running: Serving, token: str) -> tuple[int, str]:
    reply = requests.get(f"{running.base}/api/org/roles", **bearer(token))
    return reply.status_code, reply.json().get("code", "")


def is_signed_in(running: Serving, browser: requests.Session) -> bool:
    return browser.get(running.base + "/admin/", timeout=10, allow_redirects=False).status_code == 200


def test_nobody_has_to_sign_in_again(tmp_path: Path, target: Target) -> None:
    home = tmp_path / "installation"
    home.mkdir()
    ours = Installation(home, f"sqlite:///{home / 'data' / 'pulse.db'}")
    with serve(ours) as running:
        printed(ours, "provision", "--email", "ann@acme.example", "--name", "Acme Ltd", "--id", "acme")
        token = printed(ours, "create_token", "--organization", "acme", "--user", "ann@acme.example")["token"]
        browser = sign_in(running)
        assert is_signed_in(running, browser)
        rehearsed = printed(ours, "move_to_postgres", "--to", target.url, "--dry-run")
        refused = ours.manage("move_to_postgres", "--to", target.url, "--yes", "--json")
        assert roles(running, token) == (200, "")
    assert (rehearsed["moved"], json.loads(refused.stdout)["code"]) == (False, "pulse_is_running")
    assert printed(ours, "move_to_postgres", "--to", target.url, "--yes")["moved"]

    ours.database_url = target.url
    port = free_port()
    with redis_on(port, tmp_path), serve(ours, REDIS_URL=f"redis://127.0.0.1:{port}/0") as running:
        assert is_signed_in(running, browser)
        assert roles(running, token) == (200, "")
        printed(ours, "suspend", "acme", "--reason", "unpaid")
        assert roles(running, token) == (403, "org_suspended")
        assert requests.get(running.base + "/readyz", timeout=10).ok
        with Redis(port=port) as redis:
            assert redis.dbsize() > 0
    assert printed(ours, "audit", "verify")["whole"]
    assert printed(ours, "evidence", "verify")["whole"]
