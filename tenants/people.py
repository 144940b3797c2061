"""Operators: made, given groups, shut out and let in again. Members come through their organizations.

Nobody changes their own access, nobody acts on a person who may do more than they may, and the audit log
keeps public UUIDs alone.
"""

import secrets
from collections.abc import Collection, Sequence

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction

from pulse import audit, versions
from pulse.actors import Actor
from tenants import errors
from tenants.accounts import letters
from tenants.models import User
from tenants.provisioning import checked_email

CHANGE = "tenants.change_user"


def named(email: str) -> User:
    """The person with this e-mail address, in whatever case. Raises `UserNotFound`."""
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist:
        raise errors.UserNotFound from None


def create_operator(email: str, *, groups: Sequence[str], actor: Actor) -> tuple[User, str]:
    """An operator in these groups, and their generated password, which is kept nowhere else.

    Raises `InvalidEmail`, `UnknownGroup`, `UserExists`.
    """
    actor.require("tenants.add_user")
    actor.require_recent()
    email = checked_email(email)
    wanted = _grantable(groups, actor)
    password = secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, is_staff=True)
            # Who makes an operator vouches for the address.
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
            user.groups.set(wanted)
            _record("operator.create", user, actor, after={"groups": sorted(groups)})
    except IntegrityError:
        raise errors.UserExists from None
    return user, password


@transaction.atomic
def change_groups(
    user: User, *, groups: Sequence[str], actor: Actor, reason: str = "", seen: Collection[str] = ()
) -> User:
    """Be in these groups and no other. With one a person is an operator, without any they are none.

    Raises `NotYourself`, `UnknownGroup`, and `StaleVersion` when the version of the groups is not among
    those `seen`.
    """
    actor.require_recent()
    locked = _locked(user, actor)
    wanted = _grantable(groups, actor)
    before = groups_of(locked)
    versions.require(before, seen)
    locked.groups.set(wanted)
    locked.is_staff = locked.is_superuser or bool(wanted)
    locked.save(update_fields=("is_staff",))
    _record("operator.groups", locked, actor, {"groups": before}, {"groups": sorted(groups)}, reason)
    return locked


def groups_of(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


@transaction.atomic
def deactivate(user: User, *, actor: Actor, reason: str = "") -> User:
    """End the person's sessions and tokens from the next request on; doing so twice changes nothing.

    Raises `NotYourself`.
    """
    locked = _locked(user, actor)
    if locked.is_active:
        locked.is_active = False
        locked.save(update_fields=("is_active",))
        _record("user.deactivate", locked, actor, {"active": True}, {"active": False}, reason)
    return locked


@transaction.atomic
def reactivate(user: User, *, actor: Actor, reason: str = "") -> User:
    """Let the person in again, with the password and the tokens that they had."""
    locked = _locked(user, actor)
    if not locked.is_active:
        locked.is_active = True
        locked.save(update_fields=("is_active",))
        _record("user.reactivate", locked, actor, {"active": False}, {"active": True}, reason)
    return locked


@transaction.atomic
def send_reset_link(user: User, *, actor: Actor, reason: str = "") -> User:
    """Mail the person a link to set a new password; until then the old one works. Raises `NotYourself`."""
    from tenants.tasks import mail_password_reset

    locked = _locked(user, actor)
    mail_password_reset.enqueue(locked.email)
    _record("user.send_reset_link", locked, actor, reason=reason)
    return locked


@transaction.atomic
def remove_factors(user: User, *, actor: Actor, reason: str) -> User:
    """Take the second factors and recovery codes away from somebody who has lost them, and tell them.

    Whoever asks must be known to be that person: from now on their password alone lets in. Raises
    `ReasonRequired`, `NotYourself`.
    """
    audit.required_reason(reason)
    actor.require_recent()
    locked = _locked(user, actor)
    kinds = sorted(Authenticator.objects.filter(user=locked).values_list("type", flat=True))
    Authenticator.objects.filter(user=locked).delete()
    _record("user.remove_factors", locked, actor, before={"factors": kinds}, reason=reason)
    letters.post("operator/factors_removed", locked.email)
    return locked


def require_reach(user: User, *, actor: Actor) -> None:
    """Raise `BeyondYourself` where the person may do more than the actor, or could once let in again."""
    if not isinstance(actor.user, User) or actor.user.is_superuser:
        return
    if user.is_superuser or not set(user.groups.all()) <= set(grantable_groups(actor)):
        raise errors.BeyondYourself


def grantable_groups(actor: Actor) -> list[Group]:
    """The groups that the actor may put somebody into: those that may do no more than they may."""
    groups = Group.objects.order_by("name").prefetch_related("permissions__content_type")
    if not isinstance(actor.user, User) or actor.user.is_superuser:
        return list(groups)
    held = actor.user.get_all_permissions()
    return [group for group in groups if {_label(one) for one in group.permissions.all()} <= held]


def _label(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def _grantable(names: Sequence[str], actor: Actor) -> list[Group]:
    groups = list(Group.objects.filter(name__in=names))
    if len(groups) != len(set(names)):
        raise errors.UnknownGroup
    if not set(groups) <= set(grantable_groups(actor)):
        raise errors.BeyondYourself
    return groups


def _locked(user: User, actor: Actor) -> User:
    actor.require(CHANGE)
    locked = User.objects.select_for_update().filter(pk=user.pk).first()
    if locked is None:
        raise errors.UserNotFound
    if locked.pk == getattr(actor.user, "pk", None):
        raise errors.NotYourself
    require_reach(locked, actor=actor)
    return locked


def _record(
    verb: str,
    user: User,
    actor: Actor,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
    reason: str = "",
) -> None:
    named = {"user": str(user.public_id)}
    audit.record(verb, actor=actor, before=before, after=named | (after or {}), reason=reason)
