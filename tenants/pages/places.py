"""Where a person can go within their organization, and what of it they may do."""

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest

from tenants import errors, roles
from tenants.models import User


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation, shown to whoever may read the resource."""

    title: str
    route: str
    resource: str


PLACES = (
    Place("Members", "organization:members", "members"),
    Place("API tokens", "organization:tokens", "tokens"),
    Place("Single sign-on", "organization:sso", "settings"),
    Place("Support", "organization:support", "settings"),
)


def open_to(request: HttpRequest) -> list[Place]:
    return [place for place in PLACES if allows(request, "read", place.resource)]


def allows(request: HttpRequest, action: str, resource: str) -> bool:
    """Whether to offer it: by the person's roles, or for support by the access that stands."""
    look = request.admission.look  # type: ignore[attr-defined]
    if look is None:
        return roles.book().allows(str(cast(User, request.user).public_id), action, resource)
    try:
        look.require(action, resource)
    except errors.SupportReadOnly:
        return False
    return True
