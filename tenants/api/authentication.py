"""Hands over to DRF whom the gate has identified; nothing is resolved twice."""

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from tenants.models import ApiToken, User


class GateAuthentication(SessionAuthentication):
    """The token's user, or the session's: the latter with Django's CSRF check for unsafe methods."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken | None] | None:
        user = request._request.user
        if not isinstance(user, User) or not user.is_active:
            return None
        token: ApiToken | None = getattr(request._request, "token", None)
        if token is None:
            self.enforce_csrf(request)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
