"""The reconciliation against a Stripe that says what the test wants, over HTTP."""

import json
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client

from billing import plans, reconciliation, tasks
from billing.models import Source, StripeSubscription, Subscription
from tests.api import Caller, code
from tests.billing.stripe_world import BEGAN, SECRET, checkout, deliver, event, process, subscription
from tests.factories import SYSTEM, make_organization, member_token
from tests.pulse.test_metrics import value

pytestmark = pytest.mark.usefixtures("database")


class Stripe(BaseHTTPRequestHandler):
    """Answers each path with what `answers` has for its last part, by a clock of its own."""

    answers: dict[str, tuple[int, Any]] = {}
    clock = BEGAN + 100

    def do_GET(self) -> None:
        status, answer = self.answers[self.path.rpartition("/")[2]]
        sent = json.dumps(answer).encode()
        self.send_response_only(status)
        self.send_header("Date", formatdate(self.clock, usegmt=True))
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def stripe(database: None, settings) -> Iterator[type[Stripe]]:
    """Pulse is configured for it; acme is its customer, with the subscription sub_1."""
    said = type("Said", (Stripe,), {"answers": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), said)
    Thread(target=server.serve_forever, daemon=True).start()
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_port}"
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_123", [SECRET]
    plans.publish("team", actor=SYSTEM, capabilities=["api"], limits={}, meters=[], price_ids=["price_team"])
    make_organization("acme")
    deliver(event(1, subscription()))
    process()
    yield said
    server.shutdown()
    server.server_close()


def reconcile(*, apply: bool = False) -> list[reconciliation.Drift]:
    return list(reconciliation.reconcile(actor=SYSTEM, apply=apply))


def state() -> str:
    return Subscription.objects.get(pk="acme").state


def test_when_both_agree_nothing_is_said(stripe: type[Stripe]) -> None:
    stripe.answers["sub_1"] = 200, subscription(a_field_of_2027=1)
    assert reconcile() == []


def test_what_was_missed_is_taken_over_and_later_words_of_before_change_nothing(stripe: type[Stripe]) -> None:
    stripe.answers["sub_1"] = 200, subscription("paused")
    [drift] = reconcile(apply=True)
    assert (drift.fixed, drift.differences) == (True, {"state": ("active", "suspended")})
    deliver(event(2, subscription("past_due"), created=BEGAN + 99))
    process()
    assert state() == "suspended"
    deliver(event(3, subscription("active"), created=BEGAN + 100))
    process()
    assert state() == "active"


def test_an_event_that_is_newer_than_stripes_answer_is_no_drift(stripe: type[Stripe]) -> None:
    stripe.answers["sub_1"] = 200, subscription("active")
    deliver(event(2, subscription("paused"), created=BEGAN + 101))
    process()
    assert reconcile(apply=True) == []
    assert state() == "suspended"


def test_a_subscription_that_stripe_does_not_have_or_describe_is_named_and_the_others_compared(
    stripe: type[Stripe],
) -> None:
    for number, name in enumerate(("globex", "initech"), start=2):
        make_organization(name)
        changes = {"id": f"sub_{number}", "customer": f"cus_{number}", "metadata": {"organization": name}}
        deliver(event(number, subscription(**changes)))
    process()
    missing = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such"}}
    stripe.answers |= {"sub_1": (404, missing), "sub_2": (200, {"id": "sub_2", "object": "subscription"})}
    stripe.answers["sub_3"] = 200, subscription("paused", id="sub_3", customer="cus_3")
    before = value("pulse_billing_stripe_drifts_total", outcome="unreadable")
    acme, globex, initech = reconcile()
    assert acme.error == "Stripe refused: resource_missing."
    assert globex.error == "'status'"
    assert initech.differences == {"state": ("active", "suspended")}
    assert value("pulse_billing_stripe_drifts_total", outcome="unreadable") == before + 2


