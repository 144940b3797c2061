"""Events as Stripe sends them, signed with a test secret."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from billing import stripe_events

SECRET = "whsec_test_secret"
BEGAN = 1_767_225_600  # 2026-01-01


def subscription(status: str = "active", **changes: Any) -> dict[str, Any]:
    """A subscription object in Stripe's shape of 2025-03-31 and later."""
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": status,
        "cancel_at_period_end": False,
        "trial_end": None,
        "metadata": {"organization": "acme"},
        "items": {
            "data": [
                {
                    "price": {"id": "price_team"},
                    "current_period_start": BEGAN,
                    "current_period_end": BEGAN + 30 * 86_400,
                }
            ]
        },
    } | changes


def event(
    number: int, described: dict[str, Any], *, kind: str = "customer.subscription.updated", created: int = 0
) -> dict[str, Any]:
    return {
        "id": f"evt_{number:06d}",
        "object": "event",
        "type": kind,
        "created": created or BEGAN + number,
        "data": {"object": described},
    }


def signed(payload: bytes, *, secret: str = SECRET, at: int | None = None) -> str:
    """The header `Stripe-Signature` as Stripe's documentation describes its scheme v1."""
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def deliver(content: dict[str, Any] | bytes, *, signature: str | None = None) -> HttpResponse:
    payload = content if isinstance(content, bytes) else body(content)
    return Client().post(
        "/api/webhooks/stripe",
        data=payload,
        content_type="application/json",
        headers={"stripe-signature": signed(payload) if signature is None else signature},
    )


def process(**later: int) -> int:
    """The job, so much later."""
    return stripe_events.process_due(now=timezone.now() + timedelta(**later))


def checkout(**changes: Any) -> dict[str, Any]:
    """A finished session of Checkout."""
    return {
        "id": "cs_1",
        "object": "checkout.session",
        "mode": "subscription",
        "customer": "cus_1",
        "subscription": "sub_1",
        "client_reference_id": "acme",
    } | changes


def body(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()
