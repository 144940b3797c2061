"""Members of an organization: they join, leave, are removed and signed out, and pass ownership on.

What they may do comes from the organization's roles, which go when they go. Every verb locks the
organization's row, so that the last owner is never two people's to take and no seat is given twice.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from django.db import transaction
from django.utils import timezone

from pulse import audit, faults
from pulse.actors import Actor
from tenants import context, errors, organizations, roles, tokens
from tenants.accounts import letters
from tenants.models import ApiToken, Membership, Organization, User
from tenants.sso.errors import EmergencyOwner
from tenants.sso.models import SsoIdentity

# With which an operator acts from outside.
OPERATORS = {"members": "tenants.change_membership", "roles": "tenants.manage_access"}


def _no_limit(organization_id: str) -> int | None:
    return None


# How many members an organization may have, or None; billing puts its answer here when its app is ready.
seats_of: Callable[[str], int | None] = _no_limit


@contextmanager
def changing(organization_id: str) -> Iterator[Organization]:
    """The organization, locked, with its roles open to be changed in the same breath."""
    with (
        context.organization(organizations.living(organization_id).id),
        roles.book().changing(),
        transaction.atomic(),
    ):
        yield organizations.locked(organization_id)


@contextmanager
def removing(organization_id: str) -> Iterator[Organization]:
    """As `changing`, but the roles are committed first.

    A crash between the two leaves a member without roles, who is removed once more; never roles of somebody
    who is none, which a product's checks would go on honouring.
    """
    with context.organization(organizations.living(organization_id).id), ExitStack() as committed_last:
        with roles.book().changing():
            committed_last.enter_context(transaction.atomic())
            yield organizations.locked(organization_id)
        faults.reach("member.roles_withdrawn")


def require(actor: Actor, action: str, resource: str) -> None:
    """Raise unless the actor's roles in the current organization allow it, or they are such an operator."""
    if resource not in OPERATORS or not actor.may(OPERATORS[resource]):
        roles.book().require(actor, action, resource)


def join(organization: Organization, user: User) -> Membership:
    """Give the person a seat in the organization, which the caller has locked.

    Raises `AlreadyAMember`, `SeatLimitReached`.
    """
    if organization.memberships.filter(user=user).exists():
        raise errors.AlreadyAMember
    require_seat(organization)
    return Membership.objects.create(organization=organization, user=user)


def require_seat(organization: Organization) -> None:
    limit = seats_of(organization.id)
    if limit is not None and organization.memberships.count() >= limit:
        raise errors.SeatLimitReached


def leave(organization_id: str, *, actor: Actor) -> None:
    """Go, of one's own accord. Raises `NotAMember`, `LastOwner`, and rbac's `LastAdmin`."""
    with removing(organization_id) as organization:
        _take_out(_membership(organization, _person(actor)), actor, verb="member.leave")


def remove(organization_id: str, user: User, *, actor: Actor) -> None:
    """End the person's membership, roles, tokens and open invitations there, from the next request on.

    Taking roles away takes `write` on `roles`, as giving them does. Raises `NotAMember`, `NotYourself`,
    `OwnersOnly`, `LastOwner`, and rbac's `LastAdmin`.
    """
    with removing(organization_id) as organization:
        require(actor, "write", "members")
        membership = _membership(organization, user)
        if actor.user == user:
            raise errors.NotYourself("Leave the organization instead.")
        if roles.book().of(str(user.public_id)):
            require(actor, "write", "roles")
        if membership.is_owner:
            require_owner(organization, actor)
        _take_out(membership, actor, verb="member.remove")
        letters.post(
            "members/removed", user.email, organization=organization.id, recipient=str(user.public_id)
        )


def sign_out(organization_id: str, user: User, *, actor: Actor) -> None:
    """End the person's sessions and tokens in the organization at once; they may sign in again."""
    with changing(organization_id) as organization:
        require(actor, "write", "members")
        membership = _membership(organization, user)
        membership.signed_out_at = timezone.now()
        membership.save(update_fields=("signed_out_at",))
        _revoke_tokens(membership, actor)
        _record("member.sign_out", membership, actor)


