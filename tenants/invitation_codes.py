"""Invitation codes for sign-ups at the stage private_beta: made, revoked, and counted exactly."""

import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from pulse import audit
from pulse.actors import Actor
from pulse.text import is_one_line
from tenants import errors
from tenants.models import InvitationCode
from tenants.provisioning import checked_email
from tenants.tokens import digest

PREFIX = "invite-"
DEFAULT_DAYS = 30
MOST_DAYS = 365
MOST_USES = 10_000
REVOKE = "tenants.delete_invitationcode"


@transaction.atomic
def make(
    *,
    actor: Actor,
    email: str = "",
    uses: int = 1,
    days: int = DEFAULT_DAYS,
    note: str = "",
    reason: str = "",
) -> tuple[InvitationCode, str]:
    """A code, and its one-time text. One for an e-mail address is good for one use.

    Raises `InvalidEmail`, `InvalidInvitation`.
    """
    actor.require("tenants.add_invitationcode")
    if not 1 <= uses <= MOST_USES or not 1 <= days <= MOST_DAYS or len(note) > 200 or not is_one_line(note):
        raise errors.InvalidInvitation
    if email and uses != 1:
        raise errors.InvalidInvitation("A code for one e-mail address is good for one use.")
    text = PREFIX + secrets.token_urlsafe(12)
    code = InvitationCode.objects.create(
        prefix=text[:12],
        code_hash=digest(text),
        email=checked_email(email) if email else "",
        uses=uses,
        note=note,
        created_by=actor.name,
        expires_at=timezone.now() + timedelta(days=days),
    )
    after = {"code": code.prefix, "uses": uses}
    audit.record("invitation.make", actor=actor, after=after, reason=reason)
    return code, text


@transaction.atomic
def revoke(code: InvitationCode, *, actor: Actor, reason: str = "") -> InvitationCode:
    """Nobody signs up by it any more, nor finishes doing so; twice changes nothing."""
    actor.require(REVOKE)
    locked = InvitationCode.objects.select_for_update().get(pk=code.pk)
    if locked.revoked_at is None:
        locked.revoked_at = timezone.now()
        locked.save(update_fields=("revoked_at",))
        before = {"code": locked.prefix, "used": locked.used}
        audit.record("invitation.revoke", actor=actor, before=before, reason=reason)
    return locked


def named(prefix: str) -> InvitationCode:
    """The code that begins so. Raises `InvitationNotFound`."""
    code = InvitationCode.objects.filter(prefix=prefix).first()
    if code is None:
        raise errors.InvitationNotFound
    return code


def numbered(code_id: int) -> InvitationCode:
    """Raises `InvitationNotFound`."""
    code = InvitationCode.objects.filter(pk=code_id).first()
    if code is None:
        raise errors.InvitationNotFound
    return code


def recognise(text: str, *, email: str) -> InvitationCode:
    """The code, if somebody with this address may sign up by it; raises `InvitationRequired` otherwise."""
    code = InvitationCode.objects.filter(code_hash=digest(text.strip())).first()
    if code is None or code.email not in ("", email):
        raise errors.InvitationRequired
    if code.revoked_at or code.expires_at <= timezone.now() or code.used >= code.uses:
        raise errors.InvitationRequired
    return code


def count_use(code: InvitationCode) -> None:
    """One use less, or `InvitationRequired`. In one statement, so that of two for the last use one wins."""
    usable = InvitationCode.objects.filter(
        pk=code.pk, revoked_at=None, expires_at__gt=timezone.now(), used__lt=F("uses")
    )
    if not usable.update(used=F("used") + 1):
        raise errors.InvitationRequired
