"""The story of a customer whose trial is extended by an operator, and who pays by Stripe later."""

from typing import Any

import pytest
import requests
from django.utils import timezone

from billing import plans, stripe_events
from tests.billing import stripe_world
from tests.factories import SYSTEM
from tests.needs import chromium
from tests.stories.operator import Operator, meanwhile

pytestmark = [pytest.mark.drill, chromium]

WHOSE = "northwind-energy"


@pytest.fixture
def price(customers: None) -> None:
    """Stripe's price stands for a plan."""
    plans.publish(
        "team", actor=SYSTEM, capabilities=["api", "custom_roles"], limits={"nodes": 200, "seats": 25},
        meters=[], price_ids=["price_team"],
    )  # fmt: skip


def stripe_sends(base: str, number: int, described: dict[str, Any], **kind: str) -> None:
    """A signed event, which a worker takes up."""
    payload = stripe_world.body(stripe_world.event(number, described, **kind))
    headers = {"Stripe-Signature": stripe_world.signed(payload)}
    assert requests.post(base + "/api/webhooks/stripe", payload, headers=headers, timeout=10).ok
    meanwhile(stripe_events.process_due, now=timezone.now())


def paid() -> dict[str, Any]:
    """The subscription for this month, as Stripe describes it."""
    now = int(timezone.now().timestamp())
    month = {"current_period_start": now, "current_period_end": now + 30 * 86_400}
    items = {"data": [{"price": {"id": "price_team"}, **month}]}
    return stripe_world.subscription(metadata={"organization": WHOSE}, items=items)


@pytest.mark.usefixtures("price")
def test_a_trial_is_extended_and_stripe_takes_over(base: str, ada: Operator) -> None:
    ada.find("northwind", "Northwind Energy")
    ada.open_tab("Billing")
    ada.reads("Trial on trial v1: the service is in force")
    ada.do("Extend trial", reason="Their pilot starts after the holidays")
    ada.reads("in force", "Their pilot starts after the holidays")

    started = stripe_world.checkout(client_reference_id=WHOSE)
    stripe_sends(base, 1, started, kind="checkout.session.completed")
    stripe_sends(base, 2, paid())
    ada.page.reload()
    ada.reads("team v2", "subscription (stripe)")
    ada.do("Revoke", within="Their pilot starts after the holidays", reason="They pay from today on")
    ada.reads("Active on team v2: the service is in force", "subscription (stripe)")
    ada.keep_picture("stripe")
