"""A subscription as Stripe describes it, as ours: a function of Stripe's object, whatever came before."""

from datetime import UTC, datetime, timedelta
from typing import Any

from billing import catalogue, plans
from billing.models import Source, State, Subscription

STATES = {
    "trialing": State.TRIAL,
    "active": State.ACTIVE,
    "past_due": State.GRACE,
    "paused": State.SUSPENDED,
    "unpaid": State.EXPIRED,
    # The first payment is still open: nothing is in force yet.
    "incomplete": State.EXPIRED,
    "incomplete_expired": State.EXPIRED,
    "canceled": State.CANCELED,
}
# What a reconciliation compares.
COPIED = (
    "state", "plan_version_id", "trial_ends_at", "period_ends_at", "grace_ends_at",
    "cancel_at_period_end", "stripe_customer", "stripe_subscription", "source",
)  # fmt: skip


class UnknownStatus(ValueError):
    """Stripe has a status that this version of Pulse does not know. The event is kept and tried again."""


def copy(described: dict[str, Any], subscription: Subscription) -> None:
    """Write what Stripe's object says into the row, unsaved. Fields that we do not know are passed over.

    A grace ends a fixed time after the unpaid period began, so that it does not depend on which of several
    events came first. Raises `UnknownStatus`.
    """
    status = described["status"]
    if status not in STATES:
        raise UnknownStatus(f"Stripe's status {status} is not known")
    item = ((described.get("items") or {}).get("data") or [{}])[0]
    subscription.state = STATES[status]
    subscription.source = Source.STRIPE
    subscription.stripe_subscription = described["id"]
    subscription.stripe_customer = _id_of(described.get("customer"))
    subscription.trial_ends_at = _instant(described.get("trial_end"))
    subscription.period_ends_at = _instant(_either("current_period_end", item, described))
    subscription.cancel_at_period_end = bool(described.get("cancel_at_period_end"))
    subscription.grace_ends_at = None
    if subscription.state == State.GRACE:
        began = _instant(_either("current_period_start", item, described))
        subscription.grace_ends_at = began and began + timedelta(days=catalogue.GRACE_DAYS)
    if version := plans.of_price(_id_of(item.get("price"))):
        subscription.plan_version = version


def _either(name: str, item: dict[str, Any], described: dict[str, Any]) -> int | None:
    """Periods moved from the subscription to its items with Stripe's API of 2025-03-31."""
    found: int | None = item.get(name) or described.get(name)
    return found


def _id_of(reference: Any) -> str:
    """The id of an object, whether Stripe expanded it or not."""
    return str(reference["id"] if isinstance(reference, dict) else reference or "")


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
