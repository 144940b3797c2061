"""API tokens: made, rotated, recognised, revoked. The token itself is shown once; its SHA-256 is kept.

Whoever scans for leaked secrets finds them by `PATTERN`, and tells them from look-alikes by `checksum`.
"""

import hashlib
import secrets
import string
import zlib
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from pulse.text import is_one_line
from tenants import errors, people
from tenants.models import ApiToken, Membership, Organization, User

PREFIX = "pulse_"
# 62 to the power of 43 is 256 random bits; the last six are their checksum.
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_LENGTH, CHECKSUM_LENGTH = 43, 6
PATTERN = rf"\b{PREFIX}[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}\b"
SCOPES = ("read", "write", "check", "metrics", "alerts")
LONGEST_EXPIRY_DAYS = 3650
MAKE_OTHERS = "tenants.add_apitoken"
LONGEST_NAME = 100
# For how long a rotated token works beside its successor.
DEFAULT_OVERLAP_HOURS, LONGEST_OVERLAP_HOURS = 24, 7 * 24
# A busy token's row is written at most once in this time.
LAST_USED_PRECISION = timedelta(minutes=1)


def person_named(email: str, *, actor: Actor) -> User:
    """Whom a token is for; only who may make tokens of others learns whether there is such a person."""
    if email.strip().lower() != getattr(actor.user, "email", None):
        actor.require(MAKE_OTHERS)
    return people.named(email)


def create_for_operator(
    user: User, *, actor: Actor, scopes: list[str], expires_days: int | None = None, reason: str = ""
) -> tuple[ApiToken, str]:
    """A token that acts with the operator's own Django permissions, and its one-time text.

    Raises `BeyondYourself`, `NotAnOperator`, `InvalidScope`, `InvalidExpiry`.
    """
    _require_may_make(user, actor)
    if not user.is_staff:
        raise errors.NotAnOperator
    return _create(user, None, actor, scopes, expires_days, reason=reason)


def create_for_member(
    user: User,
    organization: Organization,
    *,
    actor: Actor,
    scopes: list[str],
    expires_days: int | None = None,
    within: ApiToken | None = None,
    name: str = "",
    reason: str = "",
) -> tuple[ApiToken, str]:
    """A token that acts for the member in that organization alone, and its one-time text.

    `within` is the token that asks for it, if one does: the new one has none but its scopes and ends with
    it. Raises `BeyondYourself`, `NotAMember`, `InvalidTokenName`, `InvalidScope`, `InvalidExpiry`.
    """
    _require_may_make(user, actor)
    if len(name) > LONGEST_NAME or not is_one_line(name):
        raise errors.InvalidTokenName
    if within is not None and not set(scopes) <= set(within.scopes):
        raise errors.BeyondYourself("A token makes tokens with none but its own scopes.")
    if not Membership.objects.filter(user=user, organization=organization).exists():
        raise errors.NotAMember
    return _create(user, organization, actor, scopes, expires_days, within, name, reason)


def _require_may_make(user: User, actor: Actor) -> None:
    """One's own, or with the permission; and none that may do more than who is shown its text."""
    if user.pk != getattr(actor.user, "pk", None):
        actor.require(MAKE_OTHERS)
        people.require_reach(user, actor=actor)


@transaction.atomic
def _create(
    user: User,
    organization: Organization | None,
    actor: Actor,
    scopes: list[str],
    expires_days: int | None,
    within: ApiToken | None = None,
    name: str = "",
    reason: str = "",
) -> tuple[ApiToken, str]:
    actor.require_recent()
    if not scopes or not set(scopes) <= set(SCOPES):
        raise errors.InvalidScope
    if expires_days is not None and not 1 <= expires_days <= LONGEST_EXPIRY_DAYS:
        raise errors.InvalidExpiry
    ends = [within.expires_at] if within and within.expires_at else []
    if expires_days:
        ends.append(timezone.now() + timedelta(days=expires_days))
    token, text = _issue(
        ApiToken(
            user=user,
            organization=organization,
            name=name,
            scopes=sorted(set(scopes)),
            made_by=within,
            expires_at=min(ends, default=None),
        ),
        actor,
    )
    _record("token.create", token, actor, reason=reason)
    return token, text


@transaction.atomic
def rotate(
    token: ApiToken,
    *,
    actor: Actor,
    overlap_hours: int = DEFAULT_OVERLAP_HOURS,
    within: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """A token in the place of this one, which works beside it for the hours of the overlap.

    It lasts as long as the other was made for. One that a token asks for is that token's, ends when it
    would have and is revoked with it: whoever has found a token gains no time by rotating it.

    Raises `BeyondYourself`, `InvalidOverlap`, and `InvalidToken` for one that works no more.
    """
    actor.require_recent()
    _require_may_make(token.user, actor)
    if not 0 <= overlap_hours <= LONGEST_OVERLAP_HOURS:
        raise errors.InvalidOverlap
    old = ApiToken.objects.select_for_update().get(pk=token.pk)
    now = timezone.now()
    if not old.is_usable(now):
        raise errors.TokenOver
    if within is not None and not set(old.scopes) <= set(within.scopes):
        raise errors.BeyondYourself("A token makes tokens with none but its own scopes.")
    new, text = _issue(
        ApiToken(
            user=old.user,
            organization=old.organization,
            name=old.name,
            scopes=old.scopes,
            made_by=within or old.made_by,
            expires_at=_expiry_of_successor(old, within, now),
        ),
        actor,
    )
    if within is None:
        old.made.exclude(pk=new.pk).update(made_by=new)
    end_at = now + timedelta(hours=overlap_hours)
    old.expires_at = min(old.expires_at or end_at, end_at)
    old.save(update_fields=("expires_at",))
    _record("token.rotate", new, actor, rotated=old.prefix, overlap_hours=overlap_hours)
    return new, text


def _expiry_of_successor(old: ApiToken, within: ApiToken | None, now: datetime) -> datetime | None:
    if within is not None:
        return min((one for one in (within.expires_at, old.expires_at) if one), default=None)
    return now + (old.expires_at - old.created_at) if old.expires_at else None


def _issue(token: ApiToken, actor: Actor) -> tuple[ApiToken, str]:
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    text = PREFIX + secret + checksum(secret)
    token.prefix, token.token_hash = text[:14], digest(text)
    token.created_by = actor.name
    token.save(force_insert=True)
    return token, text


def checksum(secret: str) -> str:
    """CRC-32 in base 62, the most significant digit first."""
    number, digits = zlib.crc32(secret.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def _record(verb: str, token: ApiToken, actor: Actor, *, reason: str = "", **more: object) -> None:
    audit.record(
        verb,
        actor=actor,
        organization=token.organization_id or "",
        after={
            "prefix": token.prefix,
            "scopes": token.scopes,
            "user": str(token.user.public_id),
            **more,
        },
        reason=reason,
    )


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
    if token is None or not token.is_usable(now) or not token.user.is_active:
        raise errors.InvalidToken
    if token.organization_id is None and not token.user.is_staff:
        raise errors.InvalidToken
    if token.last_used_at is None or abs(now - token.last_used_at) > LAST_USED_PRECISION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def digest(text: str) -> str:
    """Plain SHA-256 is enough: a token has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(text.encode()).hexdigest()
