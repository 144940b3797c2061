"""Who may call the operators' API: token scopes and Django's own permissions."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from pulse.problems import PermissionRefused
from tenants.accounts import factors
from tenants.errors import ScopeMissing, SecondFactorRequired
from tenants.models import ApiToken


class TokenScope(BasePermission):
    """A token needs `read` for safe methods and `write` for others, or the view's own `scope`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if isinstance(token, ApiToken):
            needed = getattr(view, "scope", None) or ("read" if request.method in SAFE_METHODS else "write")
            if needed not in token.scopes:
                raise ScopeMissing(f"The token lacks the scope {needed}.")
        return True


class IsOperator(BasePermission):
    """A signed-in operator, or an operator's token; a token that is bound to a tenant is refused.

    Reading takes `view_<model>` or the view's `read_permission`. What a change takes is the verb's rule.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user.is_authenticated:
            return False
        token = request.auth
        if not user.is_staff or (isinstance(token, ApiToken) and token.organization_id):
            raise PermissionRefused("This is for operators.")
        if token is None and factors.is_missing(user):
            raise SecondFactorRequired
        if request.method in SAFE_METHODS and not user.has_perm(view.read_permission):
            raise PermissionRefused(f"This takes the permission {view.read_permission}.")
        return True
