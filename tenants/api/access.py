"""Step 7 of the gate: the RBAC check of the current organization, as DRF's permission class and for pages.

tenants does not know rbac; rbac puts its check here when its app is ready.
"""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from pulse.problems import Unavailable
from tenants.models import User


def _no_policy(user: str, action: str, resource: str) -> None:
    raise Unavailable("No access policy is installed.")


# Raises a `Problem` unless the principal may do the action on the resource in the current organization.
require: Callable[[str, str, str], None] = _no_policy


def require_of(request: HttpRequest, action: str, resource: str) -> None:
    """Raise unless whoever asks may.

    An operator who looks in as support has no roles; what they may do is the access' own.
    """
    look = request.admission.look  # type: ignore[attr-defined]
    if look is not None:
        look.require(action, resource)
    else:
        require(str(cast(User, request.user).public_id), action, resource)


class Access(BasePermission):
    """`read` on the view's `resource` for safe methods, `write` for others."""

    def has_permission(self, request: Request, view: Any) -> bool:
        action = "read" if request.method in SAFE_METHODS else "write"
        require_of(request._request, action, view.resource)
        return True
