"""Invitations to an organization: mailed, sent again, revoked, and accepted with a new or a known account.

The link in the mail proves that whoever follows it reads the address; it is signed, works once, and only
its hash is kept.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from pulse import audit, limits
from pulse.actors import Actor, from_job, from_user
from pulse.problems import PermissionRefused
from tenants import errors, members, roles
from tenants.accounts import letters
from tenants.models import Invitation, Membership, Organization, Status, User
from tenants.provisioning import checked_email
from tenants.tokens import digest

DEFAULT_DAYS = 7
LONGEST_DAYS = 30
# Of one organization, so that nobody makes Pulse write to the world.
RATE = "100/day"
SIGNER = signing.Signer(salt="tenants.invitations")


def invite(
    organization_id: str,
    *,
    email: str,
    actor: Actor,
    roles_given: Collection[str] = (),
    days: int = DEFAULT_DAYS,
) -> Invitation:
    """Mail somebody a link by which they join with these roles. Giving any takes `write` on `roles`.

    Raises `InvalidEmail`, `InvalidInvitationDays`, `AlreadyAMember`, `AlreadyInvited`, `SeatLimitReached`,
    `RateLimited`, and rbac's `UnknownRoles`.
    """
    email = checked_email(email)
    if not 1 <= days <= LONGEST_DAYS:
        raise errors.InvalidInvitationDays
    with members.changing(organization_id) as organization:
        members.require(actor, "write", "members")
        if roles_given:
            members.require(actor, "write", "roles")
            roles.book().check(roles_given)
        _check_vacant(organization, email)
        _limit(organization)
        invitation = Invitation(
            organization=organization,
            email=email,
            roles=sorted(set(roles_given)),
            invited_by=actor.user if isinstance(actor.user, User) else None,
            expires_at=timezone.now() + timedelta(days=days),
        )
        _send(invitation)
        _record("invitation.send", invitation, actor)
    return invitation


def resend(organization_id: str, invitation_id: int, *, actor: Actor) -> Invitation:
    """Mail a new link that lasts as long as the first did; the earlier one ends.

    Raises `MemberInvitationNotFound`, `RateLimited`.
    """
    with members.changing(organization_id) as organization:
        members.require(actor, "write", "members")
        invitation = _open(organization, invitation_id)
        _limit(organization)
        now = timezone.now()
        invitation.expires_at = now + (invitation.expires_at - invitation.created_at)
        invitation.created_at = now
        _send(invitation)
        _record("invitation.resend", invitation, actor)
    return invitation


def revoke(organization_id: str, invitation_id: int, *, actor: Actor) -> None:
    """End the link. Raises `MemberInvitationNotFound`."""
    with members.changing(organization_id) as organization:
        members.require(actor, "write", "members")
        invitation = _open(organization, invitation_id)
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=("revoked_at",))
        _record("invitation.revoke", invitation, actor)


def pending(text: str) -> Invitation:
    """The invitation whose link this is. Raises `InvitationLinkInvalid`, whatever the reason."""
    try:
        token = SIGNER.unsign(text)
    except signing.BadSignature:
        raise errors.InvitationLinkInvalid from None
    invitation = (
        Invitation.objects.filter(
            token_hash=digest(token),
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=timezone.now(),
            organization__status=Status.ACTIVE,
        )
        .select_related("organization")
        .first()
    )
    if invitation is None or account_of(invitation, active=False) is not None:
        raise errors.InvitationLinkInvalid
    return invitation


def account_of(invitation: Invitation, *, active: bool = True) -> User | None:
    """Whose address is invited, if they have an account."""
    return User.objects.filter(email=invitation.email, is_active=active).first()


def needs_password(invitation: Invitation) -> bool:
    """Whether who follows the link has none yet; it does not change one that is there."""
    known = account_of(invitation)
    return known is None or not known.has_usable_password()


def accept(invitation: Invitation, *, user: User, actor: Actor) -> Membership:
    """Join, as the signed-in person whose address was invited.

    Raises `InvitedAsSomebodyElse`, `InvitationLinkInvalid`, `AlreadyAMember`, `SeatLimitReached`.
    """
    if user.email != invitation.email:
        raise errors.InvitedAsSomebodyElse
    return _accept(invitation, lambda: user, actor)


def accept_with_password(invitation: Invitation, *, password: str, actor: Actor) -> Membership:
    """Join, and sign in by this password from now on.

    Raises as `accept` does, and `PasswordNeeded` where the account has one already.
    """
    # Hashed before anything is locked, because it takes a while.
    password_hash = make_password(password)
    return _accept(invitation, lambda: _settled(invitation, password_hash), actor)


def _settled(invitation: Invitation, password_hash: str) -> User:
    user = account_of(invitation)
    if user is not None and user.has_usable_password():
        raise errors.PasswordNeeded
    user = user or User.objects.create_user(invitation.email)
    user.password = password_hash
    user.save(update_fields=("password",))
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    return user


def _accept(invitation: Invitation, person: Callable[[], User], actor: Actor) -> Membership:
    with members.changing(invitation.organization_id) as organization:
        if not Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, revoked_at=None, token_hash=invitation.token_hash
        ).update(accepted_at=timezone.now()):
            raise errors.InvitationLinkInvalid
        user = person()
        membership = members.join(organization, user)
        _give_roles(invitation, user)
        _record("member.join", invitation, actor, user=str(user.public_id))
    return membership


def _give_roles(invitation: Invitation, user: User) -> None:
    """In the inviter's name, by what they may do now: who has lost the right gives nothing any more."""
    if not invitation.roles:
        return
    inviter = invitation.invited_by
    if inviter is not None and not inviter.is_active:
        raise errors.InvitationLinkInvalid
    giver = replace(from_user(inviter, door="page"), as_member=True) if inviter else from_job("invitation")
    try:
        roles.book().assign(str(user.public_id), roles=invitation.roles, actor=giver, verb="roles.invitation")
    except PermissionRefused:
        raise errors.InvitationLinkInvalid from None


