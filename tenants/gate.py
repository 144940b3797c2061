"""The gate's steps 2 to 4 and 6: who asks, for which organization, in which state, how often."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.permissions import SAFE_METHODS

from pulse import limits
from pulse.problems import Unavailable
from tenants import choice, context, errors, support, tokens
from tenants.models import DEFAULT_ORGANIZATION, ORGANIZATION_ID, Status, User
from tenants.sso import sessions as sso_sessions
from tenants.sso.errors import SsoRequired

COLUMNS = (
    "o.id, o.status, o.purge_after, o.entitlement_timeline, m.signed_out_at, "
    "m.vouched_until, m.is_emergency_owner, o.sso_only"
)
SOURCE = (
    "tenants_membership m JOIN tenants_organization o ON o.id = m.organization_id "
    "WHERE m.user_id = %s AND o.status <> 'purged'"
)
ONE = f"SELECT {COLUMNS} FROM {SOURCE} AND m.organization_id = %s"  # noqa: S608 - constants
ONLY = f"SELECT {COLUMNS} FROM {SOURCE} LIMIT 2"  # noqa: S608 - constants


@dataclass(slots=True)
class Admission:
    """The one row that steps 3 to 6 read of the organization. Instants are UTC."""

    organization_id: str
    status: str
    purge_after: datetime | None
    entitlement_timeline: str
    signed_out_at: datetime | None = None
    vouched_until: datetime | None = None
    is_emergency_owner: bool = False
    sso_only: bool = False
    # Of an operator who looks in as support.
    look: support.Look | None = None
    # Set by step 5, when the organization is entitled to a rate of its own.
    tenant_rate: str = ""

    @property
    def is_default(self) -> bool:
        return self.organization_id == DEFAULT_ORGANIZATION


def identify(request: HttpRequest) -> None:
    """Step 2: the token's user, else the session's. Sets `request.token`; raises `InvalidToken`."""
    request.token = None  # type: ignore[attr-defined]
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not scheme:
        _refuse_confined_operator(request)
        return
    if scheme.lower() != "bearer" or not text.startswith(tokens.PREFIX):
        raise errors.InvalidToken(headers={"WWW-Authenticate": "Bearer"})
    try:
        token = tokens.recognise(text.strip())
    except errors.InvalidToken as refusal:
        refusal.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        raise
    except DatabaseError as error:
        raise Unavailable from error
    request.token = token  # type: ignore[attr-defined]
    request.user = token.user


def holds_scope(request: HttpRequest, scope: str) -> bool:
    """Whether the request carries an operator's token with the scope: for machines, on always-on routes."""
    try:
        identify(request)
    except errors.InvalidToken:
        return False
    token = request.token  # type: ignore[attr-defined]
    return token is not None and token.organization_id is None and scope in token.scopes


def choose_organization(request: HttpRequest) -> None:
    """Step 3: enter the organization asked for, or raise `AccessDenied`; sets `request.admission`."""
    if not request.user.is_authenticated:
        raise errors.NotAuthenticated(headers={"WWW-Authenticate": "Bearer"})
    token = request.token  # type: ignore[attr-defined]
    bound = token.organization_id if token else None
    asked = request.META.get("HTTP_X_PULSE_ORG_ID") or (
        bound if token else request.session.get(choice.SESSION_KEY)
    )
    if bound is not None and asked != bound:
        raise errors.AccessDenied
    confined_to = None if token else sso_sessions.organization_of(request)
    if confined_to is not None:
        if asked not in (None, confined_to):
            raise errors.AccessDenied
        asked = confined_to
    try:
        admission = _admission(request.user.pk, asked)
    except DatabaseError as error:
        raise errors.StateUnavailable from error
    if admission is None and token is None and asked is not None and confined_to is None:
        admission = _looking_in(request, asked)
    if admission is None:
        raise errors.AccessDenied
    if confined_to is not None and sso_sessions.is_over(request):
        raise SsoRequired
    if admission.look is None:
        _require_vouched_for(admission, by_sso=confined_to is not None, by_token=token is not None)
    if admission.signed_out_at is not None and token is None:
        _require_signed_in_since(admission.signed_out_at, request)
    request.admission = admission  # type: ignore[attr-defined]
    request.gate.enter_context(context.organization(admission.organization_id))  # type: ignore[attr-defined]


