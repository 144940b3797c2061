"""Checkout, the portal and the reconciliation, against stripe-mock over HTTP."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from billing import overrides, plans, subscriptions
from billing.models import Source, Subscription
from tests import needs
from tests.api import Caller, code
from tests.factories import SYSTEM, make_member, make_organization, member_token

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def owner(database: None) -> Caller:
    plans.publish("team", actor=SYSTEM, capabilities=["api"], limits={}, meters=[], price_ids=["price_team"])
    make_organization("acme")
    return Caller(Client(), member_token("acme"))


def backed_by_stripe(**changes: Any) -> None:
    fields = {"source": Source.STRIPE, "stripe_customer": "cus_1", "stripe_subscription": "sub_1"} | changes
    Subscription.objects.filter(organization="acme").update(**fields)


@needs.stripe_mock
@pytest.mark.usefixtures("stripe")
def test_an_owner_gets_a_link_to_checkout(owner: Caller) -> None:
    answer = owner.post("/api/org/billing/checkout", {"plan": "team"})
    assert answer.status_code == 200
    assert isinstance(answer.json()["url"], str)


@needs.stripe_mock
@pytest.mark.usefixtures("stripe")
def test_whoever_has_expired_can_still_pay(owner: Caller) -> None:
    overrides.put("acme", {"subscription_state": "expired"}, actor=SYSTEM, reason="x")
    assert code(owner.get("/api/org")) == (402, "subscription_required")
    assert owner.post("/api/org/billing/checkout", {"plan": "team"}).status_code == 200


@needs.stripe_mock
@pytest.mark.usefixtures("stripe")
def test_the_portal_needs_a_customer(owner: Caller) -> None:
    assert code(owner.post("/api/org/billing/portal")) == (409, "no_stripe_customer")
    backed_by_stripe()
    assert owner.post("/api/org/billing/portal").json()["url"].startswith("https://")


@pytest.mark.usefixtures("owner")
def test_a_member_without_write_on_billing_gets_no_link() -> None:
    viewer = Caller(Client(), member_token("acme", make_member("acme", roles=["viewer"])))
    assert code(viewer.post("/api/org/billing/checkout", {"plan": "team"})) == (403, "permission_denied")


def test_a_plan_without_a_price_or_unknown_is_refused(owner: Caller) -> None:
    assert code(owner.post("/api/org/billing/checkout", {"plan": "business"})) == (400, "unknown_plan")
    assert code(owner.post("/api/org/billing/checkout", {"plan": "gold"})) == (400, "unknown_plan")


def test_without_a_key_it_says_that_billing_is_manual(owner: Caller) -> None:
    assert code(owner.post("/api/org/billing/checkout", {"plan": "team"})) == (409, "stripe_not_configured")


def test_what_stripe_manages_is_not_set_by_hand(owner: Caller) -> None:
    from pulse.problems import Problem

    backed_by_stripe()
    with pytest.raises(Problem) as refusal:
        subscriptions.set_state("acme", state="active", actor=SYSTEM)
    assert refusal.value.code == "managed_by_stripe"


def reconcile(*arguments: str, exits: int) -> list[dict[str, Any]]:
    out = StringIO()
    try:
        call_command("billing", "reconcile", *arguments, "--json", stdout=out)
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == exits
    return json.loads(out.getvalue())


@needs.stripe_mock
@pytest.mark.usefixtures("stripe", "owner")
def test_drift_is_reported_field_by_field_and_fixed_when_asked() -> None:
    backed_by_stripe(state="grace")
    found = {row["field"] for row in reconcile(exits=1)}
    assert "state" in found
    assert Subscription.objects.get(organization="acme").state == "grace"
    reconcile("--apply", exits=0)
    assert Subscription.objects.get(organization="acme").state == "active"


@needs.stripe_mock
@pytest.mark.usefixtures("stripe", "owner")
def test_manual_subscriptions_are_left_alone() -> None:
    assert reconcile(exits=0) == []


class Failing(BaseHTTPRequestHandler):
    """Answers everything with 500, as Stripe does on a bad day."""

    def do_GET(self) -> None:
        self.send_response(500)
        self.end_headers()

    do_POST = do_GET  # noqa: N815

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def failing_stripe(settings) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_port}"
    settings.STRIPE_SECRET_KEY = "sk_test_123"
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("failing_stripe")
def test_when_stripe_fails_the_caller_is_told_to_try_again(owner: Caller) -> None:
    assert code(owner.post("/api/org/billing/checkout", {"plan": "team"})) == (503, "stripe_unavailable")


@pytest.mark.usefixtures("failing_stripe", "owner")
def test_a_reconciliation_names_what_it_could_not_compare() -> None:
    backed_by_stripe()
    [row] = reconcile(exits=1)
    assert row["id"] == "acme"
    assert "Stripe does not answer" in row["result"]
