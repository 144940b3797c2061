"""The verbs that change a subscription. Each also writes what the gate reads into the organization's row."""

from datetime import datetime, timedelta
from time import perf_counter

from django.db import transaction
from django.utils import timezone

from billing import metrics
from billing.errors import InvalidSubscriptionState
from billing.models import State, Subscription
from pulse import audit
from pulse.actors import Actor
from tenants.errors import OrganizationNotFound
from tenants.models import Organization

TRIAL_DAYS = 14


def start_trial(organization: Organization) -> Subscription:
    """A trial of 14 days from now. Part of provisioning, which audits it."""
    ends_at = timezone.now() + timedelta(days=TRIAL_DAYS)
    subscription = Subscription.objects.create(
        organization=organization, state=State.TRIAL, trial_ends_at=ends_at
    )
    _tell_the_gate(subscription)
    return subscription


@transaction.atomic
def set_state(
    organization_id: str,
    *,
    state: str,
    actor: Actor,
    trial_ends_at: datetime | None = None,
    reason: str = "",
) -> Subscription:
    """Put the subscription into a state, in force at the next request in every process.

    Raises `OrganizationNotFound`, `InvalidSubscriptionState`, `InvalidReason`.
    """
    started = perf_counter()
    actor.require("billing.change_subscription")
    if state not in State.values:
        raise InvalidSubscriptionState
    organization = Organization.objects.living().named(organization_id).select_for_update().first()
    if organization is None:
        raise OrganizationNotFound
    subscription, _ = Subscription.objects.get_or_create(organization=organization)
    before = snapshot(subscription)
    subscription.state, subscription.trial_ends_at = state, trial_ends_at
    subscription.save()
    _tell_the_gate(subscription)
    audit.record(
        "billing.set_state",
        actor=actor,
        organization=organization.id,
        before=before,
        after=snapshot(subscription),
        reason=reason,
    )
    transaction.on_commit(lambda: metrics.propagation_seconds.observe(perf_counter() - started))
    return subscription


def snapshot(subscription: Subscription) -> dict[str, str | None]:
    ends_at = subscription.trial_ends_at
    return {
        "state": str(subscription.state),
        "trial_ends_at": ends_at.isoformat() if ends_at else None,
    }


def _tell_the_gate(subscription: Subscription) -> None:
    Organization.objects.filter(pk=subscription.organization_id).update(
        subscription_state=subscription.state, subscription_ends_at=subscription.trial_ends_at
    )
