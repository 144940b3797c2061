"""API tokens: made, recognised, revoked. The token itself is shown once; its SHA-256 is kept."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from tenants import errors, people
from tenants.models import ApiToken, Membership, Organization, User

PREFIX = "pulse_"
SCOPES = ("read", "write", "check", "metrics", "alerts")
LONGEST_EXPIRY_DAYS = 3650
# A busy token's row is written at most once in this time.
LAST_USED_PRECISION = timedelta(minutes=1)


def create_for_operator(
    user: User, *, actor: Actor, scopes: list[str], expires_days: int | None = None
) -> tuple[ApiToken, str]:
    """A token that acts with the operator's own Django permissions, and its one-time text.

    Raises `BeyondYourself`, `NotAnOperator`, `InvalidScope`, `InvalidExpiry`.
    """
    _require_may_make(user, actor)
    if not user.is_staff:
        raise errors.NotAnOperator
    return _create(user, None, actor, scopes, expires_days)


def create_for_member(
    user: User,
    organization: Organization,
    *,
    actor: Actor,
    scopes: list[str],
    expires_days: int | None = None,
    within: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """A token that acts for the member in that organization alone, and its one-time text.

    `within` is the token that asks for it, if one does: the new one has none but its scopes and ends with
    it. Raises `BeyondYourself`, `NotAMember`, `InvalidScope`, `InvalidExpiry`.
    """
    _require_may_make(user, actor)
    if within is not None and not set(scopes) <= set(within.scopes):
        raise errors.BeyondYourself("A token makes tokens with none but its own scopes.")
    if not Membership.objects.filter(user=user, organization=organization).exists():
        raise errors.NotAMember
    return _create(user, organization, actor, scopes, expires_days, within)


def _require_may_make(user: User, actor: Actor) -> None:
    """One's own, or with the permission; and none that may do more than who is shown its text."""
    if user.pk != getattr(actor.user, "pk", None):
        actor.require("tenants.add_apitoken")
        people.require_reach(user, actor=actor)


@transaction.atomic
def _create(
    user: User,
    organization: Organization | None,
    actor: Actor,
    scopes: list[str],
    expires_days: int | None,
    within: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    actor.require_recent()
    if not scopes or not set(scopes) <= set(SCOPES):
        raise errors.InvalidScope
    if expires_days is not None and not 1 <= expires_days <= LONGEST_EXPIRY_DAYS:
        raise errors.InvalidExpiry
    ends = [within.expires_at] if within and within.expires_at else []
    if expires_days:
        ends.append(timezone.now() + timedelta(days=expires_days))
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        organization=organization,
        prefix=text[:14],
        token_hash=digest(text),
        scopes=sorted(set(scopes)),
        created_by=actor.name,
        made_by=within,
        expires_at=min(ends, default=None),
    )
    audit.record(
        "token.create",
        actor=actor,
        organization=organization.id if organization else "",
        after={"prefix": token.prefix, "scopes": token.scopes, "user": str(user.public_id)},
    )
    return token, text


@transaction.atomic
def revoke(token: ApiToken, *, actor: Actor) -> ApiToken:
    """End the token, and those that it made, from the next request on; twice changes nothing."""
    if token.user_id != getattr(actor.user, "pk", None):
        actor.require("tenants.delete_apitoken")
    return end(token, actor=actor)


@transaction.atomic
def end(token: ApiToken, *, actor: Actor) -> ApiToken:
    """As `revoke`, for a verb that has asked whether the actor may."""
    locked = ApiToken.objects.select_for_update().get(pk=token.pk)
    if locked.revoked_at is None:
        locked.revoked_at = timezone.now()
        locked.save(update_fields=("revoked_at",))
        audit.record(
            "token.revoke",
            actor=actor,
            organization=locked.organization_id or "",
            before={"prefix": locked.prefix},
        )
        for made in locked.made.filter(revoked_at=None):
            end(made, actor=actor)
    return locked


def recognise(text: str) -> ApiToken:
    """The token, with its user. Raises `InvalidToken`; which of the reasons it was is not told."""
    now = timezone.now()
    token = ApiToken.objects.select_related("user").filter(token_hash=digest(text)).first()
    if token is None or token.revoked_at is not None or not token.user.is_active:
        raise errors.InvalidToken
    if token.expires_at is not None and token.expires_at <= now:
        raise errors.InvalidToken
    if token.organization_id is None and not token.user.is_staff:
        raise errors.InvalidToken
    if token.last_used_at is None or abs(now - token.last_used_at) > LAST_USED_PRECISION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def digest(text: str) -> str:
    """Plain SHA-256 is enough: a token has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(text.encode()).hexdigest()