def test_a_checkout_whose_subscription_was_never_told_of_is_made_good(stripe: type[Stripe]) -> None:
    make_organization("globex")
    Subscription.objects.filter(pk="globex").update(source=Source.STRIPE, stripe_subscription="sub_2")
    stripe.answers["sub_1"] = 200, subscription()
    stripe.answers["sub_2"] = 200, subscription(id="sub_2", customer="cus_2")
    [drift] = reconcile(apply=True)
    assert drift.fixed
    assert Subscription.objects.get(pk="globex").state == "active"
    assert StripeSubscription.objects.get(pk="sub_2").organization_id == "globex"


def test_by_night_it_reports_and_fixes_nothing(stripe: type[Stripe]) -> None:
    stripe.answers["sub_1"] = 200, subscription("paused")
    before = value("pulse_billing_stripe_drifts_total", outcome="found")
    assert tasks.reconcile_with_stripe.call() == 1
    assert value("pulse_billing_stripe_drifts_total", outcome="found") == before + 1
    assert state() == "active"


def test_by_night_without_a_key_there_is_nothing_to_compare(settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert tasks.reconcile_with_stripe.call() == 0


def test_who_pays_already_gets_no_second_subscription(stripe: type[Stripe]) -> None:
    owner = Caller(Client(), member_token("acme"))
    refusal = owner.post("/api/org/billing/checkout", {"plan": "team"})
    assert code(refusal) == (409, "already_subscribed")


def test_whose_subscription_has_ended_pays_as_the_same_customer(stripe: type[Stripe]) -> None:
    deliver(event(2, subscription("canceled")))
    process()
    stripe.answers["sessions"] = 200, {"object": "checkout.session", "url": "https://checkout.example/1"}
    owner = Caller(Client(), member_token("acme"))
    answer = owner.post("/api/org/billing/checkout", {"plan": "team"})
    assert answer.json() == {"url": "https://checkout.example/1"}


def test_whose_first_payment_failed_is_no_drift_and_pays_anew(stripe: type[Stripe]) -> None:
    make_organization("globex")
    theirs = {"id": "sub_2", "customer": "cus_2", "metadata": {"organization": "globex"}}
    linked = checkout(customer="cus_2", subscription="sub_2", client_reference_id="globex")
    deliver(event(2, linked, kind="checkout.session.completed"))
    deliver(event(3, subscription("incomplete_expired", **theirs)))
    process()
    stripe.answers["sub_1"] = 200, subscription()
    stripe.answers["sub_2"] = 200, subscription("incomplete_expired", **theirs)
    assert reconcile(apply=True) == []
    assert Subscription.objects.get(pk="globex").state == "trial"
    stripe.answers["sessions"] = 200, {"object": "checkout.session", "url": "https://checkout.example/1"}
    owner = Caller(Client(), member_token("globex"))
    assert owner.post("/api/org/billing/checkout", {"plan": "team"}).status_code == 200


@pytest.mark.parametrize("plan", ["starter", "team v1"])
def test_what_is_not_offered_to_new_subscribers_is_not_sold(stripe: type[Stripe], plan: str) -> None:
    plans.publish("starter", actor=SYSTEM, capabilities=[], limits={}, meters=[], price_ids=["price_1"])
    plans.Plan.objects.filter(pk="starter").update(is_offered=False)
    owner = Caller(Client(), member_token("acme"))
    assert code(owner.post("/api/org/billing/checkout", {"plan": plan})) == (400, "unknown_plan")


def test_a_refusal_of_stripes_says_what_it_said(stripe: type[Stripe]) -> None:
    deliver(event(2, subscription("canceled")))
    process()
    error = {"type": "invalid_request_error", "code": "resource_missing", "message": "No such price"}
    stripe.answers["sessions"] = 400, {"error": error}
    owner = Caller(Client(), member_token("acme"))
    assert code(owner.post("/api/org/billing/checkout", {"plan": "team"})) == (502, "stripe_refused")
