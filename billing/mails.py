"""Mails to an organization's owners at each step of its subscription, in text and HTML."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, Q
from django.template.loader import render_to_string

from billing import entitlements
from billing.models import State, Subscription
from tenants.models import Organization, User

# How long before its end the owners are told that a trial ends.
WARNED_BEFORE = timedelta(days=3)

# The state that an organization has come to: which mail tells of it.
OF_STATE = {
    State.ACTIVE: "active",
    State.GRACE: "payment_failed",
    State.EXPIRED: "expired",
    State.SUSPENDED: "suspended",
    State.CANCELED: "canceled",
}
SUBJECTS = {
    "active": "{name}: the subscription is active",
    "payment_failed": "{name}: the last payment failed",
    "expired": "{name}: the subscription has expired",
    "suspended": "{name}: the subscription is paused",
    "canceled": "{name}: the subscription is canceled",
    "plan_changed": "{name}: the plan has changed",
    "trial_ends": "{name}: the trial ends soon",
    "trial_ended": "{name}: the trial has ended",
}


def of_change(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """Which mail a change calls for, by `changing.describe` before and after; None for none."""
    if after["subscription_state"] != before["subscription_state"]:
        return OF_STATE.get(State(after["subscription_state"]))
    return "plan_changed" if after["plan_version"] != before["plan_version"] else None


def send(organization_id: str, mail: str) -> int:
    """Mail each owner; how many. Nobody is written to when `PULSE_NOTIFY_OWNERS` is off."""
    organization = Organization.objects.living().filter(id=organization_id).first()
    if organization is None or not settings.PULSE_NOTIFY_OWNERS:
        return 0
    words = {
        "organization": organization,
        "entitlements": entitlements.for_organization(organization_id),
        "product_url": settings.PULSE_PRODUCT_URL,
        "contact": settings.PULSE_SUPPORT_CONTACT,
        "mail": mail,
    }
    subject = SUBJECTS[mail].format(name=organization.display_name)
    owners = User.objects.filter(
        memberships__organization=organization, memberships__is_owner=True, is_active=True
    )
    for owner in owners:
        message = EmailMultiAlternatives(
            subject, render_to_string("billing/mail/message.txt", words), to=[owner.email]
        )
        message.attach_alternative(render_to_string("billing/mail/message.html", words), "text/html")
        message.send()
    return len(owners)


def tell_of_trials(*, now: datetime) -> dict[str, list[str]]:
    """Write once about each trial that ends within three days, and about each that has ended.

    The organizations, by mail. Safe to run as often as one likes: the end that was told of is kept.
    """
    ending = Subscription.objects.filter(
        Q(trial_warned_for=None) | ~Q(trial_warned_for=F("trial_ends_at")),
        state=State.TRIAL, trial_ends_at__gt=now, trial_ends_at__lte=now + WARNED_BEFORE,
    )  # fmt: skip
    ended = Subscription.objects.filter(
        Q(trial_ended_for=None) | ~Q(trial_ended_for=F("trial_ends_at")),
        state=State.TRIAL, trial_ends_at__lte=now,
    )  # fmt: skip
    return {
        "trial_ends": _tell(ending, "trial_ends", "trial_warned_for", still=State.TRIAL),
        "trial_ended": _tell(ended, "trial_ended", "trial_ended_for", still=State.EXPIRED),
    }


def _tell(due: Any, mail: str, mark: str, *, still: str) -> list[str]:
    """An override may have changed what a trial comes to: then nobody is told."""
    told = []
    for subscription in list(due):
        setattr(subscription, mark, subscription.trial_ends_at)
        subscription.save(update_fields=(mark,))
        if entitlements.for_organization(subscription.organization_id).state == still:
            send(subscription.organization_id, mail)
            told.append(subscription.organization_id)
    return told
