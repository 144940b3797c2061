"""Which of their organizations a person's session acts in; the gate's step 3 reads it."""

from typing import cast

from django.db.models import QuerySet
from django.http import HttpRequest

from tenants import errors, support
from tenants.models import DEFAULT_ORGANIZATION, Membership, Organization, Status, User
from tenants.sso import sessions

SESSION_KEY = "organization"


def organizations_of(request: HttpRequest) -> QuerySet[Membership]:
    """Those of the person, or the one that their token or session is bound to; by id."""
    mine = Membership.objects.filter(user=cast(User, request.user)).exclude(
        organization__status=Status.PURGED
    )
    token = getattr(request, "token", None)
    if token is not None:
        mine = mine.filter(organization=token.organization_id)
    elif bound := sessions.organization_of(request):
        mine = mine.filter(organization=bound)
    return mine.select_related("organization").order_by("organization_id")


def in_use(request: HttpRequest) -> Membership | None:
    """Of the one that the gate takes a session's request to be in; None until the person chooses."""
    mine = list(organizations_of(request))
    chosen = request.session.get(SESSION_KEY)
    if chosen is None and len(mine) == 1:
        return mine[0]
    wanted = chosen or DEFAULT_ORGANIZATION
    return next((one for one in mine if one.organization_id == wanted), None)


def choose(request: HttpRequest, organization_id: str) -> None:
    """Act in this one from the next request on.

    Raises `SessionNeeded`, and `AccessDenied` for one that the person is not a member of and does not look
    into as support, or that is not.
    """
    if getattr(request, "token", None) is not None:
        raise errors.SessionNeeded
    if not Organization.objects.named(organization_id).exists():
        raise errors.AccessDenied
    is_member = organizations_of(request).filter(organization=organization_id).exists()
    if not is_member and support.look_of(cast(User, request.user), organization_id) is None:
        raise errors.AccessDenied
    request.session[SESSION_KEY] = organization_id


def forget(request: HttpRequest) -> None:
    """Act in the person's only organization, or in none until they choose."""
    request.session.pop(SESSION_KEY, None)
