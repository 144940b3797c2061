"""Stripe's webhooks: verified, stored once by event id with the job that processes them, answered at once."""

import json
from datetime import UTC, datetime
from typing import Any

import stripe
from django.conf import settings
from django.db import transaction

from billing import errors, metrics
from billing.models import StripeEvent
from pulse.problems import InvalidRequest

# Stripe's own default: an event that was signed longer ago may be a replay.
TOLERANCE_SECONDS = 300
# What the event's columns hold.
LONGEST_NAME = 100
LONGEST_CUSTOMER = 64


def receive(payload: bytes, *, signature: str) -> bool:
    """Store the event and enqueue its processing; False when it was stored before.

    Raises `StripeNotConfigured` without secrets, `InvalidSignature`, and `InvalidRequest`. During a
    rotation either of two secrets may have signed.
    """
    if not settings.STRIPE_WEBHOOK_SECRETS:
        raise errors.StripeNotConfigured
    if not any(_is_signed_by(secret, payload, signature) for secret in settings.STRIPE_WEBHOOK_SECRETS):
        metrics.stripe_events.labels(outcome="refused").inc()
        raise errors.InvalidSignature
    return _store(_parsed(payload))


def _parsed(payload: bytes) -> dict[str, Any]:
    """The event, or `InvalidRequest` for what has not the shape of one."""
    try:
        event: dict[str, Any] = _storable(json.loads(payload))
        shape = (event["id"], event["type"], event["created"], event["data"]["object"]["object"])
        datetime.fromtimestamp(event["created"], UTC)
    except (ValueError, TypeError, KeyError, OverflowError, OSError) as error:
        raise InvalidRequest("This is not an event of Stripe's.") from error
    is_event = [type(part) for part in shape] == [str, str, int, str]
    if not is_event or max(len(event["id"]), len(event["type"])) > LONGEST_NAME:
        raise InvalidRequest("This is not an event of Stripe's.")
    return event


def _storable(value: Any) -> Any:
    """Without the NUL that a customer may have written somewhere, and that PostgreSQL's JSON cannot hold."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {_storable(name): _storable(part) for name, part in value.items()}
    return [_storable(part) for part in value] if isinstance(value, list) else value


def _is_signed_by(secret: str, payload: bytes, signature: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(
            payload.decode(), signature, secret, tolerance=TOLERANCE_SECONDS
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


@transaction.atomic
def _store(event: dict[str, Any]) -> bool:
    from billing.tasks import process_stripe_events

    _, is_new = StripeEvent.objects.get_or_create(
        id=event["id"],
        defaults={
            "type": event["type"],
            "created": datetime.fromtimestamp(event["created"], UTC),
            "payload": event,
            "customer": customer_in(event),
        },
    )
    if is_new:
        process_stripe_events.enqueue()
    metrics.stripe_events.labels(outcome="stored" if is_new else "repeated").inc()
    return is_new


def customer_in(event: dict[str, Any]) -> str:
    """The customer that the event is about, or empty."""
    subject = event.get("data", {}).get("object", {})
    customer = subject.get("id") if subject.get("object") == "customer" else subject.get("customer")
    if isinstance(customer, dict):  # Expanded.
        customer = customer.get("id")
    return str(customer or "")[:LONGEST_CUSTOMER]
