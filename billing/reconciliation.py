"""Comparing every Stripe-backed subscription with Stripe, by night or by hand."""

from collections.abc import Iterator
from copy import copy as copy_of
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import stripe
import structlog
from django.db import transaction
from django.utils import timezone

from billing import metrics, stripe_client, stripe_subscriptions
from billing.changing import changing
from billing.models import Source, StripeSubscription, Subscription
from pulse.actors import Actor
from tenants.models import Organization

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Drift:
    """Where our row and Stripe's object differ: `differences` maps a field to (ours, Stripe's)."""

    organization_id: str
    differences: dict[str, tuple[str, str]]
    fixed: bool = False
    error: str = ""


def reconcile(*, actor: Actor, apply: bool = False) -> Iterator[Drift]:
    """Every drift that is found, fixed with `apply`. A subscription that cannot be read is reported too.

    Raises `StripeNotConfigured`.
    """
    actor.require("billing.change_subscription")
    client = stripe_client.client()
    backed = Subscription.objects.filter(source=Source.STRIPE).exclude(stripe_subscription="")
    backed = backed.filter(organization__is_synthetic=False)
    for organization_id in list(backed.order_by("pk").values_list("pk", flat=True)):
        if (drift := _examine(client, organization_id, actor, apply=apply)) is not None:
            _tell(drift)
            yield drift


def refresh(organization_id: str, *, actor: Actor, reason: str = "") -> Drift | None:
    """Derive anew what the gate reads: from Stripe, for a subscription of Stripe's, then from the layers.

    For whoever may change subscriptions or suspend, because no layer of ours changes. What was taken over
    from Stripe, if anything. Raises `OrganizationNotFound`, `InvalidReason`.
    """
    if not actor.may("billing.change_subscription"):
        actor.require("tenants.run_lifecycle")
    drift = None
    backed = Subscription.objects.filter(pk=organization_id, source=Source.STRIPE)
    if stripe_client.is_configured() and backed.exclude(stripe_subscription="").exists():
        drift = _examine(stripe_client.client(), organization_id, actor, apply=True, verb="refresh")
        if drift is not None:
            _tell(drift)
    with changing(organization_id, verb="refresh", actor=actor, reason=reason):
        return drift


def _tell(drift: Drift) -> None:
    outcome = "unreadable" if drift.error else "fixed" if drift.fixed else "found"
    metrics.stripe_drifts.labels(outcome=outcome).inc()
    log.warning(
        "stripe drift",
        organization=drift.organization_id,
        fields=sorted(drift.differences),
        outcome=outcome,
        error=drift.error,
    )


def _examine(
    client: stripe.StripeClient, organization_id: str, actor: Actor, *, apply: bool, verb: str = "reconcile"
) -> Drift | None:
    """Whatever one subscription has come to, the others are compared."""
    try:
        return _compare(client, organization_id, actor, verb=verb if apply else "")
    except Exception as error:
        return Drift(organization_id, {}, error=str(error) or type(error).__name__)


def _compare(client: stripe.StripeClient, organization_id: str, actor: Actor, *, verb: str) -> Drift | None:
    """Under `verb` what differs is taken over; without one it is told alone."""
    ours = Subscription.objects.filter(pk=organization_id).first()
    if ours is None:
        return None
    with stripe_client.answering():
        found = client.v1.subscriptions.retrieve(ours.stripe_subscription)
    described: dict[str, Any] = found.to_dict(for_json=True)
    order = stripe_subscriptions.order(_answered_at(found))
    differences = _differences(ours, described)
    heard_meanwhile = StripeSubscription.objects.filter(pk=described["id"], order__gt=order).exists()
    if not differences or heard_meanwhile:
        return None
    fixed = bool(verb) and _fix(organization_id, described, order, actor, verb)
    return Drift(organization_id, differences, fixed=fixed)


def _answered_at(found: stripe.Subscription) -> datetime:
    """By Stripe's clock, as its events are: what happened before then is in the answer."""
    response = found.last_response
    date = response.headers.get("Date") if response is not None else None
    return parsedate_to_datetime(date) if date else timezone.now()


def _differences(subscription: Subscription, described: dict[str, Any]) -> dict[str, tuple[str, str]]:
    theirs = copy_of(subscription)
    stripe_subscriptions.copy(described, theirs)
    return {
        name: (str(getattr(subscription, name)), str(getattr(theirs, name)))
        for name in stripe_subscriptions.COPIED
        if getattr(subscription, name) != getattr(theirs, name)
    }


@transaction.atomic
def _fix(organization_id: str, described: dict[str, Any], order: str, actor: Actor, verb: str) -> bool:
    Organization.objects.select_for_update().get(pk=organization_id)
    if not stripe_subscriptions.remember(organization_id, described, order=order):
        return False
    with changing(organization_id, verb=verb, actor=actor):
        stripe_subscriptions.take_over(organization_id)
    return True
