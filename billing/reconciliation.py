"""Comparing every Stripe-backed subscription with Stripe, by night or by hand."""

from collections.abc import Iterator
from copy import copy as copy_of
from dataclasses import dataclass
from typing import Any

import stripe

from billing import metrics, stripe_client, stripe_subscriptions
from billing.changing import changing
from billing.models import Source, Subscription
from pulse.actors import Actor
from pulse.problems import Problem


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
    for subscription in backed.order_by("organization_id").iterator():
        drift = _compare(client, subscription, actor, apply=apply)
        if drift is not None:
            metrics.stripe_drifts.labels(outcome="fixed" if drift.fixed else "found").inc()
            yield drift


def _compare(
    client: stripe.StripeClient, subscription: Subscription, actor: Actor, *, apply: bool
) -> Drift | None:
    organization_id = subscription.organization_id
    try:
        with stripe_client.answering():
            found = client.v1.subscriptions.retrieve(subscription.stripe_subscription)
        described: dict[str, Any] = found.to_dict()
        differences = _differences(subscription, described)
    except (Problem, stripe_subscriptions.UnknownStatus) as error:
        return Drift(organization_id, {}, error=str(error))
    if not differences:
        return None
    if apply:
        _fix(organization_id, described, actor)
    return Drift(organization_id, differences, fixed=apply)


def _differences(subscription: Subscription, described: dict[str, Any]) -> dict[str, tuple[str, str]]:
    theirs = copy_of(subscription)
    stripe_subscriptions.copy(described, theirs)
    return {
        name: (str(getattr(subscription, name)), str(getattr(theirs, name)))
        for name in stripe_subscriptions.COPIED
        if getattr(subscription, name) != getattr(theirs, name)
    }


def _fix(organization_id: str, described: dict[str, Any], actor: Actor) -> None:
    with changing(organization_id, verb="reconcile", actor=actor) as organization:
        subscription = Subscription.objects.get(organization=organization)
        stripe_subscriptions.copy(described, subscription)
        subscription.save()
