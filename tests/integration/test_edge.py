"""A product behind nginx gets Pulse's gate, and learns who asks in headers that nobody can forge."""

import http.client
import json
import socket
import ssl
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connections

from billing import subscriptions
from pulse import hosted_mode
from tenants import lifecycle, tokens
from tests import needs, snapshots
from tests.factories import SYSTEM, make_organization, member_token, owner_of
from tests.integration.edge import Edge, edge
from tests.processes import free_port, wait_for, web_server

pytestmark = needs.nginx

TRUSTED = {"PULSE_TRUSTED_PROXIES": "127.0.0.1", "PULSE_ALLOWED_HOSTS": "pulse.example.com,127.0.0.1"}
PROBLEM = "application/problem+json"


# Requests an hour, for each test's own organization: more than any but one of them sends.
RATE = 20


@pytest.fixture(scope="module")
def home(snapshot: snapshots.Snapshot, django_db_blocker, tmp_path_factory) -> Iterator[Path]:
    """Pulse's home for all tests of this file, because a server of each test's own takes seconds."""
    home = tmp_path_factory.mktemp("home")
    (home / "data").mkdir()
    with django_db_blocker.unblock():
        try:
            yield home
        finally:
            connections.close_all()
            snapshot.restore()


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[Edge]:
    ours = TRUSTED | {"PULSE_DATA_DIR": str(home / "data"), "PULSE_TENANT_RATE": f"{RATE}/hour"}
    with web_server(home, workers=1, **ours) as pulse, edge(home / "edge", pulse) as product:
        yield product


@pytest.fixture
def token(home: Path, settings) -> str:
    """A token of the owner of `acme…`, an organization of the test's own."""
    settings.PULSE_DATA_DIR = home / "data"
    return member_token(make_organization(f"acme-{uuid.uuid4().hex[:8]}").id)


@pytest.fixture
def acme(token: str) -> str:
    """The token's organization."""
    return tokens.recognise(token).organization_id


@pytest.fixture
def product(shared: Edge) -> Edge:
    shared.product_log.write_text("")
    return shared


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


def refusal(response: requests.Response) -> tuple[int, str, str]:
    return response.status_code, response.headers["Content-Type"], response.json()["code"]


def test_a_member_is_let_through_and_the_product_is_told_who_asks(product: Edge, acme: str, token: str):
    sent = b"x" * 2_000_000
    answer = product.ask("/things?page=2", method="POST", headers=bearer(token), data=sent)

    got = answer.json()
    told = {name: value for name, value in got["headers"] if name.startswith("X-Pulse")}
    assert (answer.status_code, got["method"], got["path"]) == (200, "POST", "/things?page=2")
    assert got["body_bytes"] == len(sent)
    assert told == {"X-Pulse-Org-ID": acme, "X-Pulse-User": str(owner_of(acme).public_id)}


def test_the_products_own_refusal_is_not_touched(product: Edge, token: str):
    answer = product.ask("/forbidden", headers=bearer(token))

    assert (answer.status_code, answer.json()["path"]) == (403, "/forbidden")


def test_nobody_is_asked_to_sign_in(product: Edge):
    answer = product.ask("/")

    assert refusal(answer) == (401, PROBLEM, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert product.came_through() == []


def test_state_and_subscription_refuse_in_pulses_own_words(product: Edge, acme: str, token: str):
    lifecycle.suspend(acme, actor=SYSTEM)
    suspended = product.ask("/", method="DELETE", headers=bearer(token))
    lifecycle.unsuspend(acme, actor=SYSTEM)
    subscriptions.set_state(acme, state="expired", actor=SYSTEM)
    expired = product.ask("/", headers=bearer(token))
    lifecycle.soft_delete(acme, actor=SYSTEM)
    pending = product.ask("/", headers=bearer(token))

    assert refusal(suspended) == (403, PROBLEM, "org_suspended")
    assert refusal(expired) == (402, PROBLEM, "subscription_required")
    assert refusal(pending) == (403, PROBLEM, "org_pending_deletion")
    assert pending.json()["purge_after"]
    assert product.came_through() == []


def test_a_person_in_a_browser_gets_a_page(product: Edge, acme: str, token: str):
    lifecycle.suspend(acme, actor=SYSTEM)

    answer = product.ask("/", headers=bearer(token, Accept="text/html"))

    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert "403 org_suspended" in answer.text


def test_a_large_upload_is_refused_for_its_reason_and_not_for_its_size(product: Edge, acme: str, token: str):
    lifecycle.suspend(acme, actor=SYSTEM)

    answer = product.ask("/", method="POST", headers=bearer(token), data=b"x" * 2_000_000)

    assert refusal(answer) == (403, PROBLEM, "org_suspended")


def test_the_rate_limit_tells_when_to_come_back(product: Edge, acme: str, token: str):
    *passed, limited = [product.ask("/", headers=bearer(token)) for _ in range(RATE + 1)]

    assert [answer.status_code for answer in passed] == [200] * RATE
    assert refusal(limited) == (429, PROBLEM, "tenant_rate_limit_exceeded")
    assert 0 < int(limited.headers["Retry-After"]) <= 3600
    assert limited.headers["X-RateLimit-Limit"] == str(RATE)
    assert limited.headers["X-RateLimit-Remaining"] == "0"
    assert limited.headers["X-Pulse-Org-ID"] == acme
    assert len(product.came_through()) == RATE


def test_a_shut_gate_hides_the_product(product: Edge, token: str):
    hosted_mode.kill(actor=SYSTEM)
    answer = product.ask("/", headers=bearer(token))
    hosted_mode.revive(actor=SYSTEM)

    assert refusal(answer) == (404, PROBLEM, "not_found")
    assert product.came_through() == []


def test_nothing_passes_while_pulse_is_down(tmp_path: Path):
    with edge(tmp_path / "edge", f"http://127.0.0.1:{free_port()}") as product:
        answer = product.ask("/")

        assert refusal(answer) == (503, PROBLEM, "unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert product.came_through() == []


def test_nothing_passes_while_pulse_does_not_answer(tmp_path: Path):
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        edge(tmp_path / "edge", f"http://127.0.0.1:{silent.getsockname()[1]}") as product,
    ):
        assert refusal(product.ask("/")) == (503, PROBLEM, "unavailable")
        assert product.came_through() == []


FORGED = [
    ("X-Pulse-User", "00000000-0000-0000-0000-000000000000"),
    ("x-pulse-user", "forged"),
    ("X-PULSE-USER", "forged"),
    ("X_Pulse_User", "forged"),
    ("X_PULSE_ORG_ID", "forged"),
    ("X-Pulse_User", "forged"),
    ("HTTP_X_PULSE_USER", "forged"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("Forwarded", "for=203.0.113.9"),
]


def test_what_the_product_is_told_cannot_be_forged(product: Edge, acme: str, token: str):
    """Every spelling at once, on a raw connection, because a client's library would tidy them."""
    sent = [*FORGED, ("X-Pulse-Org-ID", acme), ("Authorization", f"Bearer {token}")]

    answer = raw_request(product, sent)

    headers = answer["headers"]
    told = [(name, value) for name, value in headers if "pulse" in name.lower().replace("_", "-")]
    assert sorted(told) == [("X-Pulse-Org-ID", acme), ("X-Pulse-User", str(owner_of(acme).public_id))]
    assert not {"forged", "203.0.113.9", "for=203.0.113.9"} & {value for _, value in headers}
    assert not [name for name, _ in headers if name.lower() == "authorization"]


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("theme=dark; sessionid=secret; page=2", ["theme=dark; page=2"]),
        ("sessionid=secret", []),
        ("sessionid=; sessionid=secret; theme=dark", []),
        ("theme=dark; notsessionid=1", ["theme=dark; notsessionid=1"]),
    ],
)
def test_the_product_gets_no_session(product: Edge, token: str, sent: str, seen: list[str]):
    headers = product.ask("/", headers=bearer(token, Cookie=sent)).json()["headers"]

    assert [value for name, value in headers if name == "Cookie"] == seen


