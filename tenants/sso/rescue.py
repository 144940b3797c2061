"""How an operator lets an organization in again that its identity provider has locked out."""

from django.db.models import Q, QuerySet

from pulse import audit
from pulse.actors import Actor
from tenants import members, roles
from tenants.accounts import letters
from tenants.models import Membership, Organization
from tenants.sso import errors
from tenants.sso.models import SsoIdentity

PERMISSION = "tenants.manage_access"


def locked_out(organization: Organization) -> QuerySet[Membership]:
    """The owners who do not get in by password as things stand."""
    owners = organization.memberships.filter(is_owner=True).select_related("user")
    if organization.sso_only:
        return owners.filter(Q(is_emergency_owner=False) | Q(vouched_until__isnull=False))
    return owners.filter(vouched_until__isnull=False)


def let_owners_in(organization_id: str, *, reason: str, actor: Actor) -> list[str]:
    """Let passwords in, and every owner by theirs, whatever the provider has said; whom, by their addresses.

    The connection stays, for them to mend. They are told by mail. Raises `ReasonRequired`, `NotLockedOut`.
    """
    actor.require(PERMISSION)
    actor.require_recent()
    audit.required_reason(reason)
    with members.changing(organization_id) as organization:
        released = list(locked_out(organization))
        if not (released or organization.sso_only):
            raise errors.NotLockedOut
        people = [membership.user for membership in released]
        organization.memberships.filter(user__in=people).update(vouched_until=None)
        SsoIdentity.objects.filter(connection__organization=organization, user__in=people).delete()
        organization.sso_only = False
        organization.save(update_fields=("sso_only",))
        told = {"reason": reason, "users": [str(user.public_id) for user in people]}
        roles.book().note("sso.rescue", subject=organization.id, actor=actor, before=None, after=told)
        for user in people:
            letters.post(
                "sso/let_in",
                user.email,
                organization=organization.id,
                recipient=str(user.public_id),
                reason=reason,
            )
    return [user.email for user in people]
