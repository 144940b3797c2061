"""Support access: an operator looks into an organization as a member does, and its people know.

It takes a reason, lasts an hour at most, is in the organization's own changelog and mailed to its owners.
It reads, unless the organization's admin lets support write; it never changes who may get in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from tenants import errors, members, roles
from tenants.accounts import letters
from tenants.models import Organization, Status, SupportAccess, User

LONGEST = timedelta(minutes=60)
# By these an access that ends in an hour could leave one behind that does not.
NEVER_WRITTEN = frozenset({"members", "roles", "tokens", "settings"})
PERMISSION = "tenants.look_in"


@dataclass(frozen=True, slots=True)
class Look:
    """What a standing access lets its operator do."""

    may_write: bool

    def require(self, action: str, resource: str) -> None:
        """Raise `SupportReadOnly` for what support may not do."""
        if action != "read" and (not self.may_write or resource in NEVER_WRITTEN):
            raise errors.SupportReadOnly


def start(
    organization_id: str, *, reason: str, actor: Actor, minutes: int = LONGEST.seconds // 60
) -> SupportAccess:
    """Look in for so many minutes; an access of the same operator that stands is ended.

    Raises `ReasonRequired`, `InvalidMinutes`, and whatever keeps the changelog from being written.
    """
    actor.require(PERMISSION)
    actor.require_recent()
    audit.required_reason(reason)
    if not 1 <= minutes <= LONGEST.seconds // 60:
        raise errors.InvalidMinutes
    if not isinstance(actor.user, User):
        raise errors.NotAnOperator("Support access is a person's.")
    now = timezone.now()
    with members.changing(organization_id) as organization:
        _end(standing(now=now).filter(organization=organization, operator=actor.user), actor)
        access = SupportAccess.objects.create(
            operator=actor.user,
            organization=organization,
            reason=reason,
            started_at=now,
            expires_at=now + timedelta(minutes=minutes),
        )
        told = {"reason": reason, "until": access.expires_at.isoformat()}
        roles.book().note("support.start", subject=actor.name, actor=actor, before=None, after=told)
        _tell_owners(organization, access)
    return access


def end(organization_id: str, *, actor: Actor) -> int:
    """End one's own access to the organization at once; how many ended."""
    with members.changing(organization_id) as organization:
        mine = standing().filter(organization=organization, operator__public_id=actor.name)
        return _end(mine, actor)


def end_all(organization_id: str, *, actor: Actor) -> int:
    """End every operator's access at once, as a member with `write` on `settings`; how many ended."""
    with members.changing(organization_id) as organization:
        members.require(actor, "write", "settings")
        return _end(standing().filter(organization=organization), actor)


def let_write(organization_id: str, *, actor: Actor) -> None:
    """Let support write from the next request on, as a member with `write` on `settings`."""
    _set_may_write(organization_id, actor, to=True)


def let_only_read(organization_id: str, *, actor: Actor) -> None:
    """Let support do no more than read from the next request on."""
    _set_may_write(organization_id, actor, to=False)


def look_of(user: User, organization_id: str) -> tuple[Organization, Look] | None:
    """The organization and what the operator may do there, while an access of theirs stands.

    One who is no operator any more, or may not look in any more, has none.
    """
    if not user.has_perm(PERMISSION):
        return None
    access = standing().filter(operator=user, organization=organization_id).first()
    if access is None:
        return None
    return access.organization, Look(may_write=access.organization.support_may_write)


def standing(*, now: datetime | None = None) -> QuerySet[SupportAccess]:
    found = SupportAccess.objects.filter(ended_at=None, expires_at__gt=now or timezone.now())
    return found.exclude(organization__status=Status.PURGED).select_related("organization", "operator")


def _end(accesses: QuerySet[SupportAccess], actor: Actor) -> int:
    ended = list(accesses)
    for access in ended:
        access.ended_at = timezone.now()
        access.save(update_fields=("ended_at",))
        subject = str(access.operator.public_id)
        roles.book().note("support.end", subject=subject, actor=actor, before=None, after=None)
    return len(ended)


def _set_may_write(organization_id: str, actor: Actor, *, to: bool) -> None:
    with members.changing(organization_id) as organization:
        members.require(actor, "write", "settings")
        if organization.support_may_write == to:
            return
        organization.support_may_write = to
        organization.save(update_fields=("support_may_write",))
        roles.book().note("support.may_write", subject=organization.id, actor=actor, before=not to, after=to)


def _tell_owners(organization: Organization, access: SupportAccess) -> None:
    for owner in User.objects.owners_of(organization.id):
        letters.post(
            "support/started",
            owner.email,
            organization=organization.id,
            recipient=str(owner.public_id),
            reason=access.reason,
            until=f"{access.expires_at:%d %B %Y, %H:%M} UTC",
            what="read and write" if organization.support_may_write else "read",
        )
