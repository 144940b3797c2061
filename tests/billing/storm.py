"""A storm of Stripe's events: several organizations and subscriptions, shuffled, a quarter of them twice."""

import random
import time
from typing import Any

from billing import entitlements, plans
from billing.changing import describe
from billing.models import StripeEvent, StripeSubscription, Subscription
from pulse.models import AuditEvent
from tenants.models import Organization
from tests.billing.stripe_world import checkout, event, subscription
from tests.factories import SYSTEM, make_organization

ORGANIZATIONS = [f"storm-{number}" for number in range(8)]
SUBSCRIPTIONS_OF_EACH = 3
STATUSES = ("trialing", "active", "past_due", "active", "paused", "unpaid", "active")
PRICES = ("price_team", "price_business")
DAY = 86_400

Event = dict[str, Any]


def make_customers() -> None:
    """The organizations, and plans with prices."""
    for plan in ("team", "business"):
        plans.publish(
            plan, actor=SYSTEM, capabilities=["api"], limits={}, meters=[], price_ids=[f"price_{plan}"]
        )
    for organization_id in ORGANIZATIONS:
        make_organization(organization_id)


def ordered(count: int) -> list[Event]:
    """As Stripe's clock orders them: each organization's subscriptions one after the other, interleaved.

    A customer is told of by a Checkout or by metadata; one event in three has neither.
    """
    chance = random.Random(count)
    began = int(time.time()) // DAY * DAY - DAY
    each = count // len(ORGANIZATIONS)
    events = []
    for position in range(each):
        for organization_id in ORGANIZATIONS:
            number = len(events) + 1
            events.append(_event(number, organization_id, position, each, began, chance))
    return events


def shuffled(events: list[Event]) -> list[Event]:
    """In any order, and every fourth twice."""
    storm = events + events[::4]
    random.Random(7).shuffle(storm)
    return storm


def _event(
    number: int, organization_id: str, position: int, each: int, began: int, chance: random.Random
) -> Event:
    customer, named = f"cus_{organization_id}", {"organization": organization_id}
    if position == 0:
        session = checkout(customer=customer, subscription=f"sub_{organization_id}_0", metadata=named)
        return event(number, session, kind="checkout.session.completed", created=began + number)
    generation = position * SUBSCRIPTIONS_OF_EACH // each
    is_last = (position + 1) * SUBSCRIPTIONS_OF_EACH // each > generation
    is_end = is_last and generation < SUBSCRIPTIONS_OF_EACH - 1
    price = {"price": {"id": chance.choice(PRICES)}}
    period = {"current_period_start": began, "current_period_end": began + 30 * DAY}
    described = subscription(
        "canceled" if is_end else chance.choice(STATUSES),
        id=f"sub_{organization_id}_{generation}",
        customer=customer,
        created=began + generation,
        trial_end=began + 14 * DAY,
        metadata=named if number % 3 else {},
        cancel_at_period_end=chance.random() < 0.1,
        items={"data": [price | period]},
    )
    kind = "deleted" if is_end else "updated"
    # Several in each second, as Stripe's clock has it.
    return event(number, described, kind=f"customer.subscription.{kind}", created=began + number // 3)


def end_state() -> dict[str, Any]:
    """All that the events have come to, whatever way they came."""
    return {
        "subscriptions": list(Subscription.objects.order_by("pk").values()),
        "stripe_subscriptions": list(StripeSubscription.objects.order_by("pk").values()),
        "effective": {one: describe(entitlements.for_organization(one)) for one in ORGANIZATIONS},
        "timelines": list(Organization.objects.order_by("pk").values_list("pk", "entitlement_timeline")),
        "events": list(StripeEvent.objects.order_by("pk").values_list("pk", "organization", "customer")),
    }


def settled() -> int:
    """How many events have had their effect, or turned out to need none."""
    return StripeEvent.objects.filter(status__in=("applied", "outdated")).count()


def audited() -> list[str]:
    """The events that the audit has a record of, each as often as it has one."""
    return list(AuditEvent.objects.filter(verb="billing.stripe").values_list("reason", flat=True))


def applied() -> list[str]:
    return list(StripeEvent.objects.filter(status="applied").values_list("pk", flat=True))