def _check_vacant(organization: Organization, email: str) -> None:
    """There is a seat, and nobody with the address has one or is asked to take it."""
    if organization.memberships.filter(user__email=email).exists():
        raise errors.AlreadyAMember
    members.require_seat(organization)
    earlier = organization.invitations.filter(email=email, accepted_at=None, revoked_at=None)
    now = timezone.now()
    if earlier.filter(expires_at__gt=now).exists():
        raise errors.AlreadyInvited
    earlier.update(revoked_at=now)


def _limit(organization: Organization) -> None:
    identifiers = ("invitations", organization.id)
    if not limits.hit(RATE, *identifiers):
        raise limits.RateLimited(
            "The organization sends more invitations than it may in a day.",
            headers=limits.headers(RATE, *identifiers),
        )


@transaction.atomic
def _send(invitation: Invitation) -> None:
    token = secrets.token_urlsafe(32)
    invitation.token_hash = digest(token)
    invitation.save()
    link = letters.address_of(reverse("invitation", args=(SIGNER.sign(token),)))
    letters.post("members/invitation", invitation.email, link=link, organization=invitation.organization_id)


def _open(organization: Organization, invitation_id: int) -> Invitation:
    """One that is neither accepted nor revoked; it may have expired."""
    invitation = organization.invitations.filter(pk=invitation_id, accepted_at=None, revoked_at=None).first()
    if invitation is None:
        raise errors.MemberInvitationNotFound
    return invitation


def _record(verb: str, invitation: Invitation, actor: Actor, **more: str) -> None:
    audit.record(
        verb,
        actor=actor,
        organization=invitation.organization_id,
        after={"invitation": invitation.pk, "roles": invitation.roles, **more},
    )
