"""The lifecycle of an organization: one table of transitions, one verb for each.

Every verb locks the row, checks the table, writes the change with its audit event and the job that mails
the owners in one transaction, and returns the organization. A drill's is neither mailed about nor counted.
Unknown and purged ids raise `OrganizationNotFound`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from pulse import audit, faults
from pulse.actors import Actor
from pulse.problems import Problem
from tenants import errors, metrics, organizations, resources
from tenants.models import Membership, Organization, Status, User
from tenants.sso.models import SsoConnection

DEFAULT_RETENTION_DAYS = 30
LONGEST_RETENTION_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Transition:
    """From where a verb is allowed, what it refuses elsewhere, which permission it takes, whom it spares."""

    sources: frozenset[str]
    refusals: dict[str, type[Problem]]
    permission: str = "tenants.run_lifecycle"
    spares_default: bool = False
    tells_owners: bool = True


TRANSITIONS = {
    "suspend": Transition(
        sources=frozenset({Status.ACTIVE}),
        refusals={
            Status.SUSPENDED: errors.AlreadySuspended,
            Status.PENDING_DELETION: errors.AlreadyPendingDeletion,
        },
        spares_default=True,
    ),
    "unsuspend": Transition(
        sources=frozenset({Status.SUSPENDED}),
        refusals={
            Status.ACTIVE: errors.NotSuspended,
            Status.PENDING_DELETION: errors.NotSuspended,
        },
    ),
    "soft_delete": Transition(
        sources=frozenset({Status.ACTIVE, Status.SUSPENDED}),
        refusals={Status.PENDING_DELETION: errors.AlreadyPendingDeletion},
        spares_default=True,
    ),
    "restore": Transition(
        sources=frozenset({Status.PENDING_DELETION}),
        refusals={
            Status.ACTIVE: errors.NotPendingDeletion,
            Status.SUSPENDED: errors.NotPendingDeletion,
        },
    ),
    "purge": Transition(
        sources=frozenset({Status.PENDING_DELETION}),
        refusals={
            Status.ACTIVE: errors.NotPendingDeletion,
            Status.SUSPENDED: errors.NotPendingDeletion,
        },
        permission="tenants.purge_organization",
        spares_default=True,
        tells_owners=False,
    ),
}


def suspend(organization_id: str, *, actor: Actor, reason: str = "") -> Organization:
    """Refuse the organization's people from their next request on, in every process; its data stays."""

    def change(organization: Organization, now: datetime) -> None:
        organization.status = Status.SUSPENDED
        organization.suspended_at = now
        organization.suspend_reason = reason

    return _apply("suspend", organization_id, change, actor, reason)


def unsuspend(organization_id: str, *, actor: Actor, reason: str = "") -> Organization:
    """Let the organization's people in again."""

    def change(organization: Organization, now: datetime) -> None:
        organization.status = Status.ACTIVE
        organization.suspended_at = None
        organization.suspend_reason = ""

    return _apply("unsuspend", organization_id, change, actor, reason)


def soft_delete(
    organization_id: str,
    *,
    actor: Actor,
    retention_days: int = DEFAULT_RETENTION_DAYS,
    reason: str = "",
) -> Organization:
    """Refuse the organization's people, and let the reaper purge it after `retention_days` (1 to 3650).

    Raises `InvalidRetentionDays`.
    """
    if type(retention_days) is not int or not 1 <= retention_days <= LONGEST_RETENTION_DAYS:
        raise errors.InvalidRetentionDays

    def change(organization: Organization, now: datetime) -> None:
        organization.status_before_deletion = organization.status
        organization.status = Status.PENDING_DELETION
        organization.deletion_requested_at = now
        organization.retention_days = retention_days
        organization.purge_after = now + timedelta(days=retention_days)

    return _apply("soft_delete", organization_id, change, actor, reason)


def restore(organization_id: str, *, actor: Actor, reason: str = "") -> Organization:
    """Undo a soft delete: back to the state before it."""

    def change(organization: Organization, now: datetime) -> None:
        organization.status = organization.status_before_deletion
        organization.status_before_deletion = ""
        organization.deletion_requested_at = None
        organization.retention_days = None
        organization.purge_after = None

    return _apply("restore", organization_id, change, actor, reason)


