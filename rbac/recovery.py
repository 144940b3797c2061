"""Break-glass: make a member an organization's admin, by a one-time recovery token.

An operator asks for the token, which is good for 15 minutes and one use, and redeems it for a member. Both
steps are audited and in the tenant's own changelog.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from rbac import assignments, changelog, databases, errors
from rbac.built_in import BUILT_IN
from rbac.models import Assignment, Permission, Principal, Role
from tenants import context, organizations, tokens
from tenants.errors import NotAMember, NotYourself
from tenants.models import Membership, RecoveryToken, User

PREFIX = "pulse_recovery_"
GOOD_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Issued:
    """`text` is shown this once. `expires_at` is in UTC."""

    text: str
    expires_at: datetime


@transaction.atomic
def issue(organization_id: str, *, actor: Actor, reason: str) -> Issued:
    """A recovery token; any earlier one of the organization ends. Raises `ReasonRequired`."""
    actor.require("tenants.break_glass")
    actor.require_recent()
    audit.required_reason(reason)
    organization = organizations.living(organization_id)
    RecoveryToken.objects.filter(organization=organization).delete()
    text = PREFIX + secrets.token_urlsafe(32)
    token = RecoveryToken.objects.create(
        organization=organization,
        token_hash=tokens.digest(text),
        created_by=actor.name,
        expires_at=timezone.now() + GOOD_FOR,
    )
    audit.record("recovery.issue", actor=actor, organization=organization.id, reason=reason)
    return Issued(text, token.expires_at)


def redeem(organization_id: str, *, token: str, email: str, actor: Actor) -> User:
    """Make the member the organization's admin, with that role alone, and mend the built-in roles.

    Raises `InvalidRecoveryToken`, `NotAMember`, `NotYourself`. The token is used up before the database is
    touched, so that it works once whatever happens then.
    """
    actor.require("tenants.break_glass")
    actor.require_recent()
    organization = organizations.living(organization_id)
    membership = (
        Membership.objects.filter(organization=organization, user__email=email.strip().lower())
        .select_related("user")
        .first()
    )
    if membership is None:
        raise NotAMember
    if membership.user == actor.user:
        raise NotYourself
    _use_up(organization.id, token, actor)
    with context.organization(organization.id), databases.writing(organization.id):
        assignments.require_member(str(membership.user.public_id))
        _mend_built_in_roles()
        principal, _ = Principal.objects.get_or_create(id=str(membership.user.public_id))
        before = sorted(principal.assignments.values_list("role_id", flat=True))
        principal.assignments.exclude(role_id="admin").delete()
        Assignment.objects.get_or_create(principal=principal, role_id="admin")
        changelog.record(
            "roles.reset_admin", subject=principal.id, actor=actor, before=before, after=["admin"]
        )
    return membership.user


@transaction.atomic
def _use_up(organization_id: str, text: str, actor: Actor) -> None:
    token = (
        RecoveryToken.objects.select_for_update()
        .filter(organization=organization_id, token_hash=tokens.digest(text))
        .first()
    )
    now = timezone.now()
    if token is None or token.used_at is not None or token.expires_at <= now:
        raise errors.InvalidRecoveryToken
    token.used_at = now
    token.save(update_fields=("used_at",))
    audit.record("recovery.redeem", actor=actor, organization=organization_id)


def _mend_built_in_roles() -> None:
    for role_id, (name, description, priority, rules) in BUILT_IN.items():
        role, _ = Role.objects.update_or_create(
            id=role_id,
            defaults={
                "name": name,
                "description": description,
                "priority": priority,
                "parent": None,
                "built_in": True,
            },
        )
        role.permissions.all().delete()
        Permission.objects.bulk_create(
            Permission(role=role, action=action, resource=resource) for action, resource in rules
        )
