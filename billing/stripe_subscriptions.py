"""Stripe's subscriptions as ours: the newest that Stripe has said of each; one of them holds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from billing import catalogue, plans
from billing.entitlements import WITHOUT_SERVICE
from billing.models import PlanVersion, Source, State, StripeSubscription, Subscription

log = structlog.get_logger(__name__)

STATES = {
    "trialing": State.TRIAL,
    "active": State.ACTIVE,
    "past_due": State.GRACE,
    "paused": State.SUSPENDED,
    "unpaid": State.EXPIRED,
    "incomplete": State.EXPIRED,
    "incomplete_expired": State.EXPIRED,
    "canceled": State.CANCELED,
}
# The first payment is open, or was never made: nothing has come of it.
NOT_BEGUN = frozenset({"incomplete", "incomplete_expired"})
# What a reconciliation compares.
COPIED = (
    "state", "plan_version_id", "trial_ends_at", "period_ends_at", "grace_ends_at",
    "cancel_at_period_end", "stripe_customer", "stripe_subscription", "source",
)  # fmt: skip


class UnknownStatus(ValueError):
    """Stripe has a status that this version of Pulse does not know. The event is kept and tried again."""


def order(at: datetime, *, is_end: bool = False, event_id: str = "") -> str:
    """Sorts as Stripe's events happened: by Stripe's clock, an end after all else in its second, the id."""
    return f"{int(at.timestamp()):011d}-{is_end:d}-{event_id}"


def remember(organization_id: str, described: dict[str, Any], *, order: str) -> bool:
    """Keep what Stripe says of a subscription; False when something newer is kept. The row is locked.

    Raises `UnknownStatus`.
    """
    state_of(described)
    kept = StripeSubscription.objects.filter(pk=described["id"]).first()
    if kept is not None and kept.order >= order:
        return False
    StripeSubscription.objects.update_or_create(
        id=described["id"],
        defaults={"described": described, "order": order},
        create_defaults={"organization_id": organization_id, "described": described, "order": order},
    )
    return True


def take_over(organization_id: str) -> Subscription:
    """Make the organization's subscription what the one that holds of Stripe's says."""
    subscription, _ = Subscription.objects.get_or_create(organization_id=organization_id)
    copy(holding(organization_id), subscription)
    subscription.save()
    return subscription


def holding(organization_id: str) -> dict[str, Any]:
    """Of those that give service, or else that ever began, or else of all, the one that was made last."""
    return max(
        _kept(organization_id),
        key=lambda one: (
            state_of(one) not in WITHOUT_SERVICE,
            one["status"] not in NOT_BEGUN,
            one.get("created") or 0,
            one["id"],
        ),
    )


def none_has_begun(organization_id: str) -> bool:
    """Whether Stripe has told of subscriptions, and no first payment was made for any."""
    kept = _kept(organization_id)
    return bool(kept) and all(one["status"] in NOT_BEGUN for one in kept)


def customers_of(organization_id: str) -> set[str]:
    """Stripe's customers who pay, or have paid, for the organization."""
    subscribed = Subscription.objects.filter(pk=organization_id).values_list("stripe_customer", flat=True)
    return {*subscribed, *(id_of(one.get("customer")) for one in _kept(organization_id))} - {""}


def _kept(organization_id: str) -> list[dict[str, Any]]:
    kept = StripeSubscription.objects.filter(organization=organization_id)
    return list(kept.values_list("described", flat=True))


def state_of(described: dict[str, Any]) -> State:
    status = described["status"]
    if status not in STATES:
        raise UnknownStatus(f"Stripe's status {status} is not known")
    return STATES[status]


def copy(described: dict[str, Any], subscription: Subscription) -> None:
    """Write what Stripe's object says into the row, unsaved. Fields that we do not know are passed over.

    A grace ends a fixed time after the unpaid period began, so that it does not depend on which of several
    events came first. One that has not begun takes no service away: only the customer is noted, who can pay
    in Stripe's portal. Raises `UnknownStatus`.
    """
    state = state_of(described)
    if described["status"] in NOT_BEGUN and subscription.state not in WITHOUT_SERVICE:
        subscription.stripe_customer = subscription.stripe_customer or id_of(described.get("customer"))
        return
    items = (described.get("items") or {}).get("data") or [{}]
    subscription.state = state
    subscription.source = Source.STRIPE
    subscription.stripe_subscription = described["id"]
    subscription.stripe_customer = id_of(described.get("customer"))
    subscription.trial_ends_at = _instant(described.get("trial_end"))
    subscription.period_ends_at = _instant(_either("current_period_end", items[0], described))
    subscription.cancel_at_period_end = bool(described.get("cancel_at_period_end"))
    subscription.grace_ends_at = None
    if subscription.state == State.GRACE:
        began = _instant(_either("current_period_start", items[0], described) or described["created"])
        subscription.grace_ends_at = began and began + timedelta(days=catalogue.GRACE_DAYS)
    subscription.plan_version = _plan_of(items, subscription.plan_version)


def _plan_of(items: list[dict[str, Any]], present: PlanVersion | None) -> PlanVersion | None:
    """The plan of the first price that stands for one. A subscriber keeps their version of it.

    The present plan when no price is known: what a customer pays for is not taken away over a price that
    nobody has entered yet.
    """
    prices = [id_of(item.get("price")) for item in items]
    for price in prices:
        if present is not None and price in present.price_ids:
            return present
        if version := plans.of_price(price):
            return version
    log.warning("stripe price stands for no plan", prices=prices)
    return present


def _either(name: str, item: dict[str, Any], described: dict[str, Any]) -> int | None:
    """Periods moved from the subscription to its items with Stripe's API of 2025-03-31."""
    found: int | None = item.get(name) or described.get(name)
    return found


def id_of(reference: Any) -> str:
    """The id of an object, whether Stripe expanded it or not."""
    return str(reference["id"] if isinstance(reference, dict) else reference or "")


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
