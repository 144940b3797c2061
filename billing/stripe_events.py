"""Processing Stripe's events: in any order, as often as they come, each has its effect once.

The rows decide what is due, so the job may be killed, run late or run twice. An event and its effect are
one transaction.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from billing import errors, metrics, stripe_subscriptions
from billing.changing import changing
from billing.models import Source, StripeEvent, Subscription
from pulse import audit
from pulse.actors import Actor, from_job
from tenants.models import Organization

log = structlog.get_logger(__name__)

Status = StripeEvent.Status

ACTOR = from_job("stripe")
NEED_A_PERSON = (Status.PARKED, Status.UNKNOWN_CUSTOMER)
DONE_WITH = (Status.APPLIED, Status.OUTDATED, Status.IRRELEVANT)
# By its id an event that comes again is known. Stripe tries for three days, and sends by hand for thirty.
KEPT_FOR = timedelta(days=90)
BATCH = 500
MOST_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=10)
LONGEST_PAUSE = FIRST_RETRY * 2 ** (MOST_ATTEMPTS - 2)
SUBSCRIPTION = "customer.subscription."
CHECKOUT = "checkout.session.completed"


def process_due(*, now: datetime) -> int:
    """Process what waits, oldest first, until nothing is due that no other worker has; how many events."""
    processed = 0
    while settled := sum(_process(event_id, now=now) for event_id in _due(now)):
        processed += settled
    return processed


def retry(event_id: str, *, actor: Actor, reason: str = "") -> StripeEvent:
    """Have an event processed anew that was parked, or whose customer was not known.

    Raises `StripeEventNotFound` and `NothingToRetry`.
    """
    from billing.tasks import process_stripe_events

    actor.require("billing.change_subscription")
    with transaction.atomic():
        event = StripeEvent.objects.select_for_update().filter(pk=event_id).first()
        if event is None:
            raise errors.StripeEventNotFound
        if event.status not in NEED_A_PERSON:
            raise errors.NothingToRetry
        before = event.status
        event.status, event.attempts, event.settled_at = Status.WAITING, 0, None
        event.try_after = timezone.now()
        event.save()
        process_stripe_events.enqueue()
        audit.record(
            "billing.retry",
            actor=actor,
            organization=event.organization_id or "",
            before={"event": event.id, "status": before},
            after={"event": event.id, "status": event.status},
            reason=reason,
        )
    return event


def tidy(*, now: datetime) -> int:
    """Drop the events that were done with three months ago; how many."""
    over = StripeEvent.objects.filter(status__in=DONE_WITH, settled_at__lt=now - KEPT_FOR)
    # Received before that, too, of which there is an index.
    return over.filter(received_at__lt=now - KEPT_FOR).delete()[0]


def about(organization_id: str) -> QuerySet[StripeEvent]:
    """What Stripe has said of the organization or of its customers.

    Not what is of a customer who pays for others, too, while nothing says which of them it is about.
    """
    customers = stripe_subscriptions.customers_of(organization_id)
    others = Subscription.objects.filter(stripe_customer__in=customers).exclude(pk=organization_id)
    ours = customers - set(others.values_list("stripe_customer", flat=True))
    unsaid = Q(organization=None, customer__in=ours)
    return StripeEvent.objects.filter(Q(organization=organization_id) | unsaid)


def _due(now: datetime) -> list[str]:
    """A pause that is longer than any there is was begun before the clock was set back: it is over."""
    _take_up_known_customers()
    waiting = StripeEvent.objects.filter(
        Q(try_after__lte=now) | Q(try_after__gt=now + LONGEST_PAUSE), status=Status.WAITING
    )
    return list(waiting.order_by("created", "id").values_list("id", flat=True)[:BATCH])


def _take_up_known_customers() -> None:
    """What came before anything said whose customer it is about waits again, now that it is known."""
    known = Subscription.objects.filter(organization__in=Organization.objects.living())
    StripeEvent.objects.filter(
        status=Status.UNKNOWN_CUSTOMER,
        customer__in=known.exclude(stripe_customer="").values("stripe_customer"),
    ).update(status=Status.WAITING, settled_at=None)


def _process(event_id: str, *, now: datetime) -> bool:
    """Whether the event was ours to settle or to put off."""
    try:
        with transaction.atomic():
            event = _locked(event_id)
            if event is None:
                return False
            _settle(event, _apply(event), now)
    except Exception as error:
        log.exception("stripe event failed", stripe_event=event_id)
        _put_off(event_id, error, now)
    return True


def _locked(event_id: str) -> StripeEvent | None:
    """The event, unless another worker has it or has settled it."""
    events = StripeEvent.objects.filter(pk=event_id, status=Status.WAITING)
    skip = connection.features.has_select_for_update_skip_locked
    return events.select_for_update(skip_locked=skip).first()


def _settle(event: StripeEvent, status: str, now: datetime) -> None:
    event.status, event.settled_at, event.error = status, now, ""
    if status == Status.IRRELEVANT:
        event.payload = {}  # An invoice has a name, an address and an e-mail address in it.
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
    is_checkout = event.type == CHECKOUT and subject.get("mode") == "subscription"
    if not is_checkout and not event.type.startswith(SUBSCRIPTION):
        return Status.IRRELEVANT
    event.organization_id = _organization_of(event, subject)
    if event.organization_id is None:
        # Of a purged organization, whose id never comes back, nothing is kept.
        is_purged = Organization.objects.purged().named(_named_in(subject)).exists()
        return Status.IRRELEVANT if is_purged else Status.UNKNOWN_CUSTOMER
    # Locked before anything is compared: another worker may have a newer event of the same subscription.
    Organization.objects.select_for_update().get(pk=event.organization_id)
    if is_checkout:
        _link(event.organization_id, event, subject)
        return Status.APPLIED
    if not stripe_subscriptions.remember(event.organization_id, subject, order=order_of(event)):
        return Status.OUTDATED
    with changing(event.organization_id, verb="stripe", actor=ACTOR, reason=event.id):
        stripe_subscriptions.take_over(event.organization_id)
    return Status.APPLIED


def order_of(event: StripeEvent) -> str:
    """Sorts as the events happened: the second, an end after all else in it, then the id."""
    is_end = event.type == f"{SUBSCRIPTION}deleted"
    return stripe_subscriptions.order(event.created, is_end=is_end, event_id=event.id)


def _organization_of(event: StripeEvent, subject: dict[str, Any]) -> str | None:
    """The subscription's if we know it, else whom our Checkout wrote into the metadata, else the customer's.

    A customer can pay for several organizations, so that the customer says least. A drill's pays for nothing.
    """
    living = Organization.objects.living().customers()
    places = (
        living.filter(stripe_subscriptions=str(subject.get("id"))),
        living.named(_named_in(subject)),
        living.filter(subscription__stripe_customer=event.customer).exclude(subscription__stripe_customer=""),
    )
    return next((found.pk for place in places if (found := place.order_by("pk").first())), None)


def _named_in(subject: dict[str, Any]) -> str:
    """What our Checkout wrote into it, or somebody in Stripe; anything may stand there."""
    return str((subject.get("metadata") or {}).get("organization") or subject.get("client_reference_id"))


def _link(organization_id: str, event: StripeEvent, session: dict[str, Any]) -> None:
    """Remember whose customer it is, unless a subscription has said so already."""
    with changing(organization_id, verb="stripe", actor=ACTOR, reason=event.id) as organization:
        subscription, _ = Subscription.objects.get_or_create(organization=organization)
        if subscription.stripe_subscription:
            return
        subscription.source = Source.STRIPE
        subscription.stripe_customer = event.customer
        subscription.stripe_subscription = stripe_subscriptions.id_of(session.get("subscription"))
        subscription.save()
