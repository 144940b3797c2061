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
from tenants import organizations
from tenants.models import Organization


@contextmanager
def changing(organization_id: str, *, verb: str, actor: Actor, reason: str = "") -> Iterator[Organization]:
    """One change of an organization's billing, in a transaction with its row locked.

    The audit event has the effective state before and after, as far as they differ. Raises
    `OrganizationNotFound`, `InvalidReason`.
    """
    with transaction.atomic():
        organization = organizations.locked(organization_id)
        before = entitlements.for_organization(organization.id)
        yield organization
        after = entitlements.effective(timeline.write(organization.id), at=timezone.now())
        described_before, described_after = describe(before), describe(after)
        changed = [name for name in described_after if described_after[name] != described_before[name]]
        audit.record(
            f"billing.{verb}",
            actor=actor,
            organization=organization.id,
            before={name: described_before[name] for name in changed},
            after={name: described_after[name] for name in changed},
            reason=reason,
        )
        propagation.watch(organization.id, changed_at=timezone.now())
        mails.tell_of_change(organization.id, before, after)


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