def purge(organization_id: str, *, actor: Actor, reason: str = "") -> Organization:
    """Erase a tenant that is past its retention; a tombstone without personal data keeps its id taken.

    Rows go in this transaction, files once it has committed: a crash in between leaves files that
    nothing can reach, which `provisioning.reconcile` clears. Raises `RetentionNotOver`, or `PurgeRefused`
    when a tenant resource's `before_purge` objects.
    """

    def change(organization: Organization, now: datetime) -> None:
        if organization.purge_after is None or organization.purge_after > now:
            raise errors.RetentionNotOver(purge_after=organization.purge_after)
        for resource in resources.registered():
            resource.before_purge(organization)
        faults.reach("purge.agreed")
        erase_parts(organization)

    return _apply("purge", organization_id, change, actor, reason)


def erase_parts(organization: Organization) -> None:
    """All of a tenant but its row, in which nothing personal is left; the caller saves it."""
    for resource in reversed(resources.registered()):
        resource.purge(organization)
        faults.reach(f"purge.{resource.name}")
    _forget_people(organization)
    faults.reach("purge.people")
    organization.status = Status.PURGED
    organization.display_name = ""
    organization.signup_email = None
    organization.suspend_reason = ""


def _forget_people(organization: Organization) -> None:
    """Delete memberships and tokens, and the users that belonged nowhere else and are not operators."""
    members = list(organization.memberships.values_list("user_id", flat=True))
    organization.tokens.all().delete()
    organization.invitations.all().delete()
    organization.support_accesses.all().delete()
    organization.domain_claims.all().delete()
    SsoConnection.objects.filter(organization=organization).delete()
    organization.memberships.all().delete()
    elsewhere = Membership.objects.filter(user__in=members).values("user")
    User.objects.filter(pk__in=members, is_staff=False).exclude(pk__in=elsewhere).delete()


@transaction.atomic
def _apply(
    verb: str,
    organization_id: str,
    change: Callable[[Organization, datetime], None],
    actor: Actor,
    reason: str,
) -> Organization:
    started = perf_counter()
    transition = TRANSITIONS[verb]
    actor.require(transition.permission)
    audit.checked_reason(reason)
    organization = organizations.locked(organization_id)
    if organization.is_default and transition.spares_default:
        raise errors.DefaultOrganizationImmutable
    if organization.status not in transition.sources:
        raise transition.refusals[organization.status]
    before = snapshot(organization)
    now = timezone.now()
    change(organization, now)
    organization.status_changed_at = now
    organization.save()
    _record(verb, organization, before, actor, reason)
    if organization.is_synthetic:
        return organization
    if transition.tells_owners and settings.PULSE_NOTIFY_OWNERS:
        _mail_owners(verb, organization)
    _count_on_commit(before["status"], organization.status, started)
    return organization


def _record(verb: str, organization: Organization, before: dict[str, Any], actor: Actor, reason: str) -> None:
    after = snapshot(organization)
    changed = {name for name in after if after[name] != before[name]}
    audit.record(
        f"organization.{verb}",
        actor=actor,
        organization=organization.id,
        before={name: before[name] for name in sorted(changed)},
        after={name: after[name] for name in sorted(changed)},
        reason=reason,
    )


def snapshot(organization: Organization) -> dict[str, Any]:
    """The lifecycle fields for the audit: JSON values, no personal data."""
    return {
        "status": str(organization.status),
        "retention_days": organization.retention_days,
        "purge_after": organization.purge_after and organization.purge_after.isoformat(),
    }


def _mail_owners(verb: str, organization: Organization) -> None:
    """Enqueue in this transaction, so that the mail is sent exactly when the change holds."""
    from tenants.tasks import mail_owners

    mail_owners.enqueue(organization.id, verb)


def _count_on_commit(source: str, target: str, started: float) -> None:
    def count() -> None:
        metrics.transitions.labels(from_status=source, to_status=target).inc()
        metrics.transition_seconds.observe(perf_counter() - started)

    transaction.on_commit(count)
