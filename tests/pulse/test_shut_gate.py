"""With the gate shut, nothing about a hosted route can be told from an unknown address."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from pulse import hosted_mode, routes, urls
from tests.factories import SYSTEM, make_operator, make_organization, member_token, operator_token, owner_of

UNKNOWN = "/there-is-nothing-here"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
HOSTED = sorted(
    "/" + re.sub(r"<int:\w+>", "7", re.sub(r"<\w+:\w+>", "acme", where))
    for where, pattern in routes.walk(urls.urlpatterns)
    if routes.declaration(pattern.callback) not in (routes.ALWAYS_ON, routes.OPERATIONS)
)
CALLS = {
    "bare": {},
    "garbage authorization": {"headers": {"authorization": "Bearer pulse_\x7f garbage"}},
    "another scheme": {"headers": {"authorization": "Basic YTpi"}},
    "a browser": {"headers": {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}},
    "a picky client": {"headers": {"accept": "image/png"}},
    "somebody's organization": {"headers": {"x-pulse-org-id": "acme"}},
    "an idempotency key": {"headers": {"idempotency-key": "k" * 500}},
    "a huge body": {"data": b"x" * 200_000, "content_type": "application/json"},
    "a body that is not JSON": {"data": b"\xff{", "content_type": "application/json"},
    "a body of another type": {"data": b"a=1", "content_type": "application/x-www-form-urlencoded"},
    "a spoofed proxy": {"headers": {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https"}},
    "a query": {"QUERY_STRING": "page=2&format=api"},
}


@pytest.fixture
def shut(database: None) -> None:
    make_organization("acme")
    hosted_mode.kill(actor=SYSTEM)


def told(answer: HttpResponse) -> tuple[int, bytes, dict[str, str]]:
    """All that the answer tells; its request id is one of its own."""
    headers = {name.lower(): value for name, value in answer.items() if name != "X-Request-ID"}
    return answer.status_code, answer.content, headers


def assert_hidden(client: Client, **call: object) -> None:
    unknown = told(client.generic("GET", UNKNOWN, **call))
    assert unknown[0] == 404
    for method in METHODS:
        unknown = told(client.generic(method, UNKNOWN, **call))
        seen = {path: told(client.generic(method, path, **call)) for path in HOSTED}
        assert {path: answer for path, answer in seen.items() if answer != unknown} == {}


def test_there_are_hosted_routes_to_hide() -> None:
    assert {"/api/public/signup", "/api/admin/orgs", "/api/org", "/edge/check"} <= set(HOSTED)
    assert all("<" not in path for path in HOSTED)


@pytest.mark.usefixtures("shut")
@pytest.mark.parametrize("call", CALLS)
def test_every_hosted_route_answers_as_an_unknown_address(call: str) -> None:
    assert_hidden(Client(), **CALLS[call])


@pytest.mark.usefixtures("shut")
def test_a_member_is_told_no_more() -> None:
    assert_hidden(Client(), headers={"authorization": f"Bearer {member_token('acme')}"})


@pytest.mark.usefixtures("shut")
def test_an_operator_is_told_no_more() -> None:
    assert_hidden(Client(), headers={"authorization": f"Bearer {operator_token('admin')}"})


@pytest.mark.usefixtures("shut")
def test_a_session_is_told_no_more_with_csrf_enforced() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner_of("acme"))
    assert_hidden(client)
    client.force_login(make_operator("admin"))
    assert_hidden(client, headers={"x-csrftoken": "wrong"})


@pytest.mark.usefixtures("shut")
def test_the_setting_hides_as_the_switch_does(settings) -> None:
    hosted_mode.revive(actor=SYSTEM)
    settings.PULSE_HOSTED_MODE = "1"
    assert_hidden(Client())


@pytest.mark.usefixtures("shut")
def test_a_missing_verdict_hides_as_the_switch_does(settings) -> None:
    hosted_mode.revive(actor=SYSTEM)
    settings.PULSE_STAGE = "ga"
    assert_hidden(Client())


@pytest.mark.usefixtures("shut")
def test_plain_http_is_sent_to_https_alike(settings) -> None:
    """A proxy's own question, under `/edge/`, is not sent elsewhere; then nothing under it is."""
    settings.SECURE_SSL_REDIRECT = True
    for path in HOSTED:
        neighbour = path.rpartition("/")[0] + UNKNOWN
        assert Client().get(path).status_code == Client().get(neighbour).status_code
