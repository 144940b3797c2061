"""What every verb of billing does around its change: locks, compares, writes the timeline and the audit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone

from billing import entitlements, mails, propagation, timeline
from billing.entitlements import Entitlements
from pulse import audit
from pulse.actors import Actor
from tenants.errors import OrganizationNotFound
from tenants.models import Organization


@contextmanager
def changing(organization_id: str, *, verb: str, actor: Actor, reason: str = "") -> Iterator[Organization]:
    """One change of an organization's billing, in a transaction with its row locked.

    The audit event has the effective state before and after, as far as they differ. Raises
    `OrganizationNotFound`, `InvalidReason`.
    """
    with transaction.atomic():
        organization = Organization.objects.living().select_for_update().filter(id=organization_id).first()
        if organization is None:
            raise OrganizationNotFound
        from billing.tasks import mail_owners

        before = describe(entitlements.for_organization(organization.id))
        yield organization
        timeline.write(organization.id)
        after = describe(entitlements.for_organization(organization.id))
        changed = [name for name in after if after[name] != before[name]]
        audit.record(
            f"billing.{verb}",
            actor=actor,
            organization=organization.id,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            reason=reason,
        )
        propagation.watch(organization.id, changed_at=timezone.now())
        if mail := mails.of_change(before, after):
            mail_owners.enqueue(organization.id, mail)


def describe(effective: Entitlements) -> dict[str, Any]:
    """The effective state in JSON's values, under the names that `billing-state` has."""
    trial_ends_at = effective.trial_ends_at
    return {
        "subscription_state": effective.state,
        "plan_version": effective.plan_version,
        "capabilities": sorted(effective.capabilities),
        "limits": dict(effective.limits),
        "meters_enabled": sorted(effective.meters),
        "trial_ends_at": f"{trial_ends_at:%Y-%m-%dT%H:%M:%SZ}" if trial_ends_at else None,
        "origin": dict(effective.origin),
    }
