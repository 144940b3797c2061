"""The verbs that change a subscription itself: its trial and, where billing is manual, state and plan."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from billing import catalogue, entitlements, errors, plans, timeline
from billing.changing import changing, describe
from billing.models import Source, State, Subscription
from pulse import versions
from pulse.actors import Actor
from tenants.models import Organization


@transaction.atomic
def start_trial(organization: Organization) -> Subscription:
    """A trial of 14 days from now. Part of provisioning, which audits it."""
    ends_at = timezone.now() + timedelta(days=catalogue.TRIAL_DAYS)
    subscription = Subscription.objects.create(
        organization=organization,
        state=State.TRIAL,
        plan_version=plans.find("trial"),
        trial_ends_at=ends_at,
    )
    timeline.write(organization.id)
    return subscription


def set_state(
    organization_id: str,
    *,
    state: str,
    actor: Actor,
    plan: str = "",
    trial_ends_at: datetime | None = None,
    grace_ends_at: datetime | None = None,
    reason: str = "",
    seen: Collection[str] = (),
) -> Subscription:
    """Put a manual subscription into a state, in force at the next request in every process.

    `plan` as in `plans.find`; the present one when empty. Raises `OrganizationNotFound`,
    `InvalidSubscriptionState`, `UnknownPlan`, `ManagedByStripe`, and `StaleVersion` when the present
    state's version is not among those `seen`.
    """
    actor.require("billing.change_subscription")
    actor.require_recent()
    if state not in State.values:
        raise errors.InvalidSubscriptionState
    with changing(organization_id, verb="set_state", actor=actor, reason=reason) as organization:
        versions.require(describe(entitlements.for_organization(organization_id)), seen)
        subscription, _ = Subscription.objects.get_or_create(organization=organization)
        if subscription.source == Source.STRIPE:
            raise errors.ManagedByStripe
        subscription.state = state
        subscription.trial_ends_at, subscription.grace_ends_at = trial_ends_at, grace_ends_at
        if plan:
            subscription.plan_version = plans.find(plan)
        subscription.save()
    return subscription
