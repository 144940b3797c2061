"""The verbs that change a subscription itself: its trial and, where billing is manual, state and plan."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from billing import catalogue, errors, plans, timeline
from billing.changing import changing
from billing.models import Source, State, Subscription
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
) -> Subscription:
    """Put a manual subscription into a state, in force at the next request in every process.

    `plan` as in `plans.find`; the present one when empty. Raises `OrganizationNotFound`,
    `InvalidSubscriptionState`, `UnknownPlan`, and `ManagedByStripe`.
    """
    actor.require("billing.change_subscription")
    if state not in State.values:
        raise errors.InvalidSubscriptionState
    with changing(organization_id, verb="set_state", actor=actor, reason=reason) as organization:
        subscription, _ = Subscription.objects.get_or_create(organization=organization)
        if subscription.source == Source.STRIPE:
            raise errors.ManagedByStripe
        subscription.state = state
        subscription.trial_ends_at, subscription.grace_ends_at = trial_ends_at, grace_ends_at
        if plan:
            subscription.plan_version = plans.find(plan)
        subscription.save()
    return subscription