@pytest.mark.parametrize(
    "asked", [["{other}"], ["{own}", "{other}"], ["{other}", "{own}"], ["{own}, {other}"]]
)
def test_another_organization_cannot_be_asked_for(product: Edge, acme: str, token: str, asked: list[str]):
    other = make_organization(f"other-{acme}").id
    ids = [one.format(own=acme, other=other) for one in asked]

    answer = raw_request(
        product, [("Authorization", f"Bearer {token}"), *(("X-Pulse-Org-ID", one) for one in ids)]
    )

    assert answer["code"] == "access_denied"
    assert product.came_through() == []


def test_the_asking_locations_are_nginxs_own(product: Edge, token: str):
    inside = [product.ask(path, headers=bearer(token)) for path in ("/_pulse/check", "/_pulse/refusal")]

    assert [answer.status_code for answer in inside] == [404, 404]


def test_the_refusals_address_never_lets_through(product: Edge, token: str):
    answer = product.ask("/edge/refusal", host="pulse.example.com", headers=bearer(token))

    assert refusal(answer) == (503, PROBLEM, "state_changed")


def test_a_forged_address_brings_no_more_sign_ups(product: Edge):
    answers = [
        product.ask(
            "/api/public/signup",
            method="POST",
            host="pulse.example.com",
            json={"email": f"one{number}@example.com", "org_name": "One Ltd"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
        for number in range(6)
    ]

    assert [answer.status_code for answer in answers] == [202] * 5 + [429]


def test_pulse_itself_is_reached_without_its_metrics(product: Edge):
    alive = product.ask("/healthz", host="pulse.example.com")
    metrics = product.ask("/metrics", host="pulse.example.com")

    assert (alive.status_code, metrics.status_code) == (200, 404)


def test_the_access_log_lets_nobody_in_by_a_mailed_link(product: Edge):
    secret = "d1u9w2-0f5ab1cc7e6a1c4f8d2b9e3a7c5d1e60"
    links = [f"/account/password/reset/key/3-{secret}/", f"/account/confirm-email/{secret}/",
             f"/invitation/{secret}", f"//signup/{secret}"]  # fmt: skip
    for link in links:
        product.ask(link, host="pulse.example.com", headers={"Referer": f"https://pulse.example.com{link}"})

    wait_for(lambda: product.access_log.read_text().count("[secret]") == len(links), what="the access log")
    assert secret not in product.access_log.read_text()


def test_a_batch_of_checks_is_not_too_large_for_nginx(product: Edge, token: str):
    check = {"user": str(uuid.uuid4()), "action": "read", "resource": "nodes:" + "x" * 100}

    answer = product.ask(
        "/api/org/check",
        method="POST",
        host="pulse.example.com",
        headers=bearer(token),
        json={"checks": [check] * 1000},
    )

    assert (answer.status_code, len(answer.json()["results"])) == (200, 1000)


def raw_request(product: Edge, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """What the product says that it got, or the refusal."""
    trusting = ssl.create_default_context(cafile=str(product.certificate))
    connection = http.client.HTTPSConnection(product.address.removeprefix("https://"), context=trusting)
    connection.putrequest("GET", "/", skip_host=True)
    for name, value in [("Host", "app.example.com"), *headers]:
        connection.putheader(name, value)
    connection.endheaders()
    with connection.getresponse() as answer:
        return json.loads(answer.read())
