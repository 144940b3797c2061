"""Billing's pages in the admin, and what a test asks of them. The organization is acme."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from billing import entitlements
from billing.models import StripeEvent

BASE = "/admin/tenants/organization/acme/"
BILLING = f"{BASE}billing/"
PLANS = "/admin/billing/plan/"
TEAM = f"{PLANS}team/"
SUBSCRIPTIONS = "/admin/billing/subscription/"
EVENTS = "/admin/billing/stripeevent/"


def now() -> entitlements.Entitlements:
    return entitlements.for_organization("acme")


def in_days(days: int) -> str:
    """As a browser sends what was picked."""
    return (timezone.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def seen_in(client: Client, path: str) -> str:
    return str(client.get(path).context["form"]["seen"].value())


def filled(client: Client, path: str, **typed: Any) -> dict[str, Any]:
    """A form that carries the version that was seen, with a reason."""
    return {"seen": seen_in(client, path), "reason": "agreed with sales"} | typed


def make_event(**changes: Any) -> StripeEvent:
    """An event that was put aside after its last try."""
    event = {
        "id": "evt_1",
        "type": "customer.subscription.updated",
        "created": timezone.now(),
        "payload": {"id": "evt_1", "data": {"object": {"id": "sub_1", "metadata": {"note": "<b>"}}}},
        "status": StripeEvent.Status.PARKED,
        "customer": "cus_1",
        "attempts": 8,
        "error": "UnknownStatus: Stripe's status golden is not known",
    }
    return StripeEvent.objects.create(**(event | changes))
