"""One id for each request, the caller's own where it is well-formed."""

import re

import pytest
from django.test import Client

from pulse.models import AuditEvent
from tests.api import Caller
from tests.factories import make_organization


@pytest.mark.parametrize("given", ["a", "abc-123", "A.b_c-9", "x" * 64])
def test_a_well_formed_id_is_kept(client: Client, given: str) -> None:
    assert client.get("/healthz", headers={"x-request-id": given})["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["", "x" * 65, "a b", "a\tb", "a,b", "<script>", "ann@example.com", "é", "id;drop", "id\n"]
)
def test_any_other_is_replaced(client: Client, given: str) -> None:
    answered = client.get("/healthz", headers={"x-request-id": given})["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", answered)


def test_no_two_requests_share_an_id(client: Client) -> None:
    assert client.get("/healthz")["X-Request-ID"] != client.get("/healthz")["X-Request-ID"]


def test_refusals_carry_it_too(client: Client) -> None:
    assert client.get("/nowhere", headers={"x-request-id": "mine"})["X-Request-ID"] == "mine"


def test_an_unknown_host_is_refused_with_an_id(client: Client) -> None:
    assert client.get("/healthz", headers={"host": "evil.example"})["X-Request-ID"]


def test_the_audit_log_keeps_it(operator: Caller) -> None:
    make_organization("acme")
    operator.post("/api/admin/orgs/acme/suspend", x_request_id="mine")
    assert AuditEvent.objects.get(verb="organization.suspend").request_id == "mine"