def check_lifecycle(request: HttpRequest) -> None:
    """Step 4: only an active organization passes."""
    admission: Admission = request.admission  # type: ignore[attr-defined]
    if admission.status == Status.ACTIVE:
        return
    if admission.status == Status.SUSPENDED:
        raise errors.OrganizationSuspended
    purge_after = admission.purge_after
    raise errors.OrganizationPendingDeletion(purge_after=purge_after and purge_after.isoformat())


def check_rate(request: HttpRequest) -> None:
    """Step 6: the organization's requests a minute. Fails open while Redis is gone."""
    admission: Admission = request.admission  # type: ignore[attr-defined]
    if admission.is_default:
        return
    notation = limits.higher(admission.tenant_rate, settings.PULSE_TENANT_RATE)
    identifiers = ("tenant", admission.organization_id)
    try:
        if limits.hit(notation, *identifiers):
            return
        headers = limits.headers(notation, *identifiers)
    except Unavailable:
        return
    headers["X-Pulse-Org-ID"] = admission.organization_id
    raise errors.TenantRateLimitExceeded(headers=headers)


def _looking_in(request: HttpRequest, asked: str) -> Admission | None:
    """As support, in a session. What a product lies behind the edge cannot be told to read only."""
    found = support.look_of(cast(User, request.user), asked)
    if found is None:
        return None
    organization, look = found
    match = request.resolver_match
    if not look.may_write and (request.method not in SAFE_METHODS or (match and match.namespace == "edge")):
        raise errors.SupportReadOnly
    return Admission(
        organization.id,
        organization.status,
        organization.purge_after,
        organization.entitlement_timeline,
        look=look,
    )


def _require_vouched_for(admission: Admission, *, by_sso: bool, by_token: bool) -> None:
    """Whom the organization's identity provider has signed in stays in as long as it vouches for them.

    Where it alone lets people in, a password opens nothing, and a token works while somebody vouches.
    """
    until = admission.vouched_until
    if until is None:
        passes = not by_sso and (not admission.sso_only or admission.is_emergency_owner)
    else:
        passes = timezone.now() < until and (by_sso or by_token or not admission.sso_only)
    if not passes:
        raise SsoRequired


def _refuse_confined_operator(request: HttpRequest) -> None:
    """No organization's sign-in makes anybody an operator."""
    if sso_sessions.organization_of(request) is not None and getattr(request.user, "is_staff", False):
        raise errors.AccessDenied


def _require_signed_in_since(moment: datetime, request: HttpRequest) -> None:
    records = get_authentication_records(request, cast(User, request.user))
    if not any(record["at"] > moment.timestamp() for record in records):
        raise errors.SessionEnded


def _admission(user_id: int, asked: str | None) -> Admission | None:
    """The asked organization's row if the user is a member, else that of their only one, else default's."""
    if asked is not None and not re.fullmatch(ORGANIZATION_ID, asked):
        return None
    with connection.cursor() as cursor:
        if asked is not None:
            cursor.execute(ONE, (user_id, asked))
            return _from_row(cursor.fetchone())
        cursor.execute(ONLY, (user_id,))
        rows = cursor.fetchall()
        if len(rows) == 1:
            return _from_row(rows[0])
        cursor.execute(ONE, (user_id, DEFAULT_ORGANIZATION))
        return _from_row(cursor.fetchone())


def _from_row(row: tuple[Any, ...] | None) -> Admission | None:
    if row is None:
        return None
    organization_id, status, purge_after, timeline, signed_out_at, vouched_until, is_emergency, only = row
    return Admission(
        organization_id,
        status,
        _instant(purge_after),
        timeline,
        _instant(signed_out_at),
        _instant(vouched_until),
        bool(is_emergency),
        bool(only),
    )


def _instant(value: datetime | None) -> datetime | None:
    """A raw column's instant: PostgreSQL's knows its zone; SQLite's does not, and is UTC."""
    if value is not None and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
