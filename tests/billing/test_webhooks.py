"""Stripe's webhooks: verified, stored once, processed in any order."""

import json
import random
import time

import pytest
import time_machine
from django.test import Client

from billing import entitlements, plans
from billing.models import StripeEvent, Subscription
from pulse.models import IdempotencyKey
from tests.api import code
from tests.billing.stripe_world import (
    BEGAN,
    SECRET,
    body,
    checkout,
    deliver,
    event,
    process,
    signed,
    subscription,
)
from tests.factories import SYSTEM, make_organization

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def configured(settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture
def acme(database: None) -> str:
    plans.publish(
        "team",
        actor=SYSTEM,
        capabilities=["api"],
        limits={"seats": 10},
        meters=[],
        price_ids=["price_team"],
    )
    return make_organization("acme").id


def state() -> str:
    return entitlements.for_organization("acme").state


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1,v1=abc",
        signed(body(event(1, subscription())), secret="whsec_other"),
        signed(body(event(2, subscription()))),
        signed(body(event(1, subscription())), at=int(time.time()) - 301),
    ],
    ids=["none", "junk", "another secret", "another body", "too old"],
)
def test_an_event_that_stripe_did_not_sign_is_refused_and_not_kept(signature: str) -> None:
    assert code(deliver(event(1, subscription()), signature=signature)) == (400, "invalid_signature")
    assert not StripeEvent.objects.exists()


def test_a_stranger_leaves_no_row_by_an_idempotency_key() -> None:
    path, headers = "/api/webhooks/stripe", {"idempotency-key": "mine", "stripe-signature": "t=1,v1=abc"}
    answer = Client().post(path, data=b"{}", content_type="application/json", headers=headers)
    assert code(answer) == (400, "invalid_signature")
    assert not IdempotencyKey.objects.exists()


def test_during_a_rotation_either_secret_signs(settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    payload = body(event(1, subscription()))
    assert deliver(payload, signature=signed(payload, secret="whsec_new")).status_code == 200
    assert deliver(payload, signature=signed(payload)).status_code == 200


def test_without_secrets_it_says_that_billing_is_manual(settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert code(deliver(event(1, subscription()))) == (409, "stripe_not_configured")


def test_an_event_is_answered_and_stored_once_and_changes_nothing_yet(acme: str) -> None:
    for _ in range(3):
        assert deliver(event(1, subscription())).json() == {"received": True}
    assert StripeEvent.objects.count() == 1
    assert state() == "trial"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", "active"),
        ("past_due", "expired"),
        ("paused", "suspended"),
        ("unpaid", "expired"),
        ("incomplete", "trial"),
        ("incomplete_expired", "trial"),
        ("canceled", "canceled"),
    ],
)
def test_what_stripe_says_is_what_holds(acme: str, status: str, expected: str) -> None:
    """The unpaid period began long ago, so its grace is over."""
    deliver(event(1, subscription(status)))
    process()
    assert state() == expected


def test_a_failed_payment_gives_grace_from_the_beginning_of_the_unpaid_period(acme: str) -> None:
    with time_machine.travel(BEGAN + 60):
        deliver(event(1, subscription("past_due")))
        process()
        assert state() == "grace"
    with time_machine.travel(BEGAN + 14 * 86_400):
        assert state() == "expired"


def test_a_cancellation_holds_at_the_end_of_the_period(acme: str) -> None:
    with time_machine.travel(BEGAN + 60):
        deliver(event(1, subscription("active", cancel_at_period_end=True)))
        process()
        assert state() == "active"
    with time_machine.travel(BEGAN + 30 * 86_400):
        assert state() == "canceled"


def test_a_trial_ends_when_stripe_says(acme: str) -> None:
    with time_machine.travel(BEGAN):
        deliver(event(1, subscription("trialing", trial_end=BEGAN + 3600)))
        process()
        assert state() == "trial"
    with time_machine.travel(BEGAN + 3600):
        assert state() == "expired"


def test_the_price_chooses_the_plans_version(acme: str) -> None:
    deliver(event(1, subscription()))
    process()
    assert entitlements.for_organization("acme").plan_version == "team v2"


def test_an_older_event_that_comes_late_changes_nothing(acme: str) -> None:
    deliver(event(2, subscription("active")))
    process()
    deliver(event(1, subscription("canceled")))
    process()
    assert state() == "active"
    assert StripeEvent.objects.get(id="evt_000001").status == "outdated"


def test_the_end_of_a_subscription_beats_all_else_in_its_second(acme: str) -> None:
    ended = event(1, subscription("canceled"), kind="customer.subscription.deleted", created=BEGAN)
    deliver(event(2, subscription("active"), created=BEGAN))
    deliver(ended)
    process()
    assert state() == "canceled"


def test_an_event_for_an_unknown_customer_is_kept_and_taken_up_later(acme: str) -> None:
    deliver(event(1, subscription("active", metadata={})))
    process()
    assert StripeEvent.objects.get().status == "unknown_customer"
    deliver(event(2, checkout(), kind="checkout.session.completed"))
    process()
    assert state() == "active"
    assert Subscription.objects.get(organization="acme").stripe_customer == "cus_1"


def test_other_events_change_nothing_and_nothing_is_kept_of_what_they_say(acme: str) -> None:
    invoice = {"object": "invoice", "customer": "cus_1", "customer_email": "ann@acme.example"}
    for _ in range(2):
        deliver(event(1, invoice, kind="invoice.paid"))
        process()
    kept = StripeEvent.objects.get()
    assert (kept.status, kept.type, kept.payload) == ("irrelevant", "invoice.paid", {})


def test_fields_that_we_do_not_know_are_passed_over(acme: str) -> None:
    deliver(event(1, subscription("active", a_field_of_2027={"x": [1]})))
    process()
    assert state() == "active"


def test_a_poison_event_is_tried_again_with_growing_pauses_and_then_parked(acme: str) -> None:
    deliver(event(1, subscription("levitating")))
    assert process() == 1
    assert process(seconds=9) == 0
    assert process(seconds=11) == 1
    for day in range(1, 7):
        process(days=day)
    parked = StripeEvent.objects.get()
    assert (parked.status, parked.attempts) == ("parked", 8)
    assert "levitating" in parked.error
    assert state() == "trial"


MISSHAPEN = [
    body(event(1, subscription()) | changed)
    for changed in ({"created": "today"}, {"created": 10**30}, {"id": "e" * 101}, {"type": "t" * 101})
]


def test_a_signed_body_that_is_not_an_event_is_refused(acme: str) -> None:
    for payload in (b"{", b"[]", b'{"id": 1}', *MISSHAPEN):
        assert code(deliver(payload)) == (400, "invalid_request")
    assert not StripeEvent.objects.exists()


def test_a_storm_in_any_order_ends_as_the_ordered_delivery(acme: str) -> None:
    statuses = ("active", "past_due", "active", "paused", "unpaid", "active", "canceled", "active")
    events = [event(number, subscription(status)) for number, status in enumerate(statuses * 5, start=1)]
    storm = events + events[::4]
    random.Random(7).shuffle(storm)
    for one in storm:
        deliver(one)
        if one["created"] % 3 == 0:
            process()
    process()
    assert state() == statuses[-1]
    assert StripeEvent.objects.count() == len(events)
    assert not StripeEvent.objects.filter(status="waiting").exists()
    assert json.loads(Client().get("/healthz").content) == {"status": "ok"}
