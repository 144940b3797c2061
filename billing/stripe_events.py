"""Processing Stripe's events: in any order, as often as they come, each has its effect once.

The rows decide what is due, so the job may be killed, run late or run twice. An event and its effect are
one transaction. Of a subscription's events the newest holds, by Stripe's clock and then by the event's id;
older ones change nothing.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from billing import metrics, stripe_subscriptions
from billing.changing import changing
from billing.models import Source, StripeEvent, Subscription
from pulse.actors import from_job
from tenants.models import Organization

log = structlog.get_logger(__name__)

Status = StripeEvent.Status

ACTOR = from_job("stripe")
BATCH = 500
MOST_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=10)
SUBSCRIPTION = "customer.subscription."
CHECKOUT = "checkout.session.completed"


def process_due(*, now: datetime) -> int:
    """Process what waits, oldest first, until nothing is due; how many events."""
    processed = 0
    while due := _due(now):
        for event_id in due:
            _process(event_id, now=now)
        processed += len(due)
    return processed


def _due(now: datetime) -> list[str]:
    waiting = StripeEvent.objects.filter(status=Status.WAITING, try_after__lte=now)
    return list(waiting.order_by("created", "id").values_list("id", flat=True)[:BATCH])


def _process(event_id: str, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            event = _locked(event_id)
            if event is not None:
                _settle(event, _apply(event), now)
    except Exception as error:
        log.exception("stripe event failed", stripe_event=event_id)
        _put_off(event_id, error, now)


def _locked(event_id: str) -> StripeEvent | None:
    """The event, unless another worker has it or has settled it."""
    events = StripeEvent.objects.filter(pk=event_id, status=Status.WAITING)
    skip = connection.features.has_select_for_update_skip_locked
    return events.select_for_update(skip_locked=skip).first()


def _settle(event: StripeEvent, status: str, now: datetime) -> None:
    event.status, event.settled_at, event.error = status, now, ""
    event.save()
    metrics.stripe_events.labels(outcome=status).inc()


def _put_off(event_id: str, error: Exception, now: datetime) -> None:
    """Try again after 10, 20, 40 … seconds; after eight tries the event is parked, for a person."""
    with transaction.atomic():
        event = _locked(event_id)
        if event is None:
            return
        event.attempts += 1
        event.error = f"{type(error).__name__}: {error}"[:500]
        event.try_after = now + FIRST_RETRY * 2 ** (event.attempts - 1)
        if event.attempts >= MOST_ATTEMPTS:
            event.status = Status.PARKED
            metrics.stripe_events.labels(outcome=Status.PARKED).inc()
            log.error("stripe event parked", stripe_event=event_id)
        event.save()


def _apply(event: StripeEvent) -> str:
    """Carry the event out, within the transaction; its status afterwards."""
    subject: dict[str, Any] = event.payload["data"]["object"]
    if event.type == CHECKOUT:
        return _link(event, subject)
    if not event.type.startswith(SUBSCRIPTION):
        return Status.IRRELEVANT
    organization_id = _organization_of(event, subject)
    if organization_id is None:
        return Status.UNKNOWN_CUSTOMER
    event.organization_id = organization_id
    order = order_of(event)
    present = Subscription.objects.filter(organization=organization_id).first()
    if present is not None and present.stripe_applied >= order:
        return Status.OUTDATED
    with changing(organization_id, verb="stripe", actor=ACTOR, reason=event.id) as organization:
        subscription, _ = Subscription.objects.get_or_create(organization=organization)
        stripe_subscriptions.copy(subject, subscription)
        subscription.stripe_applied = order
        subscription.save()
    return Status.APPLIED


def order_of(event: StripeEvent) -> str:
    """Sorts as the events happened: the second, an end after all else in it, then the id."""
    is_end = int(event.type == f"{SUBSCRIPTION}deleted")
    return f"{int(event.created.timestamp()):011d}-{is_end}-{event.id}"[:80]


def _organization_of(event: StripeEvent, subject: dict[str, Any]) -> str | None:
    """By the customer we know, else by the organization that our Checkout wrote into the metadata."""
    known = Subscription.objects.filter(stripe_customer=event.customer).exclude(stripe_customer="")
    named = (subject.get("metadata") or {}).get("organization") or subject.get("client_reference_id")
    organization_id = known.values_list("organization_id", flat=True).first() or named
    living = Organization.objects.living().filter(id=organization_id)
    return living.values_list("id", flat=True).first()


def _link(event: StripeEvent, session: dict[str, Any]) -> str:
    """Remember whose customer it is, and take up what came for the customer before."""
    organization_id = _organization_of(event, session)
    if organization_id is None:
        return Status.UNKNOWN_CUSTOMER
    event.organization_id = organization_id
    with changing(organization_id, verb="stripe", actor=ACTOR, reason=event.id) as organization:
        subscription, _ = Subscription.objects.get_or_create(organization=organization)
        subscription.stripe_customer = event.customer
        subscription.source = Source.STRIPE
        subscription.save()
    early = StripeEvent.objects.filter(customer=event.customer, status=Status.UNKNOWN_CUSTOMER)
    early.exclude(customer="").update(status=Status.WAITING, settled_at=None)
    return Status.APPLIED