def revoke_token(organization_id: str, token: ApiToken, *, actor: Actor) -> None:
    """End one token of a member's, such as one that has leaked, and those that it made.

    Raises `TokenNotFound` for one that works elsewhere.
    """
    with changing(organization_id) as organization:
        require(actor, "write", "members")
        if token.organization_id != organization.id:
            raise errors.TokenNotFound
        tokens.end(token, actor=actor)


def add_owner(organization_id: str, user: User, *, actor: Actor) -> Membership:
    """Make a member an owner beside the others, and an admin. Raises `NotAMember`, `OwnersOnly`."""
    with changing(organization_id) as organization:
        return _make_owner(organization, user, actor, verb="owner.add")


def transfer_ownership(organization_id: str, *, to: User, actor: Actor) -> Membership:
    """Make a member an owner in one's own place; an operator puts them in the place of all.

    The former owner keeps their roles, which the new one may change. Raises as `add_owner` does, and
    `NotYourself`.
    """
    with changing(organization_id) as organization:
        if actor.user == to:
            raise errors.NotYourself("You are to stay the owner: nothing would be transferred.")
        membership = _make_owner(organization, to, actor, verb="owner.transfer")
        former = organization.memberships.filter(is_owner=True).exclude(pk=membership.pk)
        if former.filter(user=_person(actor)).exists():
            former = former.filter(user=_person(actor))
        if former.filter(is_emergency_owner=True).exists():
            raise EmergencyOwner
        former.update(is_owner=False)
        return membership


def _make_owner(organization: Organization, user: User, actor: Actor, *, verb: str) -> Membership:
    actor.require_recent()
    require_owner(organization, actor)
    membership = _membership(organization, user)
    membership.is_owner = True
    membership.save(update_fields=("is_owner",))
    held = roles.book().of(str(user.public_id))
    if "admin" not in held and actor.user != user:
        roles.book().assign(str(user.public_id), roles=[*held, "admin"], actor=actor, verb="roles.assign")
    _record(verb, membership, actor)
    letters.post("members/owner", user.email, organization=organization.id, recipient=str(user.public_id))
    return membership


def require_owner(organization: Organization, actor: Actor) -> None:
    """Raise `OwnersOnly` unless the actor is one, or such an operator."""
    mine = organization.memberships.filter(user=_person(actor), is_owner=True)
    if not actor.may(OPERATORS["members"]) and not mine.exists():
        raise errors.OwnersOnly


def _person(actor: Actor) -> User | None:
    return actor.user if isinstance(actor.user, User) else None


def _membership(organization: Organization, user: User | None) -> Membership:
    membership = organization.memberships.select_related("user").filter(user=user).first()
    if membership is None:
        raise errors.NotAMember
    return membership


def _take_out(membership: Membership, actor: Actor, *, verb: str) -> None:
    others = Membership.objects.filter(organization=membership.organization_id, is_owner=True)
    if membership.is_owner and not others.exclude(pk=membership.pk).exists():
        raise errors.LastOwner
    if membership.is_emergency_owner:
        raise EmergencyOwner
    roles.book().withdraw(str(membership.user.public_id), actor=actor)
    _revoke_tokens(membership, actor)
    membership.organization.invitations.filter(
        invited_by=membership.user, accepted_at=None, revoked_at=None
    ).update(revoked_at=timezone.now())
    SsoIdentity.objects.filter(
        connection__organization=membership.organization_id, user=membership.user
    ).delete()
    _record(verb, membership, actor)
    membership.delete()


def _revoke_tokens(membership: Membership, actor: Actor) -> None:
    """So that none comes back to life when the person does."""
    theirs = ApiToken.objects.filter(
        user=membership.user, organization=membership.organization_id, revoked_at=None
    )
    for token in theirs:
        tokens.end(token, actor=actor)


def _record(verb: str, membership: Membership, actor: Actor) -> None:
    audit.record(
        verb,
        actor=actor,
        organization=membership.organization_id,
        after={"user": str(membership.user.public_id)},
    )
