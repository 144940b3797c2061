"""What drills make for themselves, and what alone may be done to it: erased without waiting, or a trace.

Its people have addresses in a domain that receives no mail, by which they are known.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from tenants import errors, lifecycle, organizations, tokens
from tenants.models import Organization, Status, User

DOMAIN = "drill.invalid"
PERMISSION = "tenants.purge_organization"
TOKEN_LIVES = timedelta(hours=1)


def address(name: str) -> str:
    """An e-mail address of a drill's person; RFC 2606 keeps its domain from ever existing."""
    return f"{name}@{DOMAIN}"


@transaction.atomic
def end_retention(organization_id: str, *, actor: Actor, reason: str = "") -> Organization:
    """Let the reaper purge it now. Raises `NotSynthetic`, `NotPendingDeletion`."""
    actor.require(PERMISSION)
    organization = _require(organizations.locked(organization_id))
    if organization.status != Status.PENDING_DELETION:
        raise errors.NotPendingDeletion
    organization.purge_after = _earlier(organization.purge_after, timezone.now())
    organization.save(update_fields=("purge_after",))
    audit.record("organization.end_retention", actor=actor, organization=organization.id, reason=reason)
    return organization


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)


@transaction.atomic
def erase(organization_id: str, *, actor: Actor) -> bool:
    """All of it, in whatever state, its row or tombstone too; False when there is none.

    Its id has a random part, so that nobody is to be kept from using it again. Raises `NotSynthetic`.
    """
    actor.require(PERMISSION)
    organization = Organization.objects.named(organization_id).select_for_update().first()
    if organization is None:
        return False
    _require(organization)
    if organization.status != Status.PURGED:
        lifecycle.erase_parts(organization)
    # By its id: what is still to come on commit needs the object's.
    Organization.objects.filter(pk=organization_id).delete()
    audit.record("organization.erase", actor=actor, organization=organization_id)
    return True


@transaction.atomic
def appoint(email: str, *, actor: Actor) -> str:
    """An operator of the group admin, who cannot sign in; the text of their token, good for an hour.

    Raises `NotSynthetic` for an address that is not of a drill's.
    """
    actor.require("tenants.add_user")
    if not email.endswith(f"@{DOMAIN}"):
        raise errors.NotSynthetic
    user = User.objects.create_user(email, is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    audit.record("user.appoint", actor=actor, after={"user": str(user.public_id)})
    token, text = tokens.create_for_operator(user, actor=actor, scopes=["read", "write"], expires_days=1)
    token.expires_at = timezone.now() + TOKEN_LIVES
    token.save(update_fields=("expires_at",))
    return text


@transaction.atomic
def dismiss(email: str, *, actor: Actor) -> bool:
    """Delete a drill's person with their tokens; False when there is none. Raises `NotSynthetic`."""
    actor.require(PERMISSION)
    if not email.endswith(f"@{DOMAIN}"):
        raise errors.NotSynthetic
    user = User.objects.filter(email=email).first()
    if user is None:
        return False
    audit.record("user.dismiss", actor=actor, before={"user": str(user.public_id)})
    user.delete()
    return True


def _require(organization: Organization) -> Organization:
    if not organization.is_synthetic:
        raise errors.NotSynthetic
    return organization
