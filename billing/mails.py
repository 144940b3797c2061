"""Mails to an organization's owners at each step of its subscription, in text and HTML."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string

from billing import entitlements
from billing.entitlements import Entitlements
from billing.models import Override, State, Subscription
from pulse import outbox
from tenants.models import Organization, User

# How long before its end the owners are told that a trial ends.
WARNED_BEFORE = timedelta(days=3)
# How long a worker may have been down and still tell of what happened meanwhile.
LOOKED_BACK = timedelta(days=30)

# The state that an organization has come to: which mail tells of it.
OF_STATE = {
    State.ACTIVE: "active",
    State.GRACE: "payment_due",
    State.EXPIRED: "expired",
    State.SUSPENDED: "suspended",
    State.CANCELED: "canceled",
}
# The states in which a mail about them is still true; the others are true in any.
STILL_TRUE = {mail: state for state, mail in OF_STATE.items()} | {
    "trial_ends": State.TRIAL,
    "trial_ended": State.EXPIRED,
}
SUBJECTS = {
    "active": "{name}: the subscription is active",
    "payment_due": "{name}: a payment is due",
    "expired": "{name}: the subscription has expired",
    "suspended": "{name}: the subscription is paused",
    "canceled": "{name}: the subscription is canceled",
    "plan_changed": "{name}: the plan has changed",
    "trial_ends": "{name}: the trial ends soon",
    "trial_ended": "{name}: the trial has ended",
}


def tell_of_change(organization_id: str, before: Entitlements, after: Entitlements) -> None:
    """Enqueue the mail that a change calls for, in its transaction."""
    mail = _news(organization_id, after, by_clock=before.state == after.state)
    if mail is None and after.state == before.state and after.plan_version != before.plan_version:
        mail = "plan_changed"
    if mail is not None:
        _enqueue(organization_id, mail)


def tell_of_ends(*, now: datetime) -> dict[str, list[str]]:
    """Write once about each trial that ends within three days, and about each end that the clock has brought.

    The organizations, by mail. Safe to run as often as one likes: what the owners were told is kept.
    """
    told: dict[str, list[str]] = {}
    for organization_id in _near_an_end(now):
        if mail := _tell_of_end(organization_id, now):
            told.setdefault(mail, []).append(organization_id)
    return told


def _near_an_end(now: datetime) -> list[str]:
    """The organizations for which the clock may have done something that their owners do not know of."""
    lately, soon = (now - LOOKED_BACK, now), (now - LOOKED_BACK, now + WARNED_BEFORE)
    subscriptions = Subscription.objects.filter(
        Q(state=State.TRIAL, trial_ends_at__range=soon)
        | Q(state=State.GRACE, grace_ends_at__range=lately)
        | Q(state=State.ACTIVE, cancel_at_period_end=True, period_ends_at__range=lately)
    )
    overrides = Override.objects.standing().filter(
        Q(trial_ends_at__range=soon) | Q(valid_until__range=lately) | Q(valid_from__range=lately)
    )
    found = {*subscriptions.values_list("pk", flat=True), *overrides.values_list("organization", flat=True)}
    return sorted(found)


@transaction.atomic
def _tell_of_end(organization_id: str, now: datetime) -> str | None:
    Organization.objects.select_for_update().get(pk=organization_id)
    effective = entitlements.effective(entitlements.layers_of(organization_id), at=now)
    mail = _news(organization_id, effective, by_clock=True) or _warning(organization_id, effective, now)
    if mail is not None:
        _enqueue(organization_id, mail)
    return mail


def _news(organization_id: str, effective: Entitlements, *, by_clock: bool) -> str | None:
    """The mail that tells of the state, which the owners are then taken to know; None when they did.

    By the clock only ends are news, so that one that is set back tells nothing twice.
    """
    subscription = Subscription.objects.filter(pk=organization_id).first()
    if subscription is None or subscription.told_state == effective.state:
        return None
    if by_clock and effective.state not in entitlements.WITHOUT_SERVICE:
        return None
    earlier, subscription.told_state = subscription.told_state, effective.state
    subscription.save(update_fields=("told_state",))
    if by_clock and (earlier, effective.state) == (State.TRIAL, State.EXPIRED):
        return "trial_ended"
    return OF_STATE.get(State(effective.state))


def _warning(organization_id: str, effective: Entitlements, now: datetime) -> str | None:
    ends_at = effective.trial_ends_at
    if effective.state != State.TRIAL or ends_at is None or ends_at > now + WARNED_BEFORE:
        return None
    unwarned = Subscription.objects.filter(pk=organization_id).exclude(trial_warned_for=ends_at)
    return "trial_ends" if unwarned.update(trial_warned_for=ends_at) else None


def _enqueue(organization_id: str, mail: str) -> None:
    from billing.tasks import mail_owners

    mail_owners.enqueue(organization_id, mail)


@transaction.atomic
def send(organization_id: str, mail: str) -> int:
    """Mail each owner; how many. Nobody is when `PULSE_NOTIFY_OWNERS` is off, of the past, or of a drill."""
    organization = Organization.objects.living().customers().filter(id=organization_id).first()
    if organization is None or not settings.PULSE_NOTIFY_OWNERS:
        return 0
    effective = entitlements.for_organization(organization_id)
    if STILL_TRUE.get(mail, effective.state) != effective.state:
        return 0
    words = {
        "organization": organization,
        "entitlements": effective,
        "product_url": settings.PULSE_PRODUCT_URL,
        "contact": settings.PULSE_SUPPORT_CONTACT,
        "mail": mail,
    }
    subject = SUBJECTS[mail].format(name=organization.display_name)
    owners = User.objects.owners_of(organization.id)
    for owner in owners:
        outbox.put(
            to=owner.email,
            subject=subject,
            text=render_to_string("billing/mail/message.txt", words),
            html=render_to_string("billing/mail/message.html", words),
            about=f"billing/{mail}",
            organization=organization.id,
            recipient=str(owner.public_id),
        )
    return len(owners)
