"""Who the provider's person is, what roles their groups give, and until when they are vouched for.

The groups are the authority at each sign-in: roles are added and taken away. Without a group that has a role
a person has none, does not get in, and what they had open is over at once.
"""

from datetime import timedelta
from typing import NoReturn

from allauth.account.models import EmailAddress
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from pulse.problems import Problem
from tenants import members, roles
from tenants.models import Membership, Status, User
from tenants.sso import domains, errors
from tenants.sso.claims import Claims
from tenants.sso.models import SsoConnection, SsoIdentity

ROLES_VERB = "sso_role_assignment"


def admit(connection: SsoConnection, claims: Claims, *, request_id: str) -> Membership:
    """Sign the person in: link or make their account, give the seat and the roles, and vouch for them.

    Raises `NoGroup` once roles and vouching are gone, the refusals of `_person`, and `SeatLimitReached`.
    """
    actor = acting_for(connection.organization_id, request_id)
    wanted = set(connection.groups.filter(group__in=claims.groups).values_list("role", flat=True))
    if not wanted:
        _refuse_without_group(connection, claims, actor)
    with members.changing(connection.organization_id) as organization:
        user = _person(connection, claims, actor)
        membership = organization.memberships.filter(user=user).first()
        if membership is None:
            membership = members.join(organization, user)
            _record("sso.join", membership, actor)
        _give(user, wanted, actor)
        membership.vouched_until = timezone.now() + timedelta(minutes=connection.session_minutes)
        membership.save(update_fields=("vouched_until",))
        _record("sso.sign_in", membership, actor)
    membership.user = user
    return membership


def end_vouching(organization_id: str, user: User, *, request_id: str) -> None:
    """End the person's sessions in the organization, and their tokens until the provider lets them in again.

    Only of one whom it has vouched for. Their roles go too, so that no product honours them.
    """
    actor = acting_for(organization_id, request_id)
    with members.removing(organization_id) as organization:
        membership = organization.memberships.filter(user=user, vouched_until__isnull=False).first()
        if membership is None or membership.is_emergency_owner:
            return
        _give(user, set(), actor)
        membership.vouched_until = membership.signed_out_at = timezone.now()
        membership.save(update_fields=("vouched_until", "signed_out_at"))
        _record("sso.end", membership, actor)


def acting_for(organization_id: str, request_id: str) -> Actor:
    """The provider, in whose name roles are given."""
    return Actor(kind="system", name=f"sso:{organization_id}", door="page", request_id=request_id)


def refused(organization_id: str, problem: Problem, *, request_id: str) -> None:
    """Let the organization's administrator see why somebody did not get in."""
    audit.record(
        "sso.refused",
        actor=acting_for(organization_id, request_id),
        organization=organization_id,
        after={"code": problem.code},
    )


def _refuse_without_group(connection: SsoConnection, claims: Claims, actor: Actor) -> NoReturn:
    known = _identity(connection, claims)
    if known is not None:
        end_vouching(connection.organization_id, known.user, request_id=actor.request_id)
    raise errors.NoGroup


def _identity(connection: SsoConnection, claims: Claims) -> SsoIdentity | None:
    found = SsoIdentity.objects.filter(connection=connection, subject=claims.subject)
    return found.select_related("user").first()


def _person(connection: SsoConnection, claims: Claims, actor: Actor) -> User:
    """By the subject; else by an e-mail address that is verified, of a domain of this organization's.

    Raises `AccountElsewhere`, `ByPassword`, `EmailUnverified`, `EmailElsewhere`.
    """
    known = _identity(connection, claims)
    user = known.user if known else _by_email(connection, claims)
    if user is not None and (user.is_staff or not user.is_active):
        raise errors.AccountElsewhere
    if user is not None and _is_emergency_owner(connection, user):
        raise errors.ByPassword
    if known is None:
        user = user or User.objects.create_user(claims.email, name=claims.name)
        _link(connection, claims, user, actor)
    return user  # type: ignore[return-value]  # An identity has its user.


def _by_email(connection: SsoConnection, claims: Claims) -> User | None:
    """An account that is nobody else's: of no other organization, and no other subject's here."""
    if not claims.email or not claims.email_verified:
        raise errors.EmailUnverified
    if domains.organization_for(claims.domain) != connection.organization_id:
        raise errors.EmailElsewhere
    user = User.objects.filter(email=claims.email).first()
    if user is None:
        return None
    elsewhere = user.memberships.exclude(organization=connection.organization_id)
    if elsewhere.exclude(organization__status=Status.PURGED).exists():
        raise errors.AccountElsewhere
    if SsoIdentity.objects.filter(connection=connection, user=user).exists():
        raise errors.AccountElsewhere
    return user


def _is_emergency_owner(connection: SsoConnection, user: User) -> bool:
    held = Membership.objects.filter(organization=connection.organization_id, user=user)
    return held.filter(is_emergency_owner=True).exists()


def _link(connection: SsoConnection, claims: Claims, user: User, actor: Actor) -> None:
    SsoIdentity.objects.create(connection=connection, user=user, subject=claims.subject)
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    audit.record(
        "sso.link",
        actor=actor,
        organization=connection.organization_id,
        after={"user": str(user.public_id)},
    )


def _give(user: User, wanted: set[str], actor: Actor) -> None:
    """Exactly these, but that the last admin stays one, whom nobody could follow."""
    try:
        roles.book().assign(str(user.public_id), roles=wanted, actor=actor, verb=ROLES_VERB)
    except Problem as refusal:
        if refusal.code != "last_admin":
            raise
        roles.book().assign(str(user.public_id), roles=wanted | {"admin"}, actor=actor, verb=ROLES_VERB)


def _record(verb: str, membership: Membership, actor: Actor) -> None:
    audit.record(
        verb,
        actor=actor,
        organization=membership.organization_id,
        after={"user": str(membership.user.public_id)},
    )
